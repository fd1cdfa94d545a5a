/** The opinion of another implementation, Go's golang.org/x/mod/sumdb, on a ledger of ours. */
import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DiskLedgerFiles } from '../../src/ledger/disk/disk-ledger-files.ts'
import { formatCheckpoint } from '../../src/ledger/checkpoint.ts'
import { encodeText } from '../../src/ledger/encoding.ts'
import { createSigner, formatVerifierKey, generatePrivateKey } from '../../src/ledger/key.ts'
import { MemoryLedgerFiles } from '../../src/ledger/memory/memory-ledger-files.ts'
import { Publisher } from '../../src/ledger/publisher.ts'
import { makeReceipt } from '../../src/ledger/receipt.ts'
import { createWitnessApi } from '../../src/ledger/witness-api.ts'
import { WitnessClient } from '../../src/ledger/witness-client.ts'
import { Witness } from '../../src/ledger/witness.ts'
import { canonicalJson } from '../../src/model/canonical.ts'
import { type TemporaryFolder, temporaryFolder } from '../../src/system/temporary-folder.ts'

const size = 100_000
const earlierSize = 70_001
const signer = createSigner('log', 'example.com/ledger', generatePrivateKey())
const cosigner = createSigner('witness', 'example.com/witness', generatePrivateKey())
const [key, witnessKey] = [signer, cosigner].map((each) => formatVerifierKey(each.key)) as [string, string]

let folder: TemporaryFolder
let program: string
let earlier: string
let receipt: string
let ledger: string

beforeAll(async () => {
  folder = await temporaryFolder()
  program = await buildVerifier(folder)
  ledger = join(folder.path, 'ledger')
  await fill(new DiskLedgerFiles(ledger))
})
afterAll(async () => folder?.[Symbol.asyncDispose]())

/** With the packages of Debian: see setup/setup.sh. */
async function buildVerifier({ path }: TemporaryFolder): Promise<string> {
  const binary = join(path, 'ledger-verifier')
  const source = resolve(import.meta.dirname, 'ledger-verifier/main.go')
  const env = {
    ...process.env,
    GO111MODULE: 'off',
    GOPATH: '/usr/share/gocode',
    GOFLAGS: '',
    GOCACHE: join(path, 'go'),
  }
  await promisify(execFile)('go', ['build', '-o', binary, source], { env })
  return binary
}

async function fill(files: DiskLedgerFiles): Promise<void> {
  const publisher = await Publisher.open({ files, signer, witnesses: [witnessKey] })
  earlier = await folder.write('earlier', formatCheckpoint(await publisher.publish(entries(0, earlierSize))))
  await publisher.publish(entries(earlierSize, size - 1))
  await publisher.publish(entries(size - 1, size))
  const witness = new Witness({ signer: cosigner, logs: [{ key }], files: new MemoryLedgerFiles() })
  const fetch = async (request: Request) => createWitnessApi(witness).fetch(request)
  const client = new WitnessClient({ url: 'http://witness.test', key: witnessKey, timeoutMs: 5_000, fetch })
  await publisher.cosign(publisher.checkpoint!, await client.cosign(files, publisher.checkpoint!))
  receipt = await folder.write('receipt', await makeReceipt(files, publisher.checkpoint!, 77_777))
}

function entries(from: number, to: number): readonly Uint8Array[] {
  return Array.from({ length: to - from }, (_, offset) =>
    encodeText(canonicalJson({ index: from + offset, kind: 'create.done', message: 'made an instance' })),
  )
}

function verify(): Promise<{ readonly stdout: string }> {
  return promisify(execFile)(program, [ledger, key, earlier, receipt, witnessKey])
}

test('Go verifies the signatures, every entry, proofs of inclusion and consistency, and a receipt', async () => {
  const { stdout } = await verify()
  expect(stdout).toBe(`${size} entries, 97 inclusion proofs, consistent with ${earlierSize}\n`)
})

test('Go finds an entry that was changed', async () => {
  const files = new DiskLedgerFiles(ledger)
  const path = 'tile/entries/300'
  const bytes = (await files.read(path))!
  await files.write([{ path, bytes: bytes.with(40, bytes[40]! ^ 1) }])
  await expect(verify()).rejects.toThrow('entry 76800 is not the one that was logged')
  await files.write([{ path, bytes }])
})
