import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson } from '../model/canonical.ts'
import { formatCheckpoint, signCheckpoint } from './checkpoint.ts'
import { cosign } from './cosignature.ts'
import { encodeText } from './encoding.ts'
import { createSigner, formatVerifierKey, generatePrivateKey } from './key.ts'
import type { LedgerFile, LedgerFiles } from './ledger-files.ts'
import { leafHash, treeHead } from './merkle.ts'
import { MemoryLedgerFiles } from './memory/memory-ledger-files.ts'
import { formatSignature } from './note.ts'
import { Publisher } from './publisher.ts'
import { tilePath, tilesOf } from './tiles.ts'
import { verifyLedger } from './verify.ts'

const signer = createSigner('log', 'example.com/ledger', generatePrivateKey())
const witness = createSigner('witness', 'example.com/witness', generatePrivateKey())
const key = formatVerifierKey(signer.key)
const clock = { now: () => 0, sleep: async () => {} }
const entry = (index: number) => encodeText(canonicalJson({ index, kind: 'test' }))
const entries = (from: number, to: number) => Array.from({ length: to - from }, (_, offset) => entry(from + offset))
const open = (files: LedgerFiles) => Publisher.open({ files, signer, witnesses: [formatVerifierKey(witness.key)] })
const invalid = (message: string) => expect.objectContaining({ code: 'LEDGER_INVALID', message })

const textOf = async (files: LedgerFiles) => Buffer.from((await files.read('checkpoint'))!).toString()

async function expectWhole(files: LedgerFiles, size: number): Promise<void> {
  expect(await files.list('tile')).toEqual([...tilesOf(size)].map(tilePath).toSorted())
  const { problems, size: found } = await verifyLedger(files, { key, clock })
  expect(problems).toEqual([])
  expect(found).toBe(size)
}

test('a new ledger is empty until something is published', async () => {
  const files = new MemoryLedgerFiles()
  const publisher = await open(files)
  expect(publisher.checkpoint).toBeUndefined()
  expect(publisher.published).toEqual({ size: 0, root: treeHead([]) })
  const checkpoint = await publisher.publish([])
  expect(await textOf(files)).toBe(formatCheckpoint(checkpoint))
  await expectWhole(files, 0)
})

test('however entries are portioned out, the ledger comes to be the same', { timeout: 60_000 }, async () => {
  const portion = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 200, max: 700 }))
  await fc.assert(
    fc.asyncProperty(fc.array(portion, { minLength: 1, maxLength: 5 }), fc.boolean(), async (portions, reopens) => {
      const files = new MemoryLedgerFiles()
      let publisher = await open(files)
      let size = 0
      for (const count of portions) {
        await publisher.publish(entries(size, size + count))
        size += count
        if (reopens) publisher = await open(files)
        expect(Buffer.from(publisher.published.root)).toEqual(treeHead(entries(0, size).map(leafHash)))
      }
      await expectWhole(files, size)
    }),
    { numRuns: 30 },
  )
})

/** Files whose writer dies at one of its steps: of the files that it writes there, some are there. */
class DyingFiles implements LedgerFiles {
  readonly #files: LedgerFiles
  readonly #written: (index: number) => boolean
  #stepsLeft: number

  constructor(files: LedgerFiles, stepsLeft: number, written: (index: number) => boolean) {
    this.#files = files
    this.#stepsLeft = stepsLeft
    this.#written = written
  }

  read(path: string): Promise<Uint8Array | undefined> {
    return this.#files.read(path)
  }

  list(folder: string): Promise<readonly string[]> {
    return this.#files.list(folder)
  }

  async write(files: readonly LedgerFile[]): Promise<void> {
    return this.#step(files, (some) => this.#files.write(some))
  }

  async remove(paths: readonly string[]): Promise<void> {
    return this.#step(paths, (some) => this.#files.remove(some))
  }

