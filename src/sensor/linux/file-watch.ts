/**
 * Sees writes to an instance's file systems through two fanotify groups.
 *
 * The kernel tells of an overlay as a whole only to a group that gets open descriptors, and that hears of contents only.
 * Names and attributes are heard of in the folder on the host into which the overlay writes, and in file systems in
 * memory, by a group that gets names.
 */
import { fstatSync, lstatSync, openSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Sense } from '../../model/touch.ts'
import { unseen } from '../no-sensor.ts'
import { groupFolders, groupTouchKind } from './control-groups.ts'
import { describeFileEvent, fileEvents, readFileEvents, type FileEvent, type FileName } from './fanotify-records.ts'
import type { Libc } from './libc.ts'
import { readMounts } from '../../system/mountinfo.ts'
import { processState, readProc } from '../../system/process-files.ts'
import type { ProcessBook } from './process-book.ts'
import type { Telling } from './telling.ts'
import { sense, type Descriptor, type Failure, type Watch } from './watch.ts'
import type { Place, Places, Watched } from './watched.ts'

/** FAN_CLOEXEC, FAN_NONBLOCK, FAN_UNLIMITED_QUEUE, FAN_UNLIMITED_MARKS. */
export const groupFlags = 0x1 | 0x2 | 0x10 | 0x20
/** FAN_REPORT_DIR_FID, FAN_REPORT_NAME. */
const withNames = 0x400 | 0x800
/** O_LARGEFILE, O_CLOEXEC. */
export const eventFileFlags = 0o100000 | 0o2000000
export const markFlags = { add: 0x1, remove: 0x2, mount: 0x10, fileSystem: 0x100 } as const

const { modified, closedAfterWriting, attributes, movedFrom, movedTo, created, deleted, onFolder, onChildren } =
  fileEvents
const contents = modified | closedAfterWriting
const names = contents | attributes | movedFrom | movedTo | created | deleted | onFolder
const children = names | onChildren

const namesRestMs = 5
/** In a row, under a storm of events: who waits for an answer is served between. */
const readsMost = 8

interface Mark {
  readonly group: number
  readonly flags: number
  readonly mask: number
  readonly path: string
}

export interface FileWatchParts {
  readonly libc: Libc
  readonly book: ProcessBook
  readonly places: Places
  readonly telling: Telling
}

export class FileWatch implements Watch {
  readonly #parts: FileWatchParts
  readonly #contents: number
  readonly #names: number
  readonly #failure: Failure | undefined
  readonly #buffer = Buffer.alloc(64 * 1024)
  readonly #marks = new Map<Watched, Mark[]>()
  readonly #groups = new Map<string, Watched>()

  constructor(parts: FileWatchParts) {
    this.#parts = parts
    this.#contents = parts.libc.fanotifyInit(groupFlags, eventFileFlags)
    this.#failure = this.#contents < 0 ? { call: 'fanotify_init', errno: parts.libc.errno() } : undefined
    this.#names = parts.libc.fanotifyInit(groupFlags | withNames, eventFileFlags)
  }

