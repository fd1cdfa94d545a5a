import { expect, test } from 'vitest'
import { canonicalJson } from '../model/canonical.ts'
import { encodeBundle } from './bundle.ts'
import { formatCheckpoint, signCheckpoint } from './checkpoint.ts'
import { cosign } from './cosignature.ts'
import { encodeText } from './encoding.ts'
import { createSigner, formatVerifierKey, generatePrivateKey } from './key.ts'
import { leafHash, treeHead } from './merkle.ts'
import { MemoryLedgerFiles } from './memory/memory-ledger-files.ts'
import { formatSignature } from './note.ts'
import { Publisher } from './publisher.ts'
import { encodeTile } from './tiles.ts'
import { verifyLedger, type VerifyOptions } from './verify.ts'

const signer = createSigner('log', 'example.com/ledger', generatePrivateKey())
const witness = createSigner('witness', 'example.com/witness', generatePrivateKey())
const key = formatVerifierKey(signer.key)
const witnessKey = formatVerifierKey(witness.key)
const clock = { now: () => 0, sleep: async () => {} }
const entry = (index: number) => encodeText(canonicalJson({ index, kind: 'test' }))
const entries = (from: number, to: number) => Array.from({ length: to - from }, (_, offset) => entry(from + offset))

async function ledgerOf(size: number): Promise<{ files: MemoryLedgerFiles; publisher: Publisher }> {
  const files = new MemoryLedgerFiles()
  const publisher = await Publisher.open({ files, signer, witnesses: [witnessKey] })
  await publisher.publish(entries(0, size))
  return { files, publisher }
}

const verify = (files: MemoryLedgerFiles, options: Partial<VerifyOptions> = {}) =>
  verifyLedger(files, { key, clock, ...options })

const textOf = (publisher: Publisher) => formatCheckpoint(publisher.checkpoint!)

const cosignature = (publisher: Publisher) =>
  formatSignature(cosign(publisher.checkpoint!.note.text, witness, 1_790_000_000))

async function firstProblem(files: MemoryLedgerFiles, options?: Partial<VerifyOptions>) {
  const { ok, problems } = await verify(files, options)
  expect(ok).toBe(false)
  return problems[0]
}

async function change(files: MemoryLedgerFiles, path: string, edit: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  const bytes = await files.read(path)
  await files.write([{ path, bytes: edit(bytes!) }])
}

test.each([0, 1, 2, 255, 256, 257, 300, 511, 512, 70_000])('a ledger of %i entries is found right', async (size) => {
  const { files, publisher } = await ledgerOf(size)
  const seen: number[] = []
  const report = await verify(files, { onProgress: (progress) => seen.push(progress.entries) })
  expect(report).toEqual({
    ok: true,
    origin: 'example.com/ledger',
    size,
    root: Buffer.from(publisher.published.root).toString('base64'),
    entries: size,
    prunedBefore: 0,
    cosignatures: [],
    problems: [],
  })
  expect(seen.at(-1) ?? 0).toBe(size)
})

test.each([
  { size: 5, stride: 1 },
  // Coprime with 8, so that every place within a byte is tried.
  { size: 258, stride: 211 },
])('one bit that is flipped in any file of $size entries is found', { timeout: 60_000 }, async ({ size, stride }) => {
  const { files, publisher } = await ledgerOf(size)
  await publisher.cosign(publisher.checkpoint!, cosignature(publisher))
  const options = { witnesses: [witnessKey] }
  expect(await verify(files, options)).toMatchObject({ ok: true, cosignatures: [{ name: witness.key.name }] })
  for (const path of ['checkpoint', ...(await files.list('tile'))]) {
    const bytes = (await files.read(path))!
    const step = bytes.length < 1_000 ? 1 : stride
    for (let bit = 0; bit < bytes.length * 8; bit += step) {
      await files.write([{ path, bytes: bytes.with(bit >> 3, bytes[bit >> 3]! ^ (1 << (bit & 7))) }])
      if ((await verify(files, options)).ok) expect.fail(`bit ${bit} of ${path}`)
    }
    await files.write([{ path, bytes }])
  }
})

test('an entry that is changed is named', async () => {
  const { files } = await ledgerOf(600)
  await change(files, 'tile/entries/001', (bytes) => bytes.with(bytes.length - 5, bytes.at(-5)! ^ 1))
  expect(await firstProblem(files)).toEqual({
    index: 511,
    kind: 'entry',
    message: 'entry 511 is not the one that was logged',
  })
})

