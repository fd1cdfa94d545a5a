import { describe, expect, it } from 'vitest'
import type { Route } from '../../model/stack.ts'
import { checkName, checkServer, checkServices } from './checks.ts'

const refused = expect.objectContaining({ code: 'FILE_INVALID' })
const route: Route = { listen: { address: '127.0.0.1', port: 80 }, host: 'shop.test', path: "/a-b_c/~d%20!$&'()*+,=:@" }

describe('what reaches HAProxy', () => {
  it('may be what stack files hold', () => {
    expect(() => checkServices([{ pool: 'shop.production.web', routes: [route] }])).not.toThrow()
    expect(() => checkServer('a.b.c', 'shop-production-web-4f9a1c2b-1', { host: 'fd00::1', port: 80 })).not.toThrow()
  })

  it.each(['', 'a b', 'a\nserver x', 'a;b', 'a"b', ':hold', 'a/b', '#a', 'a\0b', '-a'])('is not named %j', (name) => {
    expect(() => checkName(name)).toThrow(refused)
  })

  it.each<Partial<Route>>([
    { path: 'a' },
    { path: '/a b' },
    { path: '/a\n' },
    { path: '/a;b' },
    { path: '/a"' },
    { path: '/a#' },
    { path: '/a\\' },
    { host: 'A.test' },
    { host: 'a b' },
    { host: 'a\nb' },
    { host: '*' },
    { listen: { address: 'localhost', port: 80 } },
    { listen: { address: '127.0.0.1 ssl', port: 80 } },
    { listen: { address: '127.0.0.1', port: 0 } },
    { listen: { address: '127.0.0.1', port: 65_536 } },
  ])('is not the route %j', (bad) => {
    expect(() => checkServices([{ pool: 'p', routes: [{ ...route, ...bad }] }])).toThrow(refused)
  })

  it('is no server without an IP address', () => {
    expect(() => checkServer('p', 'i', { host: 'example.com', port: 80 })).toThrow(refused)
    expect(() => checkServer('p', 'i', { host: '10.0.0.1', port: 1.5 })).toThrow(refused)
  })
})
