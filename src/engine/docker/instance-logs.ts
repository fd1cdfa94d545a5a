/** The output of an instance, out of the stream of frames that the engine sends. */
import { StringDecoder } from 'node:string_decoder'
import type { LogLine } from '../engine.ts'
import { malformedAnswer } from './engine-errors.ts'

/** A longer line comes in pieces of this many characters. */
export const maxLineLength = 16 * 1024

/** The engine splits lines at 16 KiB; a frame beyond this is no frame of its. */
const maxFrameBytes = 1024 * 1024
const headerBytes = 8

interface Frame {
  readonly stream: LogLine['stream']
  readonly payload: Buffer
}

/** Yields the lines of an `attach` or `logs` stream with timestamps, until it ends, also in the middle of a frame. */
export async function* logLines(
  instance: string,
  bytes: AsyncIterable<Buffer>,
): AsyncGenerator<LogLine, void, undefined> {
  const assemblers = { stdout: new LineAssembler(), stderr: new LineAssembler() }
  for await (const { stream, payload } of frames(bytes))
    for (const line of assemblers[stream].add(payload)) yield { instance, stream, ...line }
  for (const stream of ['stdout', 'stderr'] as const)
    for (const line of assemblers[stream].end()) yield { instance, stream, ...line }
}

/** A frame is: one byte for the stream, three of zero, four of length (big endian), and the payload. */
async function* frames(bytes: AsyncIterable<Buffer>): AsyncGenerator<Frame, void, undefined> {
  let pending: Buffer = Buffer.alloc(0)
  for await (const chunk of bytes) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    while (pending.length >= headerBytes) {
      const size = pending.readUInt32BE(4)
      if (size > maxFrameBytes)
        throw malformedAnswer('with the output of an instance', new Error(`a frame of ${size} bytes`))
      if (pending.length < headerBytes + size) break
      const stream = pending[0] === 2 ? 'stderr' : 'stdout'
      yield { stream, payload: pending.subarray(headerBytes, headerBytes + size) }
      pending = pending.subarray(headerBytes + size)
    }
  }
}

type TimedText = Pick<LogLine, 'atMs' | 'text'>

/** Puts together what the engine has split; a piece ends with a newline only where the line does. */
class LineAssembler {
  readonly #decoder = new StringDecoder('utf8')
  #text = ''
  #atMs: number | undefined
  #isContinued = false;

  *add(payload: Buffer): Generator<TimedText, void, undefined> {
    const space = payload.indexOf(' ')
    this.#atMs ??= Date.parse(payload.subarray(0, space).toString('latin1')) || 0
    this.#text += this.#decoder.write(payload.subarray(space + 1))
    const isWhole = this.#text.endsWith('\n')
    if (isWhole) this.#text = this.#text.slice(0, -1)
    while (this.#text.length > maxLineLength) yield this.#piece(maxLineLength)
    if (isWhole) yield* this.#finish()
  }

  *end(): Generator<TimedText, void, undefined> {
    this.#text += this.#decoder.end()
    if (this.#text !== '') yield* this.#finish()
  }

  #piece(length: number): TimedText {
    const text = this.#text.slice(0, length)
    this.#text = this.#text.slice(length)
    this.#isContinued = true
    return { atMs: this.#atMs ?? 0, text }
  }

  *#finish(): Generator<TimedText, void, undefined> {
    if (this.#text !== '' || !this.#isContinued) yield this.#piece(maxLineLength)
    this.#atMs = undefined
    this.#isContinued = false
  }
}
