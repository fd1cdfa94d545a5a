/**
 * An evidence locker in a folder: a file for each bundle, named by its digest, for its owner alone. When it is full, the
 * oldest go.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { RepaveError } from '../../errors.ts'
import type { Evidence, EvidencePart, EvidenceSubject } from '../../model/evidence.ts'
import { errorCode } from '../../system/error-code.ts'
import { fileFailure } from '../../system/file-failure.ts'
import { Serial } from '../../system/serial.ts'
import { gather, type Manifest, readManifest, writeBundle } from '../bundle.ts'
import type { EvidenceLocker, KeptEvidence } from '../locker.ts'
import { openEvidenceKey } from './evidence-key.ts'
import { makePrivateFolder, syncFolder, writeDurably } from './private-files.ts'

export interface LockerLimits {
  /** Of one bundle, before what the archive itself takes. */
  readonly bundleBytes: number
  readonly bundles: number
  /** Of all together. */
  readonly bytes: number
}

const mebibyte = 1024 * 1024
const usualLimits: LockerLimits = { bundleBytes: 64 * mebibyte, bundles: 100, bytes: 1024 * mebibyte }

/** No name of a bundle ends so. */
const incoming = '.incoming'

export class DiskLocker implements EvidenceLocker {
  readonly #folder: string
  readonly #limits: LockerLimits
  /** One bundle is in memory at a time. */
  readonly #turns = new Serial()
  /** A file of a bundle never changes. */
  readonly #known = new Map<string, Evidence>()
  #isSwept = false

  /** The folder is made by the first bundle; reading leaves it alone. */
  constructor(folder: string, limits: Partial<LockerLimits> = {}) {
    this.#folder = folder
    this.#limits = { ...usualLimits, ...limits }
  }

  keep(subject: EvidenceSubject, parts: AsyncIterable<EvidencePart>): Promise<KeptEvidence> {
    return this.#turns.run(async () => {
      try {
        return await this.#keep(subject, parts)
      } catch (error) {
        throw fileFailure(this.#folder, error)
      }
    })
  }

  async #keep(subject: EvidenceSubject, parts: AsyncIterable<EvidencePart>): Promise<KeptEvidence> {
    await this.#makeReady()
    const { recipient } = await openEvidenceKey(this.#folder)
    const gathered = await gather(parts, this.#limits.bundleBytes)
    const bundle = await writeBundle(subject, gathered, recipient)
    const hex = createHash('sha256').update(bundle).digest('hex')
    // Room is made first: a full disk may be full of evidence.
    const removed = await this.#makeRoom(bundle.length, hex)
    await writeDurably(this.#fileOf(hex), bundle, this.#fileOf(hex) + incoming)
    const evidence: Evidence = { ...subject, digest: `sha256:${hex}`, bytes: bundle.length, missing: gathered.missing }
    this.#known.set(hex, evidence)
    return { ...evidence, removed }
  }

  async list(): Promise<readonly Evidence[]> {
    const found = await Promise.all((await this.#names()).map((hex) => this.#describe(hex)))
    return found
      .filter((evidence) => evidence !== undefined)
      .toSorted((a, b) => b.atMs - a.atMs || a.digest.localeCompare(b.digest))
  }

  async read(digest: string): Promise<Readable> {
    const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1]
    if (hex === undefined || !(await this.#names()).includes(hex)) throw unknown(digest)
    const bundle = await this.#readWhole(hex)
    if (createHash('sha256').update(bundle).digest('hex') === hex) return Readable.from([bundle])
    throw new RepaveError('EVIDENCE_INVALID', `${this.#fileOf(hex)} is not what was kept: its digest is another one`, {
      hint: 'it was changed from outside; take it from a copy, and see who could write there',
      at: { file: this.#fileOf(hex) },
    })
  }

  /** Also sweeps what a keeper left that was killed in between. */
  async #makeReady(): Promise<void> {
    if (this.#isSwept) return
    await makePrivateFolder(this.#folder)
    const strays = (await readdir(this.#folder)).filter((name) => name.endsWith(incoming))
    for (const name of strays) await rm(join(this.#folder, name), { force: true })
    this.#isSwept = true
  }

  /** Removes the oldest, until another one of `bytes` fits. */
  async #makeRoom(bytes: number, except: string): Promise<Evidence[]> {
    const kept = (await this.list()).filter(({ digest }) => digest !== `sha256:${except}`).toReversed()
    let total = kept.reduce((sum, each) => sum + each.bytes, bytes)
    let count = kept.length + 1
    const removed: Evidence[] = []
    for (const oldest of kept) {
      if (total <= this.#limits.bytes && count <= this.#limits.bundles) break
      await this.#remove(oldest.digest.slice('sha256:'.length))
      total -= oldest.bytes
      count -= 1
      removed.push(oldest)
    }
    if (removed.length > 0) await syncFolder(this.#folder)
    return removed
  }

  async #remove(hex: string): Promise<void> {
    await rm(this.#fileOf(hex), { force: true })
    this.#known.delete(hex)
  }

  /** Undefined for what is gone, or is no bundle. */
  async #describe(hex: string): Promise<Evidence | undefined> {
    const known = this.#known.get(hex)
    if (known) return known
    try {
      const file = this.#fileOf(hex)
      const { size } = await stat(file)
      const evidence = evidenceOf(await readManifest(createReadStream(file)), hex, size)
      this.#known.set(hex, evidence)
      return evidence
    } catch {
      return undefined
    }
  }

  async #names(): Promise<readonly string[]> {
    try {
      return (await readdir(this.#folder)).flatMap((name) => /^([0-9a-f]{64})\.tar$/.exec(name)?.[1] ?? [])
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return []
      throw fileFailure(this.#folder, error)
    }
  }

  async #readWhole(hex: string): Promise<Buffer> {
    const file = this.#fileOf(hex)
    try {
      await using handle = await open(file, 'r')
      return await handle.readFile()
    } catch (cause) {
      if (errorCode(cause) === 'ENOENT') throw unknown(`sha256:${hex}`)
      throw new RepaveError('FILE_UNREADABLE', `${file} can't be read`, { hint: 'check its permissions', cause })
    }
  }

  #fileOf(hex: string): string {
    return join(this.#folder, `${hex}.tar`)
  }
}

function evidenceOf({ subject, missing }: Manifest, hex: string, bytes: number): Evidence {
  return { ...subject, digest: `sha256:${hex}`, bytes, missing }
}

function unknown(digest: string): RepaveError {
  return new RepaveError('EVIDENCE_UNKNOWN', `there is no evidence ${digest}`, {
    hint: '`repave evidence list` lists what there is; the oldest go when there is too much of it',
  })
}
