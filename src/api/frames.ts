/**
 * What goes over a connection that was upgraded to `repave-terminal`, both ways: frames of a kind (one byte), the length
 * of their content (four bytes, the highest first), and the content.
 *
 * The client sends `o` (what it asks for, JSON) first, then `d` (what is typed) and `r` (a size, JSON). The controller sends
 * `e` (an event, JSON) and `d` (what is printed).
 */
export type FrameKind = 'o' | 'd' | 'r' | 'e'

export interface Frame {
  readonly kind: FrameKind
  readonly content: Buffer
}

export const upgradeName = 'repave-terminal'
const headBytes = 5
const mostContentBytes = 64 * 1024

export function frame(kind: FrameKind, content: Uint8Array): Buffer {
  const head = Buffer.alloc(headBytes)
  head.write(kind, 0, 'latin1')
  head.writeUInt32BE(content.length, 1)
  return Buffer.concat([head, content])
}

/** As many frames as `content` takes. */
export function frames(kind: FrameKind, content: Uint8Array): readonly Buffer[] {
  const count = Math.ceil(content.length / mostContentBytes)
  return Array.from({ length: count }, (_, index) =>
    frame(kind, content.subarray(index * mostContentBytes, (index + 1) * mostContentBytes)),
  )
}

/** The frames of a connection; throws at the first that is none, or is longer than it may be. */
export async function* readFrames(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Frame> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk])
    for (let bytes = frameBytes(rest); bytes !== undefined && rest.length >= bytes; bytes = frameBytes(rest)) {
      yield { kind: kindOf(rest), content: rest.subarray(headBytes, bytes) }
      rest = rest.subarray(bytes)
    }
  }
}

/** Undefined where its head is not whole. */
function frameBytes(data: Buffer): number | undefined {
  if (data.length > 0) kindOf(data)
  if (data.length < headBytes) return undefined
  const bytes = data.readUInt32BE(1)
  if (bytes > mostContentBytes) throw new Error(`a frame of ${bytes} bytes is longer than ${mostContentBytes}`)
  return headBytes + bytes
}

function kindOf(data: Buffer): FrameKind {
  const kind = String.fromCharCode(data[0] ?? 0)
  if (kind === 'o' || kind === 'd' || kind === 'r' || kind === 'e') return kind
  throw new Error(`there are no frames of kind ${JSON.stringify(kind)}`)
}
