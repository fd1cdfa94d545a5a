/** `node bench/ledger.ts`: how many entries a second a ledger takes, and how many are verified. */
import { DiskLedgerFiles } from '../src/ledger/disk/disk-ledger-files.ts'
import { encodeText } from '../src/ledger/encoding.ts'
import { createSigner, formatVerifierKey, generatePrivateKey } from '../src/ledger/key.ts'
import type { LedgerFiles } from '../src/ledger/ledger-files.ts'
import { MemoryLedgerFiles } from '../src/ledger/memory/memory-ledger-files.ts'
import { Publisher } from '../src/ledger/publisher.ts'
import { verifyLedger } from '../src/ledger/verify.ts'
import { canonicalJson } from '../src/model/canonical.ts'
import { temporaryFolder } from '../src/system/temporary-folder.ts'
import { timeMs } from './stopwatch.ts'

const size = 200_000
const perPublication = 100
const smallPublications = 200
const verifyTarget = 50_000

const signer = createSigner('log', 'bench.example/ledger', generatePrivateKey())
const leaves = Array.from({ length: size + smallPublications * perPublication }, (_, index) => leafOf(index))
await using folder = await temporaryFolder()

console.log(`entries of about ${leaves[0]?.length} bytes`)
await measure('memory', new MemoryLedgerFiles())
await measure('disk', new DiskLedgerFiles(folder.path))

async function measure(name: string, files: LedgerFiles): Promise<void> {
  const publisher = await Publisher.open({ files, signer })
  rate(`${name}: publish at once`, size, await timeMs(() => publisher.publish(leaves.slice(0, size))))
  const smallMs = await timeMs(async () => {
    for (let from = size; from < leaves.length; from += perPublication)
      await publisher.publish(leaves.slice(from, from + perPublication))
  })
  rate(`${name}: publish ${perPublication} at a time`, smallPublications * perPublication, smallMs)
  console.log(`${name}: ${(smallMs / smallPublications).toFixed(1)} ms a publication`)
  const verifyMs = await timeMs(() => verify(files))
  const verified = rate(`${name}: verify`, leaves.length, verifyMs)
  if (verified < verifyTarget) process.exitCode = 1
}

async function verify(files: LedgerFiles): Promise<void> {
  const { ok, entries, problems } = await verifyLedger(files, { key: formatVerifierKey(signer.key) })
  if (!ok || entries !== leaves.length) throw new Error(problems[0]?.message ?? `${entries} entries were verified`)
}

function rate(name: string, entries: number, ms: number): number {
  const perSecond = Math.round((entries / ms) * 1000)
  console.log(`${name}: ${perSecond} entries a second`)
  return perSecond
}

/** Like an entry of an effect. */
function leafOf(index: number): Uint8Array {
  return encodeText(
    canonicalJson({
      at: new Date(1_790_000_000_000 + index).toISOString(),
      environment: 'production',
      instance: `shop-production-web-4f9a1c2b-${index % 100}`,
      kind: index % 2 === 0 ? 'create.intent' : 'create.done',
      message: 'made it, as the fleet had one too few',
      operation: `operation-${Math.floor(index / 2)}`,
      sequence: index,
      service: 'web',
      stack: 'shop',
    }),
  )
}
