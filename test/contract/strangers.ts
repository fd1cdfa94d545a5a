/** Programs of somebody on the host who gets at a container without a program of the container's. */

export type Command = readonly [program: string, ...parameters: string[]]

/** PTRACE_SEIZE, which does not even stop it. Goes on until it is ended. */
export function tracing(pid: number): Command {
  return program(`
koffi.load(null).func('long ptrace(long request, int pid, void *address, void *data)')(0x4206, ${pid}, null, null)
setTimeout(() => {}, 30_000)`)
}

/** setns into the network, and nothing else. Goes on until it is ended. */
export function entering(pid: number): Command {
  return program(`
koffi.load(null).func('int setns(int descriptor, int kind)')(openSync('/proc/${pid}/ns/net'), 0x40000000)
setTimeout(() => {}, 30_000)`)
}

/** Through the mount namespace: `call` is made in there, with the functions of `mount(2)` and `umount2`. */
export function mounting(pid: number, call: string): Command {
  return program(`
const library = koffi.load(null)
const namespace = openSync('/proc/${pid}/ns/mnt')
const unshare = library.func('int unshare(int flags)')
const setns = library.func('int setns(int descriptor, int kind)')
const mount = library.func('int mount(const char *from, const char *to, const char *type, unsigned long flags, void *data)')
const umount = library.func('int umount2(const char *path, int flags)')
process.exit(unshare(0x200) || setns(namespace, 0x20000) || ${call} ? 1 : 0)`)
}

/** MS_REMOUNT, MS_BIND. */
export const remountWritable = `mount('none', '/', null, 0x1020, null)`

function program(body: string): Command {
  const source = `import koffi from 'koffi'
import { openSync, readFileSync } from 'node:fs'
${body}`
  return [process.execPath, '--input-type=module', '-e', source]
}

/** Reads and writes back what is in its memory, by system calls that take no file and no tracer. */
export function writingMemory(pid: number): Command {
  return program(`
const library = koffi.load(null)
const vector = koffi.struct('iovec', { base: 'uint64', length: 'uint64' })
const read = library.func('long process_vm_readv(int pid, iovec *to, unsigned long tos, iovec *from, unsigned long froms, unsigned long flags)')
const write = library.func('long process_vm_writev(int pid, iovec *from, unsigned long froms, iovec *to, unsigned long tos, unsigned long flags)')
const line = readFileSync('/proc/${pid}/maps', 'utf8').split('\\n').find((each) => each.includes('[stack]'))
const start = BigInt('0x' + line.split('-')[1].split(' ')[0]) - 16n
const bytes = koffi.alloc('uint8_t', 8)
const here = { base: koffi.address(bytes), length: 8 }
const there = { base: start, length: 8 }
process.exit(read(${pid}, here, 1, there, 1, 0) === 8 && write(${pid}, here, 1, there, 1, 0) === 8 ? 0 : 1)`)
}

/** pidfd_getfd(2): takes a copy of an open descriptor of its first process. */
export function takingDescriptor(pid: number): Command {
  return program(`
const call = koffi.load(null).func('long syscall(long number, long first, long second, long third)')
const process_ = call(434, ${pid}, 0, 0)
process.exit(Number(call(438, Number(process_), 1, 0)) >= 0 ? 0 : 1)`)
}
