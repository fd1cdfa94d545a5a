/** The system calls that Node.js has no binding for, through the C library that is loaded already. */
import koffi from 'koffi'
import { RepaveError } from '../../errors.ts'

/** Each answers -1 where the call failed; `errno` then tells why. */
export interface Libc {
  readonly fanotifyInit: (flags: number, fileFlags: number) => number
  readonly fanotifyMark: (group: number, flags: number, mask: number, path: string) => number
  readonly read: (descriptor: number, buffer: Buffer) => number
  readonly write: (descriptor: number, buffer: Buffer) => number
  readonly close: (descriptor: number) => number
  /** `entries` holds `count` records of `struct pollfd`. */
  readonly poll: (entries: Buffer, count: number, timeoutMs: number) => number
  readonly eventfd: () => number
  readonly netlinkSocket: (protocol: number, receiveBufferBytes: number) => number
  readonly bind: (socket: number, address: Buffer) => number
  /** The identity of a file system, as fanotify reports it, in hex. */
  readonly fileSystemId: (path: string) => string | undefined
  /** The handle of a file as fanotify reports it (type and bytes), in hex. */
  readonly fileHandle: (path: string) => string | undefined
  readonly openByHandle: (mount: number, handle: Buffer) => number
  readonly errno: () => string
}

const currentFolder = -100
const closeOnExec = 0o2000000

export function openLibc(): Libc {
  const library = koffi.load(null)
  const fanotifyInit = library.func('int fanotify_init(unsigned int flags, unsigned int file_flags)')
  const fanotifyMark = library.func(
    'int fanotify_mark(int group, unsigned int flags, uint64_t mask, int folder, const char *path)',
  )
  const read = library.func('intptr_t read(int descriptor, void *buffer, uintptr_t length)')
  const write = library.func('intptr_t write(int descriptor, const void *buffer, uintptr_t length)')
  const close = library.func('int close(int descriptor)')
  const poll = library.func('int poll(void *entries, unsigned long count, int timeout)')
  const eventfd = library.func('int eventfd(unsigned int value, int flags)')
  const socket = library.func('int socket(int domain, int type, int protocol)')
  const setOption = library.func(
    'int setsockopt(int socket, int level, int name, const void *value, unsigned int length)',
  )
  const bind = library.func('int bind(int socket, const void *address, unsigned int length)')
  const statfs = library.func('int statfs(const char *path, void *buffer)')
  const nameToHandle = library.func(
    'int name_to_handle_at(int folder, const char *path, void *handle, void *mount, int flags)',
  )
  const openByHandle = library.func('int open_by_handle_at(int mount, void *handle, int flags)')
  const errorNames = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]))
  return {
    fanotifyInit: (flags, fileFlags) => fanotifyInit(flags, fileFlags),
    fanotifyMark: (group, flags, mask, path) => fanotifyMark(group, flags, BigInt(mask), currentFolder, path),
    read: (descriptor, buffer) => read(descriptor, buffer, buffer.length),
    write: (descriptor, buffer) => write(descriptor, buffer, buffer.length),
    close: (descriptor) => close(descriptor),
    poll: (entries, count, timeoutMs) => poll(entries, count, timeoutMs),
    eventfd: () => eventfd(0, closeOnExec | nonBlocking),
    netlinkSocket: (protocol, receiveBufferBytes) => {
      const made: number = socket(netlinkFamily, datagram | closeOnExec | nonBlocking, protocol)
      const size = Buffer.alloc(4)
      size.writeUInt32LE(receiveBufferBytes)
      if (made >= 0) setOption(made, socketLevel, receiveBufferForce, size, size.length)
      return made
    },
    bind: (bound, address) => bind(bound, address, address.length),
    fileSystemId: (path) => {
      const answer = Buffer.alloc(statfsBytes)
      return statfs(path, answer) === 0 ? answer.toString('hex', statfsId, statfsId + 8) : undefined
    },
    fileHandle: (path) => {
      const handle = Buffer.alloc(8 + maximalHandleBytes)
      handle.writeUInt32LE(maximalHandleBytes)
      if (nameToHandle(currentFolder, path, handle, Buffer.alloc(4), 0) !== 0) return undefined
      return handle.toString('hex', 0, 8 + handle.readUInt32LE(0))
    },
    openByHandle: (mount, handle) => openByHandle(mount, handle, pathOnly | closeOnExec),
    errno: () => errorNames.get(koffi.errno()) ?? `error ${koffi.errno()}`,
  }
}

const nonBlocking = 0o4000
const pathOnly = 0o10000000
const netlinkFamily = 16
const datagram = 2
const socketLevel = 1
const receiveBufferForce = 33
/** `struct statfs` of 64-bit machines, with room to spare; `f_fsid` begins after seven words. */
const statfsBytes = 256
const statfsId = 56
const maximalHandleBytes = 128

/** For calls without which nothing can be watched at all. */
export function systemCallFailed(call: string, errno: string): RepaveError {
  return new RepaveError('INTERNAL', `the sensor's ${call} failed: ${errno}`, {
    hint: 'repave doctor tells which layers of the sensor work on this machine',
  })
}