  senses(): readonly Sense[] {
    const isCertain = this.#parts.book.works
    return [
      sense(
        'files',
        this.#failure,
        `writes to its root by anybody, and to its tmpfs by others${this.#names < 0 ? '; new names are not seen' : ''}${isCertain ? '' : '; not of writers that have ended'}`,
        unseen.files,
      ),
      sense('groups', this.#failure, 'writes to the files of its control groups', unseen.groups),
    ]
  }

  descriptors(): readonly Descriptor[] {
    const groups = [
      { descriptor: this.#contents, handle: () => this.#read(this.#contents, (event) => this.#contentChanged(event)) },
      {
        descriptor: this.#names,
        handle: () => this.#read(this.#names, (event) => this.#nameChanged(event)),
        restMs: namesRestMs,
      },
    ]
    return groups.filter(({ descriptor }) => descriptor >= 0).map((group) => ({ ...group, waitFor: 'readable' }))
  }

  follow(watched: Watched): void {
    const { pid } = watched.subject
    this.#mark(watched, this.#contents, markFlags.fileSystem, contents, `/proc/${pid}/root`)
    for (const path of watched.tmpfs) this.#markMemory(watched, `/proc/${pid}/root${path}`)
    if (watched.upperFolder !== undefined) this.#followUpper(watched, watched.upperFolder)
    this.#followGroups(watched)
  }

  unfollow(watched: Watched): void {
    for (const { group, flags, mask, path } of this.#marks.get(watched) ?? [])
      this.#parts.libc.fanotifyMark(group, markFlags.remove | flags, mask, path)
    this.#marks.delete(watched)
    for (const [folder, owner] of this.#groups) if (owner === watched) this.#groups.delete(folder)
  }

  close(): void {
    for (const group of [this.#contents, this.#names]) if (group >= 0) this.#parts.libc.close(group)
  }

  #mark(watched: Watched, group: number, flags: number, mask: number, path: string): boolean {
    if (group < 0 || this.#parts.libc.fanotifyMark(group, markFlags.add | flags, mask, path) !== 0) return false
    const marks = this.#marks.get(watched) ?? []
    marks.push({ group, flags, mask, path })
    this.#marks.set(watched, marks)
    return true
  }

  /** Older kernels know no names there: contents then. */
  #markMemory(watched: Watched, path: string): void {
    if (this.#mark(watched, this.#names, markFlags.fileSystem, names, path)) return
    this.#mark(watched, this.#contents, markFlags.fileSystem, contents, path)
  }

  /** Marks every folder that there is; one that is made later is a touch by itself. */
  #followUpper(watched: Watched, upper: string): void {
    for (const folder of foldersBelow(upper)) {
      this.#mark(watched, this.#names, 0, children, folder)
      const handle = this.#parts.libc.fileHandle(folder)
      if (handle !== undefined) this.#parts.places.addFolder(handle, { watched, kind: 'upper', path: folder })
    }
    this.#checkUpper(watched, upper)
  }

  /** What is there now, but for the folders and empty files on which the engine mounts. */
  #checkUpper(watched: Watched, upper: string): void {
    if (watched.subject.isRootWritable === true) return
    const stranger = entriesBelow(upper).find((path) => !isMountPoint(watched, path, upper))
    if (stranger === undefined) return
    const detail = `/${relative(upper, stranger)} had been written to its root`
    this.#parts.telling.tell(watched, { kind: 'write', layer: 'files', detail })
  }

  #followGroups(watched: Watched): void {
    const { pid, containerId } = watched.subject
    const mounts = readMounts(readProc(process.pid, 'mountinfo') ?? '')
    for (const folder of groupFolders(readProc(pid, 'cgroup') ?? '', mounts, containerId)) {
      this.#groups.set(folder, watched)
      this.#mark(watched, this.#contents, 0, modified | onChildren, folder)
    }
  }

  /** Births are read after the events of those born, so that each event finds its process known. */
  #read(group: number, handle: (event: FileEvent) => void): void {
    for (let reads = 0; reads < readsMost; reads += 1) {
      const length = this.#parts.libc.read(group, this.#buffer)
      if (length <= 0) return
      this.#parts.book.catchUp()
      for (const event of readFileEvents(this.#buffer, length)) this.#handle(event, handle)
      if (length < this.#buffer.length / 2) return
    }
  }

  #handle(event: FileEvent, handle: (event: FileEvent) => void): void {
    try {
      if (event.mask & fileEvents.queueOverflow) this.#lookAgain()
      else handle(event)
    } finally {
      if (event.descriptor >= 0) this.#parts.libc.close(event.descriptor)
    }
  }

  /** Events were lost. What was written to a root is there to be seen. */
  #lookAgain(): void {
    for (const watched of this.#marks.keys())
      if (watched.upperFolder !== undefined) this.#checkUpper(watched, watched.upperFolder)
  }

  #contentChanged({ descriptor, pid, mask }: FileEvent): void {
    if (descriptor < 0) return
    const place = this.#parts.places.ofDevice(fstatSync(descriptor).dev)
    if (place === undefined) return this.#groupChanged(descriptor, pid)
    const path = readlinkSync(`/proc/self/fd/${descriptor}`)
    if (this.#isByDesign(place, pid) || this.#isInDoubt(place, pid, fstatSync(descriptor).uid)) return
    this.#tellWrite(place, `${path} was ${describeFileEvent(mask)}`, pid)
  }

  #groupChanged(descriptor: number, pid: number): void {
    const path = readlinkSync(`/proc/self/fd/${descriptor}`)
    const watched = this.#groups.get(path.slice(0, path.lastIndexOf('/')))
    const kind = watched && groupTouchKind(path)
    if (watched === undefined || kind === undefined) return
    const detail = kind === 'joined' ? `a process was put into ${path}` : `${path} was written`
    this.#parts.telling.tell(watched, { kind, layer: 'groups', detail, pid })
  }

  #nameChanged({ named, pid, mask }: FileEvent): void {
    if (named === undefined) return
    const memory = this.#parts.places.ofFileSystem(named.fileSystem)
    if (memory !== undefined && this.#isByDesign(memory, pid)) return
    const name = named.name()
    const place = memory ?? this.#parts.places.ofFolder(name.folder)
    if (place === undefined || this.#isByDesign(place, pid) || this.#isInDoubt(place, pid, this.#ownerOf(place, name)))
      return
    this.#tellWrite(place, `${this.#pathOf(place, name)} was ${describeFileEvent(mask)}`, pid)
  }

  /** To a root that is read-only nobody writes, itself included. */
  #isByDesign({ watched, kind }: Place, pid: number): boolean {
    if (kind !== 'memory' && watched.subject.isRootWritable !== true) return false
    return this.#parts.book.standing(watched, pid) !== 'foreign'
  }

  /**
   * A writer that has ended can't be looked at any more, and its birth may have been missed: what is left of it is the owner
   * of the file. That it was the instance itself is likelier than a stranger with its user.
   */
  #isInDoubt({ kind, watched }: Place, pid: number, owner: number | undefined): boolean {
    const { uid } = watched.subject
    // Of what runs as root, a stranger's file looks the same.
    if (kind !== 'memory' || uid === 0 || uid === undefined || processState(pid) !== undefined) return false
    return owner === undefined || owner === uid
  }

  /** Undefined where it is gone by now. */
  #ownerOf(place: Place, name: FileName): number | undefined {
    const path = `/proc/${place.watched.subject.pid}/root${this.#pathOf(place, name)}`
    return lstatSync(path, { throwIfNoEntry: false })?.uid
  }

  #tellWrite({ watched }: Place, detail: string, pid: number): void {
    this.#parts.telling.tell(watched, { kind: 'write', layer: 'files', detail, pid })
  }

