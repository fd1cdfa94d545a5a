import { describe, expect, it } from 'vitest'
import type { RoutedService } from '../router.ts'
import {
  mapChanges,
  parseMap,
  parseMapFile,
  renderMap,
  routeEntries,
  servedPems,
  servicesOf,
  tlsEntries,
} from './routing.ts'

const listen = { address: '127.0.0.1', port: 80 }
const services: readonly RoutedService[] = [
  { pool: 'web', routes: [{ listen, path: '/' }] },
  {
    pool: 'api',
    routes: [
      { listen, host: 'a.test', path: '/v1' },
      { listen: { address: '::1', port: 443 }, path: '/', tls: { certificate: '/a b/c,1.pem', key: '/k;ey.pem' } },
    ],
  },
]
const tls = tlsEntries(services, () => 'ab.pem')

describe('route maps', () => {
  it('end paths at whole segments, and keep the rest of a named host from the routes for any host', () => {
    expect(renderMap(routeEntries(services))).toBe(
      ['127.0.0.1:80|*/ web', '127.0.0.1:80|a.test/v1/ api', '[::1]:443|*/ api', '127.0.0.1:80|a.test/ :none', ''].join(
        '\n',
      ),
    )
  })

  it('hold file names without a space or a semicolon', () => {
    expect(renderMap(tls)).toBe('[::1]:443|*/ %2Fa%20b%2Fc%2C1.pem,%2Fk%3Bey.pem,ab.pem\n')
  })

  it('say what the routes were', () => {
    expect(servicesOf(routeEntries(services), tls)).toEqual(services)
  })

  it('say which PEM file was made of which files, also from the file', () => {
    const served = new Map([['/a b/c,1.pem\0/k;ey.pem', 'ab.pem']])
    expect(servedPems(tls)).toEqual(served)
    expect(servedPems(parseMapFile(renderMap(tls)))).toEqual(served)
    expect(servedPems(tlsEntries(services, () => undefined))).toEqual(new Map())
    expect(servedPems(parseMapFile('nonsense\n\n  \na b'))).toEqual(new Map())
  })

  it('are read from what HAProxy shows, without what makes no sense', () => {
    const shown = '0x55d3caf7b9d0 127.0.0.1:80|*/ web\nUnknown map identifier.\n\n0x1\n'
    expect([...parseMap(shown)]).toEqual([['127.0.0.1:80|*/', 'web']])
    expect(servicesOf(new Map([['nonsense', 'web']]), new Map())).toEqual([])
  })

  it('refuse one route for two services', () => {
    const twice = [services[0]!, { pool: 'other', routes: [{ listen, path: '/' }] }]
    expect(() => routeEntries(twice)).toThrow('wanted by both web and other')
  })
})

describe('mapChanges', () => {
  it('adds first, and removes last', () => {
    const running = new Map([
      ['gone', 'a'],
      ['moved', 'a'],
      ['same', 'a'],
    ])
    const wanted = new Map([
      ['new', 'a'],
      ['moved', 'b'],
      ['same', 'a'],
    ])
    expect(mapChanges('m', running, wanted)).toEqual(['add map m new a', 'set map m moved b', 'del map m gone'])
    expect(mapChanges('m', wanted, wanted)).toEqual([])
  })
})
