import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { jsonLines } from './json-lines.ts'

test('yields a value for each line, however they arrive', async () => {
  expect(await read('{"a":"ü"}\r\n{"b', '":2}\n', '\n{"c":3}')).toEqual([{ a: 'ü' }, { b: 2 }, { c: 3 }])
})

test('leaves out what is no JSON, and what is cut off', async () => {
  expect(await read('oops\n{"a":1}\n{"b":')).toEqual([{ a: 1 }])
})

test('leaves out a line that is too long, and goes on with the next', async () => {
  const megabyte = 'x'.repeat(1024 * 1024)
  expect(await read('{"a":"', megabyte, megabyte, '"}\n{"b":2}\n')).toEqual([{ b: 2 }])
})

async function read(...chunks: string[]): Promise<unknown[]> {
  const values = []
  for await (const value of jsonLines(
    Readable.from(
      chunks.map((chunk) => Buffer.from(chunk)),
      { objectMode: false },
    ),
  ))
    values.push(value)
  return values
}
