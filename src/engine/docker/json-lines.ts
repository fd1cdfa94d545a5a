/** Reads a stream of JSON values, one a line, as events, builds and pulls come. */
import type { Readable } from 'node:stream'

const maxLineLength = 1024 * 1024

/** Yields each line's value. A line that is no JSON, is too long, or was cut off by the stream's end is left out. */
export async function* jsonLines(stream: Readable): AsyncGenerator<unknown, void, undefined> {
  stream.setEncoding('utf8')
  let pending = ''
  let isTooLong = false
  for await (const chunk of stream as AsyncIterable<string>) {
    const lines = (pending + chunk).split('\n')
    pending = lines.pop() ?? ''
    if (isTooLong && lines.length > 0) {
      lines.shift()
      isTooLong = false
    }
    if (pending.length > maxLineLength) isTooLong = true
    if (isTooLong) pending = ''
    for (const line of lines) yield* parsed(line)
  }
  yield* parsed(pending)
}

function* parsed(line: string): Generator<unknown, void, undefined> {
  if (line.trim() === '') return
  try {
    yield JSON.parse(line)
  } catch {
    // A half line at the end of a broken stream: the reader reconnects or reports the end.
  }
}
