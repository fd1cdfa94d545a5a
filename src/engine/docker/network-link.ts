/**
 * Takes down the machine's ends of a container's network, where the engine runs on this machine and we are root: that
 * is a matter of a system call, where the engine takes a tenth of a second to disconnect it.
 *
 * The interfaces are those that rtnetlink(7) calls peers: each says by which number the other one is known. Only what
 * names the other in turn is taken down: an engine in another network namespace has numbers that mean nothing here.
 */
import { readdir, readFile } from 'node:fs/promises'
import type { LibraryHandle } from 'koffi'
import { isProcessOf } from './local-process.ts'

/** Whether every way in and out of the container was closed; `false` also where that can't be known. */
export async function takeLinksDown(containerId: string, pid: number): Promise<boolean> {
  if (!(await isProcessOf(containerId, pid))) return false
  try {
    const inside = (await interfaces(`/proc/${pid}/root/sys/class/net`)).filter(({ index, peer }) => index !== peer)
    const outside = await interfaces('/sys/class/net')
    const ends = inside.map(({ index, peer }) => outside.find((end) => end.index === peer && end.peer === index))
    const names = ends.flatMap((end) => end?.name ?? [])
    const takeDown = await loadTakeDown()
    return names.map(takeDown).every(Boolean) && names.length === inside.length
  } catch {
    // Without sysfs, or the library: the engine can do it.
    return false
  }
}

/** Whether all interfaces of the container have the other end up. False where unknown. */
export async function hasLink(pid: number): Promise<boolean> {
  try {
    const names = (await readdir(`/proc/${pid}/root/sys/class/net`)).filter((name) => name !== 'lo')
    const states = await Promise.all(
      names.map((name) => readFile(`/proc/${pid}/root/sys/class/net/${name}/operstate`, 'utf8')),
    )
    return states.length > 0 && states.every((state) => state.trim() === 'up')
  } catch {
    return false
  }
}

interface Interface {
  readonly name: string
  readonly index: number
  /** The same number for one that has no other end. */
  readonly peer: number
}

async function interfaces(folder: string): Promise<readonly Interface[]> {
  const number = async (name: string, file: string) => Number(await readFile(`${folder}/${name}/${file}`, 'utf8'))
  const names = await readdir(folder)
  const found = names.map(async (name): Promise<Interface | undefined> => {
    try {
      return { name, index: await number(name, 'ifindex'), peer: await number(name, 'iflink') }
    } catch {
      // It is gone since, or no interface at all, as `bonding_masters` is.
      return undefined
    }
  })
  return (await Promise.all(found)).filter((each) => each !== undefined)
}

type TakeDown = (name: string) => boolean

let loading: Promise<TakeDown> | undefined

/** Loading takes as long as the rest many times over: do it before it is needed. */
export function loadTakeDown(): Promise<TakeDown> {
  loading ??= import('koffi').then(({ default: koffi }) => bind(koffi.load(null)))
  return loading
}

/** From netdevice(7): `struct ifreq` is a name of 16 bytes, then the flags, in 40 bytes. */
function bind(library: LibraryHandle): TakeDown {
  const socket = library.func('int socket(int domain, int type, int protocol)')
  const ioctl = library.func('int ioctl(int descriptor, unsigned long request, _Inout_ uint8_t *argument)')
  const close = library.func('int close(int descriptor)')
  return (name) => {
    const descriptor: number = socket(internet, datagram | closeOnExec, 0)
    if (descriptor < 0) return false
    const request = Buffer.alloc(40)
    request.write(name)
    const isRead = ioctl(descriptor, readFlags, request) === 0
    request.writeUInt16LE(request.readUInt16LE(flagsAt) & ~isUp, flagsAt)
    const isDown = isRead && ioctl(descriptor, writeFlags, request) === 0
    close(descriptor)
    return isDown
  }
}

const internet = 2
const datagram = 2
const closeOnExec = 0o2000000
const readFlags = 0x8913
const writeFlags = 0x8914
const flagsAt = 16
const isUp = 1
