/** Recordings of terminals: asciicast v2 (docs.asciinema.org/manual/asciicast/v2). Pure. */
import { StringDecoder } from 'node:string_decoder'

export interface CastHeader {
  readonly columns: number
  readonly rows: number
  readonly atMs: number
  readonly title: string
  readonly command: string
}

/** Output, input, or a change of size. */
export type CastCode = 'o' | 'i' | 'r'

export interface CastEvent {
  readonly seconds: number
  readonly code: CastCode
  readonly text: string
}

/** The lines of one recording. A character whose bytes come in two pieces is written with the second. */
export class CastWriter {
  readonly #decoders = { o: new StringDecoder('utf8'), i: new StringDecoder('utf8'), r: new StringDecoder('utf8') }

  header({ columns, rows, atMs, title, command }: CastHeader): string {
    const timestamp = Math.floor(atMs / 1_000)
    return `${JSON.stringify({ version: 2, width: columns, height: rows, timestamp, title, command })}\n`
  }

  /** Empty where there is no whole character yet. */
  event(elapsedMs: number, code: CastCode, data: Uint8Array): string {
    const text = this.#decoders[code].write(Buffer.from(data))
    return text === '' ? '' : `${JSON.stringify([Math.round(elapsedMs) / 1_000, code, text])}\n`
  }
}

/** The events of a recording; a last line that its writer did not come to end is left out. */
export function castEvents(recording: string): readonly CastEvent[] {
  return recording.split('\n').slice(1).flatMap(castEvent)
}

function castEvent(line: string): readonly CastEvent[] {
  try {
    const value: unknown = JSON.parse(line)
    if (!Array.isArray(value)) return []
    const [seconds, code, text]: readonly unknown[] = value
    const isEvent = typeof seconds === 'number' && typeof text === 'string'
    return isEvent && (code === 'o' || code === 'i' || code === 'r') ? [{ seconds, code, text }] : []
  } catch {
    return []
  }
}
