import { describe, expect, it } from 'vitest'
import { parseFigures } from './figures.ts'

describe('a line of the log', () => {
  it('is who answered a request, in which lane, with what, and how long that took', () => {
    expect(parseFigures('request shop.web:b shop.web:b web-1 200 -- 3 0 1 20 30')).toEqual({
      pool: 'shop.web',
      instance: 'web-1',
      lane: 'b',
      status: 200,
      timeMs: 27,
    })
  })

  it.each([
    ['in the other lane', 'p:b p:b i:spare 200 --', { lane: 'a', instance: 'i', status: 200 }],
    ['by nobody', 'p:b p:b :hold 503 SC', { lane: 'b', instance: null, status: 503 }],
    ['by no server at all', 'p p <NOSRV> 503 SC', { lane: 'a', instance: null, status: 503 }],
    ['by the router, for the instance', 'p p i 504 sH', { instance: 'i', status: 504 }],
    ['while the client left', 'p p i 200 CD', { status: 200 }],
    ['when the client had left', 'p p i -1 CH', { instance: 'i', status: 0 }],
    ['with half an answer', 'p p i 200 SD', { status: 0 }],
    ['with an answer that stopped', 'p p i 200 sD', { status: 0 }],
    ['with an answer that was cut', 'p p i 200 KD', { status: 0 }],
    ['with the word of who cut it', 'p p i 503 KH', { status: 0 }],
  ])('is of a request that was answered %s', (_, words, expected) => {
    expect(parseFigures(`request ${words} 0 0 0 1 2`)).toMatchObject(expected)
  })

  it('counts an upgrade by the time that it took, however the connection ended', () => {
    for (const ends of ['--', 'CD', 'sD', 'KD'])
      expect(parseFigures(`request p p i 101 ${ends} 0 1 2 4 90000`)).toMatchObject({ status: 101, timeMs: 7 })
  })

  it('counts a request that was handed over only where that failed', () => {
    const handover = 'request p:b handover:80:::1 next'
    expect(parseFigures(`${handover} 200 -- 0 0 0 1 2`)).toBeUndefined()
    expect(parseFigures(`${handover} -1 CH 0 0 0 -1 2`)).toBeUndefined()
    expect(parseFigures(`${handover} 503 SC 0 0 -1 -1 2`)).toMatchObject({ lane: 'b', instance: null, status: 503 })
  })

  it('tells of lines that were lost', () => {
    expect(parseFigures('1 event dropped')).toBe('lost')
    expect(parseFigures('12 events dropped')).toBe('lost')
  })

  it.each([
    '',
    'Proxy p stopped (cumulated conns: FE: 4, BE: 0).',
    'request - listen:80:::1 <NOSRV> 404 LR 0 -1 -1 -1 0',
  ])('is about nothing that is measured: %j', (line) => {
    expect(parseFigures(line)).toBeUndefined()
  })
})
