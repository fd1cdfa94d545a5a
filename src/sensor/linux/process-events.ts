/** Messages of the kernel's process connector: `linux/cn_proc.h`, inside of `linux/connector.h` and netlink(7). */

export type ProcessEvent =
  | { readonly kind: 'acknowledged'; readonly error: number }
  | { readonly kind: 'forked'; readonly parent: number; readonly child: number }
  | { readonly kind: 'executed'; readonly pid: number }
  | { readonly kind: 'traced'; readonly pid: number; readonly tracer: number }
  | { readonly kind: 'ended'; readonly pid: number }

const netlinkHeaderBytes = 16
const connectorHeaderBytes = 20
const eventAt = netlinkHeaderBytes + connectorHeaderBytes
/** After kind, processor and time. */
const dataAt = eventAt + 16

const what = { none: 0, fork: 1, exec: 2, trace: 0x100, exit: 0x80000000 } as const
const connectorIndex = 1

/** Threads that begin or end while their process goes on are none of ours: undefined. */
export function readProcessEvent(buffer: Buffer, length: number): ProcessEvent | undefined {
  if (length < dataAt + 8) return undefined
  const first = buffer.readInt32LE(dataAt)
  const second = buffer.readInt32LE(dataAt + 4)
  switch (buffer.readUInt32LE(eventAt)) {
    case what.none:
      return { kind: 'acknowledged', error: first }
    case what.fork:
      return readFork(buffer, length)
    case what.exec:
      return { kind: 'executed', pid: second }
    case what.trace:
      return length < dataAt + 16 ? undefined : { kind: 'traced', pid: second, tracer: buffer.readInt32LE(dataAt + 12) }
    case what.exit:
      return first === second ? { kind: 'ended', pid: second } : undefined
    default:
      return undefined
  }
}

function readFork(buffer: Buffer, length: number): ProcessEvent | undefined {
  if (length < dataAt + 16) return undefined
  const child = buffer.readInt32LE(dataAt + 12)
  const isProcess = child === buffer.readInt32LE(dataAt + 8)
  return isProcess ? { kind: 'forked', parent: buffer.readInt32LE(dataAt + 4), child } : undefined
}

/**
 * What asks the connector for events. Kernels before 6.6 overlook the request for those that matter alone; later ones
 * send nothing else from then on, no acknowledgement of that request either.
 */
export function listenRequest(events: 'all' | 'those that matter'): Buffer {
  const isFiltered = events === 'those that matter'
  const payload = Buffer.alloc(isFiltered ? 8 : 4)
  payload.writeUInt32LE(listen)
  if (isFiltered) payload.writeUInt32LE((what.fork | what.exec | what.trace | what.exit) >>> 0, 4)
  const message = Buffer.alloc(eventAt)
  message.writeUInt32LE(eventAt + payload.length)
  message.writeUInt16LE(messageDone, 4)
  message.writeUInt32LE(connectorIndex, netlinkHeaderBytes)
  message.writeUInt32LE(connectorIndex, netlinkHeaderBytes + 4)
  message.writeUInt16LE(payload.length, netlinkHeaderBytes + 16)
  return Buffer.concat([message, payload])
}

const listen = 1
const messageDone = 3

/** `struct sockaddr_nl` for the connector's group. */
export function connectorAddress(): Buffer {
  const address = Buffer.alloc(12)
  address.writeUInt16LE(16)
  address.writeUInt32LE(connectorIndex, 8)
  return address
}