test('an entry that is dropped, or doubled, is named', async () => {
  const { files } = await ledgerOf(600)
  await files.write([{ path: 'tile/entries/001', bytes: encodeBundle(entries(256, 512).toSpliced(44, 1)) }])
  expect(await firstProblem(files)).toMatchObject({ index: 300, kind: 'entry' })
  await files.write([{ path: 'tile/entries/001', bytes: encodeBundle([...entries(256, 512), entry(511)]) }])
  expect(await firstProblem(files)).toEqual({
    index: 511,
    kind: 'entry',
    message: 'tile/entries/001 goes on after entry 511',
  })
})

test('the first of entries that are reordered is named', async () => {
  const { files } = await ledgerOf(600)
  const swapped = entries(512, 600).with(20, entry(540)).with(28, entry(532))
  await files.write([{ path: 'tile/entries/002.p/88', bytes: encodeBundle(swapped) }])
  expect(await firstProblem(files)).toMatchObject({ index: 532, kind: 'entry' })
})

test('entries that are cut off are named', async () => {
  const { files } = await ledgerOf(600)
  await files.write([{ path: 'tile/entries/002.p/88', bytes: encodeBundle(entries(512, 590)) }])
  expect(await firstProblem(files)).toEqual({
    index: 590,
    kind: 'entry',
    message: 'tile/entries/002.p/88 ends before the whole of entry 590',
  })
  await files.remove(['tile/entries/001'])
  expect(await firstProblem(files)).toEqual({ index: 256, kind: 'missing', message: 'tile/entries/001 is missing' })
})

test('an entry that is changed with its hash is narrowed down to its tile', async () => {
  const { files } = await ledgerOf(600)
  const changed = entries(256, 512).with(44, entry(9))
  await files.write([{ path: 'tile/entries/001', bytes: encodeBundle(changed) }])
  await files.write([{ path: 'tile/0/001', bytes: encodeTile(changed.map(leafHash)) }])
  expect(await firstProblem(files)).toEqual({
    index: 256,
    kind: 'entry',
    message: 'not all entries 256 to 511 are those that were logged',
  })
})

test('an entry that is changed with all hashes above it does not fit the signature', async () => {
  const { files } = await ledgerOf(300)
  const { files: other, publisher } = await ledgerOf(44)
  await publisher.publish([entry(9), ...entries(45, 300)])
  for (const path of await other.list('tile')) await files.write([{ path, bytes: (await other.read(path))! }])
  expect(await firstProblem(files)).toEqual({
    kind: 'root',
    message: 'the tiles do not add up to the root that was signed for 300 entries',
  })
})

test('a hash that is changed is told from an entry that is', async () => {
  const { files } = await ledgerOf(600)
  await change(files, 'tile/0/001', (bytes) => bytes.with(32 * 44, bytes[32 * 44]! ^ 1))
  expect((await verify(files)).problems).toEqual([
    { index: 300, kind: 'tile', message: 'tile/0/001 does not have the hash of entry 300' },
  ])
})

test('a file that is missing, foreign or of the wrong length is named', async () => {
  const { files } = await ledgerOf(600)
  await files.remove(['tile/1/000.p/2'])
  expect((await verify(files)).problems).toEqual([{ index: 0, kind: 'missing', message: 'tile/1/000.p/2 is missing' }])
  const { files: second } = await ledgerOf(600)
  await second.write([{ path: 'tile/0/notes.txt', bytes: encodeText('hello') }])
  expect((await verify(second)).problems).toEqual([
    { kind: 'surplus', message: 'tile/0/notes.txt is no file of this ledger' },
  ])
  const { files: third } = await ledgerOf(600)
  await change(third, 'tile/0/001', (bytes) => bytes.subarray(1))
  expect((await verify(third)).problems).toEqual([
    { index: 256, kind: 'tile', message: 'tile/0/001 is not 256 hashes' },
  ])
})

test('a checkpoint that is missing, or of another key, is all that is said', async () => {
  const { files } = await ledgerOf(3)
  const other = createSigner('log', 'example.com/ledger', generatePrivateKey())
  expect(await firstProblem(files, { key: formatVerifierKey(other.key) })).toEqual({
    kind: 'checkpoint',
    message: `the checkpoint is not signed with the key example.com/ledger+${other.key.id}`,
  })
  await files.remove(['checkpoint'])
  expect(await firstProblem(files)).toEqual({ kind: 'checkpoint', message: 'the checkpoint is missing' })
})

