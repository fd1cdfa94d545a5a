/** Sees who opens the memory of an instance's first process, which is how one reads or writes it without tracing. */
import { closeSync, constants, openSync, readlinkSync } from 'node:fs'
import { fileEvents, readFileEvents } from './fanotify-records.ts'
import { eventFileFlags, type FileWatchParts, groupFlags, markFlags } from './file-watch.ts'
import type { Descriptor, Watch } from './watch.ts'
import type { Watched } from './watched.ts'

export class MemoryWatch implements Watch {
  readonly #parts: FileWatchParts
  readonly #group: number
  readonly #buffer = Buffer.alloc(4 * 1024)
  /** Held so that the kernel keeps the one file to which the mark belongs. */
  readonly #held = new Map<Watched, number>()

  constructor(parts: FileWatchParts) {
    this.#parts = parts
    this.#group = parts.libc.fanotifyInit(groupFlags, eventFileFlags)
  }

  senses(): readonly [] {
    return []
  }

  descriptors(): readonly Descriptor[] {
    if (this.#group < 0) return []
    return [{ descriptor: this.#group, waitFor: 'readable', handle: () => this.#read() }]
  }

  follow(watched: Watched): void {
    if (this.#group < 0) return
    try {
      const held = openSync(`/proc/${watched.subject.pid}/mem`, pathOnly)
      this.#held.set(watched, held)
      this.#parts.libc.fanotifyMark(this.#group, markFlags.add, fileEvents.opened, `/proc/self/fd/${held}`)
    } catch {
      // It has ended.
    }
  }

  unfollow(watched: Watched): void {
    const held = this.#held.get(watched)
    if (held === undefined) return
    this.#held.delete(watched)
    this.#parts.libc.fanotifyMark(this.#group, markFlags.remove, fileEvents.opened, `/proc/self/fd/${held}`)
    closeSync(held)
  }

  close(): void {
    for (const watched of this.#held.keys()) this.unfollow(watched)
    if (this.#group >= 0) this.#parts.libc.close(this.#group)
  }

  #read(): void {
    const length = this.#parts.libc.read(this.#group, this.#buffer)
    if (length <= 0) return
    this.#parts.book.catchUp()
    for (const { descriptor, pid } of readFileEvents(this.#buffer, length)) {
      if (descriptor < 0) continue
      const path = readlinkSync(`/proc/self/fd/${descriptor}`)
      this.#parts.libc.close(descriptor)
      this.#opened(path, pid)
    }
  }

  /** The controller itself reads it when it takes evidence. */
  #opened(path: string, pid: number): void {
    const owner = this.#parts.book.ownerOf(Number(/^\/proc\/(\d+)\/mem$/.exec(path)?.[1]))
    if (owner === undefined || pid === process.pid || this.#parts.book.standing(owner, pid) !== 'foreign') return
    this.#parts.telling.tell(owner, { kind: 'trace', layer: 'processes', detail: `${path} was opened`, pid })
  }
}

const pathOnly = constants.O_RDONLY | 0o10000000
