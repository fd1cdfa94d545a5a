/** The records that a fanotify group is read in: fanotify(7). */

/** What is watched for, and what a record's mask says happened. */
export const fileEvents = {
  modified: 0x2,
  attributes: 0x4,
  closedAfterWriting: 0x8,
  opened: 0x20,
  movedFrom: 0x40,
  movedTo: 0x80,
  created: 0x100,
  deleted: 0x200,
  queueOverflow: 0x4000,
  openedToExecuteRequest: 0x40000,
  onChildren: 0x8000000,
  onFolder: 0x40000000,
} as const

export interface FileEvent {
  readonly mask: number
  /** The process, not the thread; 0 where it is in no namespace of ours. */
  readonly pid: number
  /** An open descriptor that is the reader's to close; -1 in groups that report names. */
  readonly descriptor: number
  /** In groups that report names. */
  readonly named?: Named
}

export interface Named {
  /** In hex, as `Libc.fileSystemId` has it. */
  readonly fileSystem: string
  /** Most of what happens is of no interest: it is told only when asked for, before more is read into the buffer. */
  readonly name: () => FileName
}

export interface FileName {
  /** In hex, as `Libc.fileHandle` has it. */
  readonly folder: string
  /** `.` for the folder itself. */
  readonly name: string
}

const headerBytes = 24
const infoHeaderBytes = 4
const folderAndName = 2
const folderOnly = 3

/** The events in the first `length` bytes of what was read. */
export function* readFileEvents(buffer: Buffer, length: number): Generator<FileEvent> {
  let at = 0
  while (at + headerBytes <= length) {
    const end = at + buffer.readUInt32LE(at)
    if (end < at + headerBytes || end > length) return
    const infoAt = at + buffer.readUInt16LE(at + 6)
    const named = infoAt < end ? readNamed(buffer, infoAt, end) : undefined
    yield {
      mask: buffer.readUInt32LE(at + 8),
      descriptor: buffer.readInt32LE(at + 16),
      pid: buffer.readInt32LE(at + 20),
      ...(named && { named }),
    }
    at = end
  }
}

/** `struct fanotify_event_info_fid`: header, file system, handle, and a name that ends with a zero byte. */
function readNamed(buffer: Buffer, at: number, end: number): Named | undefined {
  const kind = buffer.readUInt8(at)
  if (kind !== folderAndName && kind !== folderOnly) return undefined
  const handleAt = at + infoHeaderBytes + 8
  return {
    fileSystem: buffer.toString('hex', at + infoHeaderBytes, handleAt),
    name: () => readName(buffer, handleAt, end, kind),
  }
}

function readName(buffer: Buffer, handleAt: number, end: number, kind: number): FileName {
  const nameAt = handleAt + 8 + buffer.readUInt32LE(handleAt)
  const zeroAt = kind === folderAndName ? buffer.indexOf(0, nameAt) : nameAt
  return {
    folder: buffer.toString('hex', handleAt, nameAt),
    name: zeroAt < 0 || zeroAt > end ? '' : buffer.toString('utf8', nameAt, zeroAt),
  }
}

/** `struct fanotify_response`, for an event that asks for permission. */
export function permissionAnswer(descriptor: number, isAllowed: boolean): Buffer {
  const answer = Buffer.alloc(8)
  answer.writeInt32LE(descriptor)
  answer.writeUInt32LE(isAllowed ? 1 : 2, 4)
  return answer
}

/** What happened, in words: `written`. */
export function describeFileEvent(mask: number): string {
  if (mask & fileEvents.created) return 'created'
  if (mask & fileEvents.deleted) return 'deleted'
  if (mask & (fileEvents.movedFrom | fileEvents.movedTo)) return 'moved'
  if (mask & (fileEvents.modified | fileEvents.closedAfterWriting)) return 'written'
  return 'given other attributes'
}