test('what was logged and is no canonical JSON object is named', async () => {
  const leaves = ['{"a":1}', '{"b":1, "a":2}', '{"a":1,"a":1}', '[1]', 'nonsense', '['.repeat(65_000), '{"b":1,"a":1}']
  const hashes = leaves.map((leaf) => leafHash(encodeText(leaf)))
  const files = new MemoryLedgerFiles()
  const checkpoint = signCheckpoint(signer.key.name, { size: leaves.length, root: treeHead(hashes) }, signer)
  await files.write([
    { path: 'tile/entries/000.p/7', bytes: encodeBundle(leaves.map(encodeText)) },
    { path: 'tile/0/000.p/7', bytes: encodeTile(hashes) },
    { path: 'checkpoint', bytes: encodeText(formatCheckpoint(checkpoint)) },
  ])
  const { problems } = await verify(files)
  expect(problems.map(({ index, kind }) => [index, kind])).toEqual([1, 2, 3, 4, 5, 6].map((index) => [index, 'form']))
  expect(problems[2]?.message).toBe('entry 3 is not a JSON object')
})

test('a ledger that goes on from an earlier checkpoint is right, whatever their sizes', async () => {
  const { files, publisher } = await ledgerOf(0)
  const earlier = [textOf(publisher)]
  for (const size of [1, 2, 200, 256, 300, 512, 513]) {
    await publisher.publish(entries(publisher.published.size, size))
    earlier.push(textOf(publisher))
  }
  for (const text of earlier) expect((await verify(files, { earlier: text })).problems).toEqual([])
})

test('a history that was rewritten and signed anew is a fork of the earlier one', async () => {
  const { publisher: before } = await ledgerOf(300)
  const { files, publisher } = await ledgerOf(100)
  await publisher.publish([entry(9), ...entries(101, 400)])
  expect(await firstProblem(files, { earlier: textOf(before) })).toMatchObject({ kind: 'fork' })
})

test('a ledger that is shorter than an earlier checkpoint was cut', async () => {
  const { publisher: before } = await ledgerOf(300)
  const { files } = await ledgerOf(290)
  expect(await firstProblem(files, { earlier: textOf(before) })).toEqual({
    index: 290,
    kind: 'truncated',
    message: 'entries from 290 on are gone: there were 300',
  })
})

test('an earlier checkpoint that is not of this ledger proves nothing', async () => {
  const { files } = await ledgerOf(3)
  expect(await firstProblem(files, { earlier: 'no checkpoint\n' })).toMatchObject({ kind: 'earlier' })
})

test('entries below a recorded prune may be missing, and others may not', async () => {
  const { files, publisher } = await ledgerOf(900)
  const early = textOf(publisher)
  await publisher.publish([encodeText(canonicalJson({ before: 600, kind: 'ledger.pruned' }))])
  await publisher.prune(600)
  expect(await verify(files)).toMatchObject({ ok: true, entries: 901 - 512, prunedBefore: 600 })
  expect(await verify(files, { earlier: early })).toMatchObject({ ok: true })
  expect(await firstProblem(files, { earlier: textOf((await ledgerOf(300)).publisher) })).toEqual({
    kind: 'earlier',
    message: 'the earlier checkpoint is of 300 entries, in the midst of what was pruned',
  })
  await files.remove(['tile/entries/002'])
  expect((await verify(files)).problems).toEqual([
    { index: 512, kind: 'missing', message: 'tile/entries/002 is missing' },
  ])
})

test('a ledger that was pruned without saying so is not whole', async () => {
  const { files, publisher } = await ledgerOf(700)
  await publisher.prune(600)
  expect(await firstProblem(files)).toEqual({ index: 0, kind: 'missing', message: 'tile/entries/000 is missing' })
})

test('a witness that did not cosign is named', async () => {
  const { files } = await ledgerOf(3)
  expect(await firstProblem(files, { witnesses: [witnessKey] })).toEqual({
    kind: 'witness',
    message: 'the checkpoint is not cosigned by example.com/witness',
  })
})

test('a ledger is verified while its writer goes on', async () => {
  const { files, publisher } = await ledgerOf(250)
  const pause = { ...clock, sleep: () => new Promise<void>((resolve) => void setImmediate(resolve)) }
  const writing = (async () => {
    for (let size = 250; size < 700; size++) await publisher.publish([entry(size)])
  })()
  for (let size = 0; size < 700;) {
    const report = await verify(files, { clock: pause })
    expect(report.problems).toEqual([])
    size = report.size
  }
  await writing
})
