/** Bodies of one JSON value a line (NDJSON), as they are written and read. */
import type { Readable } from 'node:stream'

export const linesType = 'application/x-ndjson'

/** Bytes that may wait for a reader of work; one that is further behind is cut off. */
const maxBacklogBytes = 8 * 1024 * 1024

/**
 * A body that follows something: the next value is taken when the reader wants it, and `open`'s signal aborts
 * when the reader goes away. A failure is the last line, as `onError` words it.
 */
export function followBody(
  open: (signal: AbortSignal) => AsyncIterable<unknown>,
  onError: (error: unknown) => unknown,
): ReadableStream<Uint8Array> {
  const gone = new AbortController()
  const values = open(gone.signal)[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(stream) {
      try {
        const next = await values.next()
        if (next.done) stream.close()
        else stream.enqueue(line(next.value))
      } catch (error) {
        if (gone.signal.aborted) return
        stream.enqueue(line(onError(error)))
        stream.close()
      }
    },
    cancel() {
      gone.abort()
      void values.return?.()
    },
  })
}

/**
 * A body that reports work. The work doesn't wait for its reader and isn't stopped by losing it: `values` are
 * drained to their end whatever happens to the connection.
 */
export function workBody(
  values: AsyncIterable<unknown>,
  onError: (error: unknown) => unknown,
): ReadableStream<Uint8Array> {
  const source = {
    start: (stream: ReadableStreamDefaultController<Uint8Array>) => void drain(values, stream, onError),
  }
  return new ReadableStream(source, { highWaterMark: maxBacklogBytes, size: (chunk) => chunk.byteLength })
}

async function drain(
  values: AsyncIterable<unknown>,
  stream: ReadableStreamDefaultController<Uint8Array>,
  onError: (error: unknown) => unknown,
): Promise<void> {
  const offer = (value: unknown) => {
    try {
      if (stream.desiredSize !== null && stream.desiredSize > 0) stream.enqueue(line(value))
      else stream.error(new Error('the reader is too far behind'))
    } catch {
      // The reader has gone; the work has not.
    }
  }
  try {
    for await (const value of values) offer(value)
  } catch (error) {
    offer(onError(error))
  }
  try {
    stream.close()
  } catch {
    // Closed by the reader already.
  }
}

function line(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value)}\n`)
}

/** The values of an NDJSON body; rejects when the connection ends before the body does. */
export async function* readLines<T>(body: Readable): AsyncIterable<T> {
  for await (const text of textLines(body)) {
    const value: T = JSON.parse(text)
    yield value
  }
}

async function* textLines(body: Readable): AsyncIterable<string> {
  let rest = ''
  for await (const chunk of body.setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}
