import { expect, test } from 'vitest'
import { castEvents, CastWriter } from './asciicast.ts'

test('a recording is a header and a line for each event', () => {
  const writer = new CastWriter()
  const header = { columns: 80, rows: 24, atMs: 1_500_000, title: 'web-1', command: '/bin/sh' }
  const text = writer.header(header) + writer.event(1_234, 'o', Buffer.from('hi\r\n'))
  expect(text).toBe(
    '{"version":2,"width":80,"height":24,"timestamp":1500,"title":"web-1","command":"/bin/sh"}\n[1.234,"o","hi\\r\\n"]\n',
  )
})

test('a character whose bytes come apart is written once it is whole', () => {
  const writer = new CastWriter()
  const [start, end] = [Buffer.from('ä').subarray(0, 1), Buffer.from('ä').subarray(1)]
  expect(writer.event(0, 'o', start)).toBe('')
  expect(writer.event(1, 'i', Buffer.from('x'))).toBe('[0.001,"i","x"]\n')
  expect(writer.event(2, 'o', end)).toBe('[0.002,"o","ä"]\n')
})

test('a line that is cut off is left out', () => {
  expect(castEvents('{}\n[1,"o","a"]\n[2,"x","b"]\n[3,"o","c')).toEqual([{ seconds: 1, code: 'o', text: 'a' }])
})
