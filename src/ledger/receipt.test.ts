import { expect, test } from 'vitest'
import { canonicalJson } from '../model/canonical.ts'
import { cosign } from './cosignature.ts'
import { encodeText } from './encoding.ts'
import { createSigner, formatVerifierKey, generatePrivateKey } from './key.ts'
import { MemoryLedgerFiles } from './memory/memory-ledger-files.ts'
import { formatSignature } from './note.ts'
import { extendsTree, consistencyPath } from './proof.ts'
import { Publisher } from './publisher.ts'
import { checkReceipt, makeReceipt } from './receipt.ts'
import { TileReader } from './tile-reader.ts'

const signer = createSigner('log', 'example.com/ledger', generatePrivateKey())
const witness = createSigner('witness', 'example.com/witness', generatePrivateKey())
const [key, witnessKey] = [signer, witness].map((each) => formatVerifierKey(each.key)) as [string, string]
const entry = (index: number) => encodeText(canonicalJson({ index, kind: 'test' }))
const entries = (from: number, to: number) => Array.from({ length: to - from }, (_, offset) => entry(from + offset))
const invalid = expect.objectContaining({ code: 'RECEIPT_INVALID' })

async function ledgerOf(size: number): Promise<{ files: MemoryLedgerFiles; publisher: Publisher }> {
  const files = new MemoryLedgerFiles()
  const publisher = await Publisher.open({ files, signer, witnesses: [witnessKey] })
  await publisher.publish(entries(0, size))
  return { files, publisher }
}

test.each([1, 2, 255, 256, 257, 700, 66_000])(
  'entries of a ledger of %i are proven by their receipts',
  async (size) => {
    const { files, publisher } = await ledgerOf(size)
    for (const index of new Set([0, 1, 255, 256, size - 2, size - 1].filter((each) => each >= 0 && each < size))) {
      const checked = checkReceipt(await makeReceipt(files, publisher.checkpoint!, index), { key })
      expect(checked).toMatchObject({ index, checkpoint: { size }, cosignatures: [] })
      expect(Buffer.from(checked.entry)).toEqual(Buffer.from(entry(index)))
    }
  },
)

test('a receipt has the form of the specification', async () => {
  const { files, publisher } = await ledgerOf(3)
  const receipt = await makeReceipt(files, publisher.checkpoint!, 2)
  expect(receipt).toMatch(
    /^c2sp\.org\/tlog-proof@v1\nextra eyJpbmRleCI6Miwia2luZCI6InRlc3QifQ==\nindex 2\n[\w+/]{43}=\n\nexample\.com\/ledger\n3\n/,
  )
})

test('any one bit that is flipped in a receipt is found', async () => {
  const { files, publisher } = await ledgerOf(9)
  const bytes = Buffer.from(await makeReceipt(files, publisher.checkpoint!, 4))
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    expect(() => checkReceipt(flipped.toString(), { key })).toThrow(invalid)
  }
})

test('a witness that was asked for has to have cosigned', async () => {
  const { files, publisher } = await ledgerOf(9)
  const before = await makeReceipt(files, publisher.checkpoint!, 4)
  await publisher.cosign(publisher.checkpoint!, formatSignature(cosign(publisher.checkpoint!.note.text, witness, 7)))
  const after = await makeReceipt(files, publisher.checkpoint!, 4)
  const options = { key, witnesses: [witnessKey] }
  expect(checkReceipt(after, options).cosignatures).toEqual([{ name: 'example.com/witness', atSeconds: 7 }])
  expect(() => checkReceipt(before, options)).toThrow(
    expect.objectContaining({
      code: 'RECEIPT_INVALID',
      message: 'the checkpoint of the receipt is not cosigned by example.com/witness',
    }),
  )
})

test('a receipt proves nothing to someone with another key', async () => {
  const { files, publisher } = await ledgerOf(9)
  const receipt = await makeReceipt(files, publisher.checkpoint!, 4)
  const other = createSigner('log', 'example.com/ledger', generatePrivateKey())
  expect(() => checkReceipt(receipt, { key: formatVerifierKey(other.key) })).toThrow(invalid)
})

test('a text that is no receipt is said to be none', () => {
  expect(() => checkReceipt('hello', { key })).toThrow('the receipt does not begin with c2sp.org/tlog-proof@v1')
})

test('there is no receipt for what is not published, or was pruned', async () => {
  const { files, publisher } = await ledgerOf(300)
  await expect(makeReceipt(files, publisher.checkpoint!, 300)).rejects.toThrow(
    expect.objectContaining({
      code: 'LEDGER_BEHIND',
      message: 'example.com/ledger has no entry 300: 300 are published',
    }),
  )
  await publisher.publish([encodeText(canonicalJson({ before: 256, kind: 'ledger.pruned' }))])
  await publisher.prune(256)
  await expect(makeReceipt(files, publisher.checkpoint!, 3)).rejects.toThrow(
    expect.objectContaining({ code: 'LEDGER_INVALID', message: 'tile/entries/000 is missing or not whole' }),
  )
  checkReceipt(await makeReceipt(files, publisher.checkpoint!, 299), { key })
})

test('a ledger that was changed gives no receipt', async () => {
  const { files, publisher } = await ledgerOf(3)
  const bytes = (await files.read('tile/0/000.p/3'))!
  await files.write([{ path: 'tile/0/000.p/3', bytes: bytes.with(0, bytes[0]! ^ 1) }])
  await expect(makeReceipt(files, publisher.checkpoint!, 1)).rejects.toThrow(
    'the files of example.com/ledger do not prove entry 1',
  )
})

test('a receipt for an earlier checkpoint can be made while the ledger grows', async () => {
  const { files, publisher } = await ledgerOf(250)
  const checkpoint = publisher.checkpoint!
  for (const size of [251, 256, 300, 600]) {
    await publisher.publish(entries(publisher.published.size, size))
    for (const index of [0, 200, 249])
      expect(checkReceipt(await makeReceipt(files, checkpoint, index), { key })).toMatchObject({ index })
  }
})

test('tiles prove that a ledger extends each of its earlier sizes', { timeout: 30_000 }, async () => {
  const { files, publisher } = await ledgerOf(0)
  const heads = [publisher.published]
  for (const size of [1, 7, 255, 256, 257, 511, 512, 700, 1025]) {
    await publisher.publish(entries(publisher.published.size, size))
    heads.push(publisher.published)
    for (const earlier of heads) {
      const proof = await new TileReader(files, size).proof(consistencyPath(earlier.size, size))
      expect(extendsTree(earlier, publisher.published, proof)).toBe(true)
    }
  }
})
