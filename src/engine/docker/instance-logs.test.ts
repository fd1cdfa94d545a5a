import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { logLines, maxLineLength } from './instance-logs.ts'

const time = '2026-01-02T03:04:05.678901234Z'
const atMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678)

describe('log lines', () => {
  test('come out of frames, with their stream and time', async () => {
    expect(await read([frame('stdout', 'hello\n'), frame('stderr', 'oh\n'), frame('stdout', '\n')])).toEqual([
      { instance: 'web-1', stream: 'stdout', atMs, text: 'hello' },
      { instance: 'web-1', stream: 'stderr', atMs, text: 'oh' },
      { instance: 'web-1', stream: 'stdout', atMs, text: '' },
    ])
  })

  test('do not depend on how the bytes arrive', async () => {
    const stream = Buffer.concat([frame('stdout', 'grüß\n'), frame('stderr', 'a b  c\n'), frame('stdout', 'last')])
    const whole = await read([stream])
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), async (sizes) => {
        expect(await read(cut(stream, sizes))).toEqual(whole)
      }),
    )
  })

  test('are put together from the parts that the engine makes of a long one', async () => {
    const umlaut = Buffer.from('ä')
    const parts = [frame('stdout', 'one '), frame('stdout', umlaut.subarray(0, 1)), frame('stdout', umlaut.subarray(1))]
    expect(await texts([...parts, frame('stderr', 'between\n'), frame('stdout', ' two\n')])).toEqual([
      'between',
      'one ä two',
    ])
  })

  test('come in pieces when they are too long to keep', async () => {
    const part = 'x'.repeat(maxLineLength)
    expect(await texts([frame('stdout', part), frame('stdout', part), frame('stdout', 'end\n')])).toEqual([
      part,
      part,
      'end',
    ])
    expect(await texts([frame('stdout', part), frame('stdout', '\n'), frame('stdout', 'next\n')])).toEqual([
      part,
      'next',
    ])
  })

  test('end where the stream ends, in a line or in a frame', async () => {
    expect(await texts([frame('stdout', 'no newline')])).toEqual(['no newline'])
    expect(await texts([frame('stdout', 'whole\n'), frame('stdout', 'broken off\n').subarray(0, 20)])).toEqual([
      'whole',
    ])
    expect(await texts([])).toEqual([])
  })

  test('are not read out of what has no frames', async () => {
    await expect(texts([Buffer.from('this is no multiplexed stream')])).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
  })
})

function frame(stream: 'stdout' | 'stderr', content: string | Buffer): Buffer {
  const payload = Buffer.concat([Buffer.from(`${time} `), Buffer.from(content)])
  const header = Buffer.alloc(8)
  header.writeUInt8(stream === 'stdout' ? 1 : 2, 0)
  header.writeUInt32BE(payload.length, 4)
  return Buffer.concat([header, payload])
}

/** The bytes in chunks of the given sizes, over and over. */
function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  for (let start = 0, turn = 0; start < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1
    chunks.push(bytes.subarray(start, start + size))
    start += size
  }
  return chunks
}

async function* arriving(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks
}

async function read(chunks: readonly Buffer[]) {
  const lines = []
  for await (const line of logLines('web-1', arriving(chunks))) lines.push(line)
  return lines
}

async function texts(chunks: readonly Buffer[]): Promise<string[]> {
  return (await read(chunks)).map((line) => line.text)
}
