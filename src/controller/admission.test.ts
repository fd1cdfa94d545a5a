import { expect, test } from 'vitest'
import { RepaveError } from '../errors.ts'
import type { Release, ServiceRelease } from '../model/release.ts'
import type { Route } from '../model/stack.ts'
import type { RoutedService } from '../router/router.ts'
import { admitRelease } from './admission.ts'

const at = (port: number, more: Partial<Route> = {}): Route => ({
  listen: { address: '127.0.0.1', port },
  path: '/',
  ...more,
})

function release(stack: string, routes: Readonly<Record<string, readonly Route[]>>, environment = 'default'): Release {
  // Admission looks at names and routes alone.
  const services = Object.entries(routes).map(([name, list]) => [name, { routes: list } as ServiceRelease])
  return { stack, environment, services: Object.fromEntries(services) }
}

/** Refuses a port, as a router does that finds it taken. */
const routerWithout = (port: number) => ({
  check: async (services: readonly RoutedService[]) => {
    if (services.some(({ routes }) => routes.some(({ listen }) => listen.port === port)))
      throw new RepaveError('PORT_IN_USE', `port ${port} is taken`, { hint: 'route on another port' })
  },
})

test('what the router refuses is told of the route that is to blame', async () => {
  const shop = release('shop', { web: [at(80)], api: [at(81), at(82)] })
  await expect(admitRelease(shop, [], routerWithout(82))).rejects.toMatchObject({
    code: 'PORT_IN_USE',
    message: 'service api: port 82 is taken',
    about: ['services', 'api', 'route', 1],
  })
  await admitRelease(shop, [], routerWithout(83))
})

test('a route of another environment is taken, on the same address or when one of them is all addresses', async () => {
  const other = release('other', { web: [at(80), at(81, { listen: { address: '0.0.0.0', port: 81 } })] })
  const admit = (route: Route) => admitRelease(release('shop', { web: [route] }), [other], routerWithout(0))
  const taken = { code: 'ROUTE_TAKEN', about: ['services', 'web', 'route', 0] }
  await expect(admit(at(80))).rejects.toMatchObject(taken)
  await expect(admit(at(81))).rejects.toMatchObject(taken)
  await admit(at(80, { path: '/a' }))
  await admit(at(80, { host: 'shop.test' }))
  await admit(at(80, { listen: { address: '127.0.0.2', port: 80 } }))
})

test("what the router refuses of another environment is that one's trouble", async () => {
  const other = release('other', { web: [at(443, { tls: { certificate: '/gone.pem', key: '/gone.key' } }), at(82)] })
  await admitRelease(release('shop', { web: [at(80)] }), [other], routerWithout(82))
  await expect(
    admitRelease(release('shop', { api: [at(80), at(82, { path: '/own' })] }), [other], routerWithout(82)),
  ).rejects.toMatchObject({ about: ['services', 'api', 'route', 1] })
})

test('a listener has TLS for all of its routes or for none, whichever environment they belong to', async () => {
  const tls = { certificate: '/a.pem', key: '/a.key' }
  const other = release('other', { web: [at(80), at(443, { tls })] })
  const admit = (route: Route) => admitRelease(release('shop', { web: [route] }), [other], routerWithout(0))
  const taken = { code: 'ROUTE_TAKEN', about: ['services', 'web', 'route', 0] }
  await expect(admit(at(80, { path: '/a', tls }))).rejects.toMatchObject({
    ...taken,
    message: 'service web: port 80 is used with TLS here and without TLS by other/default/web',
  })
  await expect(admit(at(443, { path: '/a' }))).rejects.toMatchObject(taken)
  await admit(at(443, { path: '/a', tls }))
})

test('a release that was put together of old and new has no listener with and without TLS either', async () => {
  const tls = { certificate: '/a.pem', key: '/a.key' }
  const mixed = release('shop', { web: [at(80)], api: [at(80, { path: '/api', tls })] })
  await expect(admitRelease(mixed, [], routerWithout(0))).rejects.toMatchObject({ code: 'ROUTE_TAKEN' })
})

test('all addresses of a port and one of them belong to one environment', async () => {
  const other = release('other', { web: [at(80, { listen: { address: '0.0.0.0', port: 80 } })] })
  const admit = (route: Route) => admitRelease(release('shop', { web: [route] }), [other], routerWithout(0))
  await expect(admit(at(80, { path: '/a' }))).rejects.toMatchObject({ code: 'ROUTE_TAKEN' })
  await admit(at(80, { path: '/a', listen: { address: '0.0.0.0', port: 80 } }))
})

test('two environments do not share the name of a network', async () => {
  const other = release('qa-x', { web: [] }, 'b-c')
  const same = release('qa-x-b', { api: [] }, 'c')
  await expect(admitRelease(same, [other], routerWithout(0))).rejects.toMatchObject({
    code: 'NAME_TAKEN',
    message: 'qa-x-b/c would have the name qa-x-b-c, which qa-x/b-c has',
    about: ['stack'],
  })
  await admitRelease(release('qa-x-b', { api: [] }, 'd'), [other], routerWithout(0))
  await admitRelease(same, [{ ...other, services: {} }], routerWithout(0))
  await admitRelease(other, [other], routerWithout(0))
})

test('two services do not share the names of their instances', async () => {
  const other = release('shop', { 'eu-web': [], api: [] }, 'prod')
  const same = release('shop', { web: [] }, 'prod-eu')
  await expect(admitRelease(same, [other], routerWithout(0))).rejects.toMatchObject({
    code: 'NAME_TAKEN',
    message: 'instances of shop/prod-eu/web would be named shop-prod-eu-web-…, as those of shop/prod/eu-web are',
    about: ['services', 'web'],
  })
  await admitRelease(release('shop', { api: [] }, 'prod-eu'), [other], routerWithout(0))
})
