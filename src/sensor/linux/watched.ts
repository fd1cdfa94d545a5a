/** The instances that are watched, and what of the kernel's belongs to which. */
import { readlinkSync, statSync } from 'node:fs'
import type { SensorSubject } from '../sensor.ts'
import type { Libc } from './libc.ts'
import { readMounts, upperFolder, type Mount } from '../../system/mountinfo.ts'
import { isInGroupOf, isLive, processState, readProc } from '../../system/process-files.ts'

export interface Watched {
  /** Replaced when the same container is followed with other words. */
  subject: SensorSubject
  readonly startedAt: number
  readonly mounts: readonly Mount[]
  readonly rootDevice: number
  /** The folder on the host that holds what was written into its root. */
  readonly upperFolder: string | undefined
  /** Where its writable file systems in memory are, in its own view. */
  readonly tmpfs: readonly string[]
  /** Links of its namespaces that are not the host's. */
  readonly namespaces: readonly string[]
  /** Processes of the container whose network namespace it shares. */
  readonly guests: Set<number>
  hasEnded: boolean
}

/** Undefined where the container's first process is gone, or the number is somebody else's by now. */
export function lookAt(subject: SensorSubject): Watched | undefined {
  const state = processState(subject.pid)
  if (!isLive(state) || !isInGroupOf(subject.pid, subject.containerId)) return undefined
  const mounts = readMounts(readProc(subject.pid, 'mountinfo') ?? '')
  const root = statSync(`/proc/${subject.pid}/root`, { throwIfNoEntry: false })
  if (root === undefined) return undefined
  return {
    subject,
    startedAt: state.startedAt,
    mounts,
    rootDevice: root.dev,
    upperFolder: upperFolder(mounts),
    tmpfs: mounts.filter(isWritableMemory).map(({ path }) => path),
    namespaces: namespacesOf(subject.pid).filter((link) => !hostNamespaces().has(link)),
    guests: new Set(),
    hasEnded: false,
  }
}

function isWritableMemory({ type, root, superOptions }: Mount): boolean {
  return type === 'tmpfs' && root === '/' && superOptions.includes('rw')
}

/** Whether there is an instance still; what is done to one that has ended touches nothing. */
export function isRunning(watched: Watched): boolean {
  if (watched.hasEnded) return false
  const state = processState(watched.subject.pid)
  watched.hasEnded = !isLive(state) || state.startedAt !== watched.startedAt
  return !watched.hasEnded
}

const namespaceKinds = ['mnt', 'net', 'pid', 'ipc', 'uts', 'cgroup', 'user']

/** `net:[4026532281]` for each kind; empty for a process that may not be looked at. */
export function namespacesOf(pid: number | 'self'): readonly string[] {
  try {
    return namespaceKinds.map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`))
  } catch {
    return []
  }
}

let ofHost: ReadonlySet<string> | undefined

function hostNamespaces(): ReadonlySet<string> {
  ofHost ??= new Set(namespacesOf('self'))
  return ofHost
}

export interface Place {
  readonly watched: Watched
  readonly kind: 'root' | 'memory' | 'upper' | 'data'
  /** In the instance's view; of `upper`, on the host. */
  readonly path: string
}

/** Finds the instance to which a file belongs. */
export class Places {
  readonly #byDevice = new Map<number, Place>()
  readonly #byFileSystem = new Map<string, Place>()
  readonly #byFolder = new Map<string, Place>()
  readonly #byMount = new Map<number, Place>()
  readonly #libc: Libc

  constructor(libc: Libc) {
    this.#libc = libc
  }

  add(watched: Watched): void {
    const { pid, data } = watched.subject
    this.#byDevice.set(watched.rootDevice, { watched, kind: 'root', path: '/' })
    for (const path of watched.tmpfs) {
      const place: Place = { watched, kind: 'memory', path }
      const inside = `/proc/${pid}/root${path}`
      const device = statSync(inside, { throwIfNoEntry: false })?.dev
      if (device !== undefined) this.#byDevice.set(device, place)
      const fileSystem = this.#libc.fileSystemId(inside)
      if (fileSystem !== undefined) this.#byFileSystem.set(fileSystem, place)
    }
    for (const { id, path } of watched.mounts)
      if (data.includes(path)) this.#byMount.set(id, { watched, kind: 'data', path })
  }

  addFolder(handle: string, place: Place): void {
    this.#byFolder.set(handle, place)
  }

  remove(watched: Watched): void {
    forget(this.#byDevice, watched)
    forget(this.#byFileSystem, watched)
    forget(this.#byFolder, watched)
    forget(this.#byMount, watched)
  }

  ofDevice(device: number): Place | undefined {
    return this.#byDevice.get(device)
  }

  ofMount(id: number): Place | undefined {
    return this.#byMount.get(id)
  }

  ofFileSystem(id: string): Place | undefined {
    return this.#byFileSystem.get(id)
  }

  ofFolder(handle: string): Place | undefined {
    return this.#byFolder.get(handle)
  }
}

function forget<Key>(places: Map<Key, Place>, watched: Watched): void {
  for (const [key, place] of places) if (place.watched === watched) places.delete(key)
}