  async #step<T>(items: readonly T[], action: (items: readonly T[]) => Promise<void>): Promise<void> {
    const dies = this.#stepsLeft-- <= 0
    await action(dies ? items.filter((_, index) => this.#written(index)) : items)
    if (dies) throw new Error('the writer died')
  }
}

test('a writer that dies at any step is followed by one that comes to the same end', { timeout: 60_000 }, async () => {
  const sizes = fc.tuple(
    fc.integer({ min: 0, max: 520 }),
    fc.integer({ min: 1, max: 520 }),
    fc.integer({ min: 0, max: 5 }),
  )
  const deaths = fc.array(fc.record({ step: fc.integer({ min: 0, max: 3 }), written: fc.nat() }), { maxLength: 3 })
  await fc.assert(
    fc.asyncProperty(sizes, deaths, async ([before, added, more], lives) => {
      const files = new MemoryLedgerFiles()
      await (await open(files)).publish(entries(0, before))
      for (const { step, written } of lives) {
        const dying = new DyingFiles(files, step, (index) => ((written >> (index % 16)) & 1) === 1)
        const died = await publishRest(dying, before + added).catch(() => 'died')
        const { problems, size } = await verifyLedger(files, { key, clock })
        expect([before, before + added]).toContain(size)
        expect(problems.filter(({ kind }) => kind !== 'surplus')).toEqual([])
        if (died !== 'died') break
      }
      await publishRest(files, before + added + more)
      await publishRest(files, before + added + more + 3)
      await expectWhole(files, before + added + more + 3)
    }),
    { numRuns: 60 },
  )
})

async function publishRest(files: LedgerFiles, size: number): Promise<void> {
  const publisher = await open(files)
  await publisher.publish(entries(publisher.published.size, size))
}

test('a publisher that lost track of its checkpoint publishes no more', async () => {
  const files = new MemoryLedgerFiles()
  const publisher = await open(new DyingFiles(files, 1, () => true))
  await expect(publisher.publish([entry(0)])).rejects.toThrow('the writer died')
  await expect(publisher.publish([entry(0)])).rejects.toThrow(
    invalid('it is not known whether the last checkpoint of example.com/ledger is there'),
  )
  await publishRest(files, 1)
  await expectWhole(files, 1)
})

test('a publication that fails before its checkpoint has not happened', async () => {
  const files = new MemoryLedgerFiles()
  const publisher = await open(new DyingFiles(files, 0, () => true))
  await expect(publisher.publish(entries(0, 10))).rejects.toThrow('the writer died')
  expect(publisher.published.size).toBe(0)
  await publishRest(files, 12)
  await expectWhole(files, 12)
})

test('entries that are published at the same time are published one after the other', async () => {
  const files = new MemoryLedgerFiles()
  const publisher = await open(files)
  const checkpoints = await Promise.all(entries(0, 20).map((leaf) => publisher.publish([leaf])))
  expect(checkpoints.map(({ size }) => size)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  await expectWhole(files, 20)
})

test('what is no entry is refused with its index, and nothing is published', async () => {
  const publisher = await open(new MemoryLedgerFiles())
  await publisher.publish([entry(0)])
  await expect(publisher.publish([entry(1), encodeText('{ }')])).rejects.toThrow(
    invalid('entry 2 of example.com/ledger is not canonical JSON (RFC 8785)'),
  )
  const long = encodeText(canonicalJson({ text: 'x'.repeat(70_000) }))
  await expect(publisher.publish([long])).rejects.toThrow('is more than a ledger can hold')
  expect(publisher.published.size).toBe(1)
})

test.each([
  ['is not signed with the key', 'checkpoint', 'other key'],
  ['is not a signed note', 'checkpoint', 'nonsense'],
  ['tile/1/000.p/1 is missing', 'tile/1/000.p/1', undefined],
  ['tile/0/001.p/44 is not 44 hashes', 'tile/0/001.p/44', 'nonsense'],
  ['tile/entries/001.p/44 does not hold the entries', 'tile/entries/001.p/44', 'nonsense'],
  ['do not add up to the root', 'tile/1/000.p/1', 'x'.repeat(32)],
])('a ledger is not opened when its checkpoint or edge %s', async (message, path, content) => {
  const files = new MemoryLedgerFiles()
  await publishRest(files, 300)
  const other = createSigner('log', 'example.com/ledger', generatePrivateKey())
  const foreign = formatCheckpoint(signCheckpoint('example.com/ledger', { size: 0, root: treeHead([]) }, other))
  const bytes = encodeText(content === 'other key' ? foreign : (content ?? ''))
  await (content === undefined ? files.remove([path]) : files.write([{ path, bytes }]))
  await expect(open(files)).rejects.toThrow(invalid(expect.stringContaining(message) as string))
})

test('a ledger of another origin is not opened', async () => {
  const files = new MemoryLedgerFiles()
  await publishRest(files, 3)
  await expect(Publisher.open({ files, signer, origin: 'example.com/other' })).rejects.toThrow(
    invalid('the checkpoint of example.com/other is of example.com/ledger, not of example.com/other'),
  )
})

test('a cosignature stands beside the signature until the next checkpoint', async () => {
  const files = new MemoryLedgerFiles()
  const publisher = await open(files)
  const first = await publisher.publish([entry(0)])
  const line = formatSignature(cosign(first.note.text, witness, 7))
  expect(await publisher.cosign(first, line)).toBe(true)
  expect(await textOf(files)).toBe(`${formatCheckpoint(first)}${line}`)
  expect(formatCheckpoint((await open(files)).checkpoint!)).toBe(await textOf(files))
  await publisher.publish([entry(1)])
  expect(await publisher.cosign(first, line)).toBe(false)
  expect(await textOf(files)).not.toContain(line)
})

test('a cosignature that is wrong, or of someone unknown, is refused', async () => {
  const files = new MemoryLedgerFiles()
  const publisher = await open(files)
  const checkpoint = await publisher.publish([entry(0)])
  const stranger = createSigner('witness', 'example.com/stranger', generatePrivateKey())
  for (const wrong of [cosign('other\n', witness, 7), cosign(checkpoint.note.text, stranger, 7)])
    await expect(publisher.cosign(checkpoint, formatSignature(wrong))).rejects.toThrow(
      expect.objectContaining({ code: 'WITNESS_REFUSED' }),
    )
  expect(await textOf(files)).toBe(formatCheckpoint(checkpoint))
})

test('pruning removes what is wholly below, and leaves what the tree needs', async () => {
  const files = new MemoryLedgerFiles()
  const publisher = await open(files)
  await publisher.publish(entries(0, 800))
  await publisher.publish([encodeText(canonicalJson({ before: 767, kind: 'ledger.pruned' }))])
  await publisher.prune(767)
  expect(await files.list('tile')).toEqual([
    'tile/0/002',
    'tile/0/003.p/33',
    'tile/1/000.p/3',
    'tile/entries/002',
    'tile/entries/003.p/33',
  ])
  await publishRest(files, 1_000)
  expect(await verifyLedger(files, { key, clock })).toMatchObject({ ok: true, size: 1_000, prunedBefore: 767 })
  await expect(publisher.prune(10_000)).rejects.toThrow(invalid('example.com/ledger has no entry 10000 to prune to'))
})
