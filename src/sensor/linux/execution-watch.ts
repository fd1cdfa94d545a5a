/**
 * Sees programs that are run in an instance, and refuses those that others run.
 *
 * The kernel holds each execution until it is answered: whatever goes wrong here, the answer is yes. The descriptors
 * belong to the process, so the kernel answers yes to everything when that ends, in whatever way.
 */
import { fstatSync, readFileSync, readlinkSync } from 'node:fs'
import type { Sense } from '../../model/touch.ts'
import { unseen } from '../no-sensor.ts'
import { refuseExecution } from './execution-verdict.ts'
import { fileEvents, permissionAnswer, readFileEvents, type FileEvent } from './fanotify-records.ts'
import { eventFileFlags, groupFlags, markFlags, type FileWatchParts } from './file-watch.ts'
import { resolveInside } from './paths-inside.ts'
import type { ProgramWatch } from './program-watch.ts'
import { sense, type Descriptor, type Failure, type Watch } from './watch.ts'
import type { Place, Watched } from './watched.ts'

/** FAN_CLASS_CONTENT, which may give permission. */
const mayRefuse = 0x4
const request = fileEvents.openedToExecuteRequest

export interface ExecutionWatchParts extends FileWatchParts {
  readonly programs: ProgramWatch
}

export class ExecutionWatch implements Watch {
  readonly #parts: ExecutionWatchParts
  readonly #group: number
  readonly #failure: Failure | undefined
  readonly #buffer = Buffer.alloc(16 * 1024)
  readonly #listed = new Map<Watched, ReadonlySet<string>>()
  readonly #marks = new Map<Watched, { readonly flags: number; readonly path: string }[]>()

  constructor(parts: ExecutionWatchParts) {
    this.#parts = parts
    this.#group = parts.libc.fanotifyInit(groupFlags | mayRefuse, eventFileFlags)
    this.#failure = this.#group < 0 ? { call: 'fanotify_init', errno: parts.libc.errno() } : this.#tryMark()
  }

  senses(): readonly Sense[] {
    return [
      sense(
        'executions',
        this.#failure,
        'programs that others run in an instance, and programs that are not of its image: refused and told',
        unseen.executions,
      ),
    ]
  }

  descriptors(): readonly Descriptor[] {
    if (this.#group < 0) return []
    return [{ descriptor: this.#group, waitFor: 'readable', handle: () => this.answer() }]
  }

  follow(watched: Watched): void {
    const { pid, data, executables } = watched.subject
    if (executables !== undefined) this.#listed.set(watched, new Set(executables.map((path) => realPath(pid, path))))
    this.#mark(watched, markFlags.fileSystem, `/proc/${pid}/root`)
    for (const path of watched.tmpfs) this.#mark(watched, markFlags.fileSystem, `/proc/${pid}/root${path}`)
    for (const path of data) this.#mark(watched, markFlags.mount, `/proc/${pid}/root${path}`)
  }

  unfollow(watched: Watched): void {
    for (const { flags, path } of this.#marks.get(watched) ?? [])
      this.#parts.libc.fanotifyMark(this.#group, markFlags.remove | flags, request, path)
    this.#marks.delete(watched)
    this.#listed.delete(watched)
  }

  close(): void {
    if (this.#group >= 0) this.#parts.libc.close(this.#group)
  }

  /** Kernels without permission events make such groups, but no such marks. */
  #tryMark(): Failure | undefined {
    const { libc } = this.#parts
    const flags = markFlags.add
    if (libc.fanotifyMark(this.#group, flags, request, process.execPath) !== 0)
      return { call: 'fanotify_mark', errno: libc.errno() }
    libc.fanotifyMark(this.#group, markFlags.remove, request, process.execPath)
    return undefined
  }

  #mark(watched: Watched, flags: number, path: string): void {
    if (this.#failure !== undefined) return
    if (this.#parts.libc.fanotifyMark(this.#group, markFlags.add | flags, request, path) !== 0) return
    this.#marks.set(watched, [...(this.#marks.get(watched) ?? []), { flags, path }])
  }

  /** Answers those that wait; returns at once where nobody does. */
  answer(): void {
    const length = this.#group < 0 ? 0 : this.#parts.libc.read(this.#group, this.#buffer)
    if (length <= 0) return
    for (const event of readFileEvents(this.#buffer, length)) {
      if (event.descriptor < 0) continue
      try {
        this.#answerOne(event)
      } finally {
        this.#parts.libc.close(event.descriptor)
      }
    }
  }

  /** What is refused is told first: who wants to run it waits meanwhile, and can still be looked at. */
  #answerOne({ descriptor, pid }: FileEvent): void {
    let refusal: Refusal | undefined
    try {
      refusal = this.#judge(descriptor, pid)
      if (refusal !== undefined) this.#tell(refusal, pid)
    } finally {
      this.#parts.libc.write(this.#group, permissionAnswer(descriptor, refusal === undefined))
    }
  }

  #tell({ place, path, why }: Refusal, pid: number): void {
    const detail = `${path} was to be run by ${why}:`
    this.#parts.telling.tell(place.watched, { kind: 'execution', layer: 'executions', detail, isRefused: true, pid })
  }

  #judge(descriptor: number, pid: number): Refusal | undefined {
    this.#parts.book.catchUp()
    const file = fstatSync(descriptor)
    const place = this.#parts.places.ofDevice(file.dev) ?? this.#parts.places.ofMount(mountOf(descriptor))
    if (place === undefined || place.watched.subject.isOpen === true || place.watched.hasEnded) return undefined
    const { watched } = place
    const listed = this.#listed.get(watched)
    const isListed = listed === undefined || listed.has(readlinkSync(`/proc/self/fd/${descriptor}`))
    const isUnderWay = this.#parts.book.underWay.has(pid)
    const isOwnProcess = this.#parts.book.standing(watched, pid) === 'own'
    const why = refuseExecution({ isOwnProcess, place: place.kind, isListed, isUnderWay })
    if (why !== undefined) return { place, why, path: readlinkSync(`/proc/self/fd/${descriptor}`) }
    if (listed !== undefined && this.#parts.book.works) this.#parts.book.underWay.add(pid)
    this.#parts.programs.meet(watched, descriptor, file)
    return undefined
  }
}

interface Refusal {
  readonly place: Place
  readonly path: string
  readonly why: string
}

/** `mnt_id:` of /proc/self/fdinfo. */
function mountOf(descriptor: number): number {
  return Number(/^mnt_id:\t(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1] ?? -1)
}

function realPath(pid: number, path: string): string {
  return resolveInside(path, (inside) => readLinkInside(pid, inside)) ?? path
}

function readLinkInside(pid: number, path: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/root${path}`)
  } catch {
    return undefined
  }
}
