/** Tables of sockets in /proc/PID/net as data: proc_net(5), the kernel's proc_net_tcp document. */

export interface FoundSocket {
  readonly protocol: 'tcp' | 'tcp6' | 'udp' | 'udp6'
  readonly local: string
  readonly remote: string
  readonly state: string
  readonly uid: number
  readonly inode: number
}

export interface FoundUnixSocket {
  readonly path: string
  readonly isListening: boolean
  readonly inode: number
}

export function parseSockets(protocol: FoundSocket['protocol'], table: string): FoundSocket[] {
  return rows(table).flatMap((fields) => {
    const [, local, remote, state = '', , , , uid, , inode] = fields
    if (local === undefined || remote === undefined) return []
    return [
      {
        protocol,
        local: socketAddress(local),
        remote: socketAddress(remote),
        state: protocol.startsWith('tcp') ? (tcpStates[Number.parseInt(state, 16)] ?? state) : udpState(state),
        uid: Number(uid),
        inode: Number(inode),
      },
    ]
  })
}

export function parseUnixSockets(table: string): FoundUnixSocket[] {
  return rows(table).map(([, , , flags = '0', , , inode, ...path]) => ({
    path: path.join(' '),
    isListening: (Number.parseInt(flags, 16) & acceptsConnections) !== 0,
    inode: Number(inode),
  }))
}

const tcpStates: readonly (string | undefined)[] = [
  undefined,
  'established',
  'syn-sent',
  'syn-received',
  'fin-wait-1',
  'fin-wait-2',
  'time-wait',
  'closed',
  'close-wait',
  'last-ack',
  'listening',
  'closing',
]

function udpState(state: string): string {
  return Number.parseInt(state, 16) === 1 ? 'connected' : 'open'
}

/** `__SO_ACCEPTCON` */
const acceptsConnections = 0x10000

function rows(table: string): string[][] {
  const [, ...lines] = table.split('\n')
  return lines.filter((line) => line.trim() !== '').map((line) => line.trim().split(/\s+/))
}

/** `0100007F:1F90`: words of four bytes as the machine has them (lowest first, wherever Docker runs), then the port. */
function socketAddress(text: string): string {
  const [address = '', port = '0'] = text.split(':')
  const bytes = (address.match(/.{8}/g) ?? []).flatMap((word) =>
    (word.match(/../g) ?? []).toReversed().map((byte) => Number.parseInt(byte, 16)),
  )
  const number = Number.parseInt(port, 16)
  return bytes.length === 4 ? `${bytes.join('.')}:${number}` : `[${version6(bytes)}]:${number}`
}

/** As a URL writes it, which is the shortest form. */
function version6(bytes: readonly number[]): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  )
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
