import { describe, expect, it } from 'vitest'
import { pooledServers, sitterOf } from './lanes.ts'
import type { ServerRow } from './worker-report.ts'

const address = { host: '10.0.0.1', port: 80 }

describe('a seat', () => {
  it.each([
    ['shop.web', 'web-1', { pool: 'shop.web', instance: 'web-1', lane: 'a', isSpare: false }],
    ['shop.web:b', 'web-1', { pool: 'shop.web', instance: 'web-1', lane: 'b', isSpare: false }],
    ['shop.web:b', 'web-1:spare', { pool: 'shop.web', instance: 'web-1', lane: 'a', isSpare: true }],
    ['shop.web', 'web-1:spare', { pool: 'shop.web', instance: 'web-1', lane: 'b', isSpare: true }],
  ])('%s/%s is that of an instance in a lane', (backend, server, sitter) => {
    expect(sitterOf({ backend, server })).toEqual(sitter)
  })

  it.each([
    ['shop.web', ':hold'],
    ['shop.web', '<NOSRV>'],
    ['listen:80:127.0.0.1', '<NOSRV>'],
    ['handover:80:127.0.0.1', 'next'],
    ['handover:80:::b', 'next'],
  ])('%s/%s is none', (backend, server) => {
    expect(sitterOf({ backend, server })).toBeUndefined()
  })
})

describe('an instance', () => {
  it('has the state of its own seat, in whichever order they are listed', () => {
    const rows = [seat('p', 'i', { up: false }), seat('p:b', 'i:spare')]
    for (const order of [rows, rows.toReversed()])
      expect(pooledServers(order)).toMatchObject([{ pool: 'p', instance: 'i', lane: 'a', admin: 'ready', up: false }])
  })

  it('is where its own seat is ready, once it was moved', () => {
    const left = [seat('p', 'i', { admin: 'drain' }), seat('p:b', 'i:spare', { admin: 'drain' })]
    const taken = [seat('p:b', 'i'), seat('p', 'i:spare')]
    for (const order of [
      [...left, ...taken],
      [...taken, ...left],
    ])
      expect(pooledServers(order)).toMatchObject([{ lane: 'b', admin: 'ready', seats: order }])
  })

  it.each([
    ['was only half added', [seat('p:b', 'i:spare')], 'a'],
    ['was only half taken out', [seat('p', 'i', { admin: 'drain' }), seat('p:b', 'i:spare')], 'a'],
    ['was only half moved', [seat('p', 'i', { admin: 'drain' }), seat('p:b', 'i:spare'), seat('p', 'i:spare')], 'a'],
    ['was only half removed', [seat('p', 'i', { admin: 'maint' }), seat('p:b', 'i:spare', { admin: 'drain' })], 'a'],
  ] as const)('drains where it %s', (_, rows, lane) => {
    expect(pooledServers(rows)).toMatchObject([{ lane, admin: 'drain' }])
  })
})

function seat(backend: string, server: string, more: Partial<ServerRow> = {}): ServerRow {
  return { backend, server, address, admin: 'ready', up: true, ...more }
}
