import { expect, test } from 'vitest'
import { type Frame, frame, frames, readFrames } from './frames.ts'

const read = (pieces: readonly Uint8Array[]): Promise<Frame[]> =>
  Array.fromAsync(
    readFrames(
      (async function* () {
        yield* pieces
      })(),
    ),
  )

test('frames come out as they went in, however they are cut', async () => {
  const all = Buffer.concat([frame('o', Buffer.from('{}')), frame('d', Buffer.alloc(0)), frame('d', Buffer.from('ä'))])
  for (let bytes = 1; bytes <= all.length; bytes++) {
    const pieces = Array.from({ length: Math.ceil(all.length / bytes) }, (_, n) =>
      all.subarray(n * bytes, (n + 1) * bytes),
    )
    const found = await read(pieces)
    expect(found.map(({ kind, content }) => kind + content.toString())).toEqual(['o{}', 'd', 'dä'])
  }
})

test('what is long takes several', async () => {
  const content = Buffer.alloc(150_000, 'x')
  const found = await read(frames('d', content))
  expect(found).toHaveLength(3)
  expect(Buffer.concat(found.map((each) => each.content))).toEqual(content)
})

test('what is no frame, or longer than one may be, is refused', async () => {
  await expect(read([Buffer.from('GET / HTTP/1.1')])).rejects.toThrow('no frames of kind "G"')
  await expect(read([Buffer.from([100, 255, 255, 255, 255])])).rejects.toThrow('longer than')
})

test('a frame that is cut off is none', async () => {
  expect(await read([frame('d', Buffer.from('abc')).subarray(0, 6)])).toEqual([])
})