  #pathOf(place: Place, { folder, name }: FileName): string {
    const last = name === '.' ? '' : name
    if (place.kind === 'upper') return join('/', relative(place.watched.upperFolder ?? '', place.path), last)
    return join(this.#folderPath(place, folder) ?? join(place.path, '…'), last)
  }

  #folderPath({ watched, path }: Place, handle: string): string | undefined {
    const { libc } = this.#parts
    let top = -1
    let folder = -1
    try {
      top = openSync(`/proc/${watched.subject.pid}/root${path}`, 'r')
      folder = libc.openByHandle(top, Buffer.from(handle, 'hex'))
      return folder < 0 ? undefined : readlinkSync(`/proc/self/fd/${folder}`)
    } catch {
      return undefined
    } finally {
      for (const descriptor of [top, folder]) if (descriptor >= 0) libc.close(descriptor)
    }
  }
}

function foldersBelow(folder: string): readonly string[] {
  return [
    folder,
    ...listed(folder).flatMap((entry) => (entry.isDirectory() ? foldersBelow(join(folder, entry.name)) : [])),
  ]
}

function entriesBelow(folder: string): readonly string[] {
  return listed(folder).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? [path, ...entriesBelow(path)] : [path]
  })
}

function listed(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}

function isMountPoint({ mounts }: Watched, path: string, upper: string): boolean {
  const inside = `/${relative(upper, path)}`
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return true
  if (!stat.isDirectory() && (!stat.isFile() || stat.size > 0)) return false
  return mounts.some((mount) => mount.path === inside || (stat.isDirectory() && mount.path.startsWith(`${inside}/`)))
}
