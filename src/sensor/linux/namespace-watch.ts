/** Finds processes that are in an instance's namespaces, or trace its processes, without being its own. */
import { allProcesses, isLive, processState } from '../../system/process-files.ts'
import type { ProcessBook } from './process-book.ts'
import { isEngineAtWork } from './process-table.ts'
import type { Telling } from './telling.ts'
import { namespacesOf, type Watched } from './watched.ts'

const rememberMs = 60_000

export class NamespaceWatch {
  readonly #book: ProcessBook
  readonly #telling: Telling
  readonly #byNamespace = new Map<string, Set<Watched>>()
  /** Whether a process is a thread of the kernel's, as it was found a while ago. */
  readonly #isKernelThread = new Map<number, boolean>()
  #forgetAtMs = 0

  constructor(book: ProcessBook, telling: Telling) {
    this.#book = book
    this.#telling = telling
  }

  follow(watched: Watched): void {
    for (const link of watched.namespaces)
      this.#byNamespace.set(link, (this.#byNamespace.get(link) ?? new Set<Watched>()).add(watched))
  }

  unfollow(watched: Watched): void {
    for (const link of watched.namespaces) {
      const sharers = this.#byNamespace.get(link)
      sharers?.delete(watched)
      if (sharers?.size === 0) this.#byNamespace.delete(link)
    }
  }

  /** At every process of the machine; answers which there are. */
  lookAtAll(nowMs: number): ReadonlySet<number> {
    if (nowMs >= this.#forgetAtMs) {
      this.#isKernelThread.clear()
      this.#forgetAtMs = nowMs + rememberMs
    }
    const existing = new Set(allProcesses())
    this.#book.catchUp()
    if (this.#byNamespace.size > 0) for (const pid of existing) this.#lookUnlessKnown(pid)
    return existing
  }

  /** At one that is no instance's own, and may be gone in a moment: whose it is has to be asked before where it is. */
  executed(pid: number): void {
    if (this.#byNamespace.size === 0) return
    const isEngines = isEngineAtWork(pid)
    this.#lookAt(pid, () => isEngines)
  }

  #lookAt(pid: number, mayBeEngines: () => boolean): void {
    for (const link of namespacesOf(pid)) {
      const sharers = this.#byNamespace.get(link)
      if (sharers === undefined) continue
      for (const watched of sharers) this.#judge(watched, pid, link, sharers, mayBeEngines)
    }
  }

  traced(pid: number, tracer: number): void {
    const watched = this.#book.ownerOf(pid)
    if (watched === undefined || this.#book.standing(watched, tracer) !== 'foreign') return
    const detail = `process ${pid} is traced`
    this.#telling.tell(watched, { kind: 'trace', layer: 'processes', detail, pid: tracer })
  }

  #lookUnlessKnown(pid: number): void {
    if (this.#book.ownerOf(pid) !== undefined) return
    const isKernelThread = this.#isKernelThread.get(pid) ?? processState(pid)?.isKernelThread === true
    this.#isKernelThread.set(pid, isKernelThread)
    // Of one that has ended by then, nobody knows whose it was.
    if (!isKernelThread) this.#lookAt(pid, () => isEngineAtWork(pid) || !isLive(processState(pid)))
  }

  /** Who shares a namespace by right is at home with one of those that share it. */
  #judge(
    watched: Watched,
    pid: number,
    link: string,
    sharers: ReadonlySet<Watched>,
    mayBeEngines: () => boolean,
  ): void {
    const isAtHome = [...sharers].some(
      (sharer) => sharer.guests.has(pid) || this.#book.standing(sharer, pid) !== 'foreign',
    )
    if (isAtHome || (link.startsWith('net:') && mayBeEngines())) return
    this.#telling.tell(watched, { kind: 'joined', layer: 'processes', detail: `${link} was entered`, pid })
  }
}
