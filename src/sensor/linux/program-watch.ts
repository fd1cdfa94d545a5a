/**
 * Holds programs that run against those of the image: they lie on its file system, and are the same bytes that were
 * first seen at that path of that image.
 *
 * Hashing goes on between other work, a piece at a time, so that a large program makes nobody wait.
 */
import { createHash, type Hash } from 'node:crypto'
import { closeSync, openSync, readlinkSync, readSync, statSync, type Stats } from 'node:fs'
import type { Sense } from '../../model/touch.ts'
import { ageMs } from '../../system/process-files.ts'
import type { Telling } from './telling.ts'
import type { Descriptor, Watch } from './watch.ts'
import type { Watched } from './watched.ts'

interface Work {
  readonly watched: Watched
  readonly path: string
  readonly identity: string
  readonly descriptor: number
  readonly hash: Hash
}

const pieceBytes = 1024 * 1024
const waitingMost = 1_000
const knownMost = 100_000
const beginningMostMs = 30_000

export class ProgramWatch implements Watch {
  readonly #telling: Pick<Telling, 'tell'>
  /** By image and path. */
  readonly #digests = new Map<string, string>()
  /** Files that are known to be right, by what changes when they do. */
  readonly #right = new Set<string>()
  readonly #working = new Map<string, Work>()
  readonly #piece = Buffer.alloc(pieceBytes)
  /** Whose first process has not been seen to run a program of the image yet. */
  readonly #beginning = new Set<Watched>()

  constructor(telling: Pick<Telling, 'tell'>) {
    this.#telling = telling
  }

  senses(): readonly Sense[] {
    const detail = 'programs that run lie on the image, and are the bytes that its first instance here ran'
    return [{ layer: 'digests', state: 'works', detail }]
  }

  descriptors(): readonly Descriptor[] {
    return []
  }

  follow(watched: Watched): void {
    this.#beginning.add(watched)
    this.look(watched, watched.subject.pid)
  }

  unfollow(watched: Watched): void {
    this.#beginning.delete(watched)
    for (const work of this.#working.values()) if (work.watched === watched) this.#drop(work)
  }

  /** At the program that a process of the instance runs now. */
  look(watched: Watched, pid: number): void {
    const link = `/proc/${pid}/exe`
    const file = statQuietly(link)
    if (file === undefined) return
    const isOnImage = file.dev === watched.rootDevice && file.nlink > 0
    if (isOnImage && pid === watched.subject.pid) this.#beginning.delete(watched)
    if (this.#right.has(identify(watched, file))) return
    if (isOnImage) return this.#hashLater(watched, link, file)
    this.#stranger(watched, pid, link)
  }

  /** At a program that is about to be run, by an open descriptor of it. */
  meet(watched: Watched, descriptor: number, file: Stats): void {
    if (!this.#right.has(identify(watched, file))) this.#hashLater(watched, `/proc/self/fd/${descriptor}`, file)
  }

  get hasWork(): boolean {
    return this.#working.size > 0
  }

  /** Hashes a piece of what waits. */
  workOn(): void {
    const [work] = this.#working.values()
    if (work === undefined) return
    try {
      const length = readSync(work.descriptor, this.#piece)
      work.hash.update(this.#piece.subarray(0, length))
      if (length < pieceBytes) this.#finish(work)
    } catch {
      this.#drop(work)
    }
  }

  close(): void {
    for (const work of this.#working.values()) this.#drop(work)
  }

  /**
   * A first process that has not begun yet runs the engine's program, on a busy machine for seconds after the engine has
   * said that it runs; one that the engine put in stays what it is.
   */
  #stranger(watched: Watched, pid: number, link: string): void {
    const isFirst = pid === watched.subject.pid
    const path = readLinkQuietly(link)
    if (path === undefined || (isFirst && (this.#isBeginning(watched) || path.endsWith(engineInit)))) return
    const detail = `${path}, which is no program of its image, is run`
    this.#telling.tell(watched, { kind: 'execution', layer: 'digests', detail, pid })
  }

  #isBeginning(watched: Watched): boolean {
    return this.#beginning.has(watched) && ageMs(watched.startedAt) < beginningMostMs
  }

  #hashLater(watched: Watched, link: string, file: Stats): void {
    const identity = identify(watched, file)
    if (this.#working.has(identity) || this.#working.size >= waitingMost || file.size === 0) return
    const path = readLinkQuietly(link)
    const descriptor = path === undefined ? -1 : openQuietly(link)
    if (path === undefined || descriptor < 0) return
    this.#working.set(identity, { watched, path, identity, descriptor, hash: createHash('sha256') })
  }

  #finish(work: Work): void {
    const digest = work.hash.digest('hex')
    const { watched, path, identity } = work
    const key = `${watched.subject.image} ${path}`
    const expected = this.#digests.get(key) ?? digest
    if (this.#digests.size < knownMost) this.#digests.set(key, expected)
    if (expected === digest) {
      if (this.#right.size >= knownMost) this.#right.clear()
      this.#right.add(identity)
    } else {
      const detail = `${path} is not the program that its image has there: sha256 ${digest}, not ${expected}`
      this.#telling.tell(watched, { kind: 'altered', layer: 'digests', detail })
    }
    this.#drop(work)
  }

  #drop(work: Work): void {
    this.#working.delete(work.identity)
    closeSync(work.descriptor)
  }
}

const engineInit = '/docker-init'

/** Instances of one image see the same file, under a device of their own each. */
function identify({ subject, rootDevice }: Watched, { dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${dev === rootDevice ? subject.image : dev}:${ino}:${size}:${mtimeMs}:${ctimeMs}`
}

function statQuietly(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

function readLinkQuietly(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

function openQuietly(path: string): number {
  try {
    return openSync(path, 'r')
  } catch {
    return -1
  }
}
