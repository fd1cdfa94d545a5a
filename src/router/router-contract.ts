/** What every router has to do, as a suite that each implementation runs. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Address } from '../model/address.ts'
import type { Route } from '../model/stack.ts'
import type { Answered, Figures, Lane, RoutedService, Router, RouterEvent, RouterServer } from './router.ts'

/** Where a request of the suite goes. */
export interface RequestTarget {
  readonly listen: Route['listen']
  readonly host: string
  readonly path: string
  /** The status that the instance is to answer with; absent: 200. */
  readonly status?: number
}

/** `instance` is who answered; absent where the router itself did. */
export interface Answer {
  readonly status: number
  readonly instance?: string
}

export interface OpenRequest {
  /** Lets the instance answer. */
  finish(): void
  /** `lost`: the connection ended without a whole answer. */
  readonly answer: Promise<Answer | 'lost'>
}

/** A router with nothing configured, and the world around it. */
export interface RouterWorld {
  readonly router: Router
  /** Two addresses that the router can listen on. */
  readonly listens: readonly [Route['listen'], Route['listen']]
  /** Something that answers requests as `instance`. */
  serve(instance: string): Promise<Address>
  /** What answered as `instance` is gone; resolves when the router has seen that. */
  die(instance: string): Promise<void>
  request(target: RequestTarget): Promise<Answer>
  /** A request that is with an instance when this resolves, and stays there. It can't be tried again (a POST). */
  open(target: RequestTarget): Promise<OpenRequest>
  /** A driver that knows nothing of the first, for the same router. */
  another(): Router
  /** Makes `port` be taken by something else until the world ends. */
  occupy(port: number): Promise<void>
  /** Kills the router itself, as a machine's trouble would. */
  crash(): Promise<void>
  /** Lets this much time pass, where it does not pass by itself. */
  pass(ms: number): Promise<void>
  /** Resolves when the watch that collects `events` has seen the router. */
  sighted(events: readonly RouterEvent[]): Promise<void>
  close(): Promise<void>
}

const web = 'shop.production.web'
const api = 'shop.production.api'
const soonMs = 10_000

export function routerContract(title: string, setup: () => Promise<RouterWorld>): void {
  describe(`${title} keeps the router contract`, () => {
    let world: RouterWorld
    let router: Router

    beforeEach(async () => {
      world = await setup()
      router = world.router
    })
    afterEach(() => world.close())

    const routeTo = (pool: string, ...routes: readonly Partial<Route>[]): RoutedService => ({
      pool,
      routes: routes.map((route) => ({ listen: world.listens[0], path: '/', ...route })),
    })
    const to = (target: Partial<RequestTarget> = {}): RequestTarget => ({
      listen: world.listens[0],
      host: 'shop.test',
      path: '/',
      ...target,
    })
    const addServed = async (pool: string, instance: string, lane: Lane = 'a'): Promise<Address> => {
      const address = await world.serve(instance)
      await router.add(pool, instance, address, lane)
      return address
    }
    const splits = async () => Object.fromEntries((await router.observe()).splits)
    const lanes = async () => Object.fromEntries((await servers()).map(({ instance, lane }) => [instance, lane]))
    /** Who answers `count` requests, some at a time, and how many each. */
    const tally = async (count: number): Promise<Readonly<Record<string, number>>> => {
      const answered: Record<string, number> = {}
      const client = async (requests: number) => {
        for (let sent = 0; sent < requests; sent++) {
          const { status, instance = `status ${status}` } = await world.request(to())
          answered[instance] = (answered[instance] ?? 0) + 1
        }
      }
      await Promise.all(Array.from({ length: 10 }, () => client(count / 10)))
      return answered
    }
    const servers = async (): Promise<readonly RouterServer[]> => (await router.observe()).servers
    const server = async (instance: string) => (await servers()).find((each) => each.instance === instance)

    describe('routes', () => {
      it('has a version, also before it runs', async () => {
        expect(await router.version()).not.toBe('')
      })

      it('observes nothing before anything is configured', async () => {
        expect(await router.observe()).toEqual({
          services: [],
          servers: [],
          splits: new Map(),
          isOutdated: false,
          problems: [],
        })
      })

      it('observes what was configured', async () => {
        const services = [routeTo(web, { host: 'shop.test' }, { path: '/deep/er' }), routeTo(api, { path: '/api' })]
        await router.configure(services)
        expect(byPool((await router.observe()).services)).toEqual(byPool(services))
      })

      it('keeps servers and services through the same configuration again', async () => {
        await router.configure([routeTo(web, {})])
        await addServed(web, 'web-1')
        const before = await router.observe()
        await router.configure([routeTo(web, {})])
        expect(await router.observe()).toEqual(before)
      })

      it('adds and removes services around one that stays', async () => {
        await router.configure([routeTo(web, {})])
        await addServed(web, 'web-1')
        await router.configure([routeTo(web, {}), routeTo(api, { listen: world.listens[1] })])
        await addServed(api, 'api-1')
        expect(await world.request(to({ listen: world.listens[1] }))).toEqual({ status: 200, instance: 'api-1' })
        await router.configure([routeTo(web, {})])
        expect(await world.request(to())).toEqual({ status: 200, instance: 'web-1' })
        expect((await servers()).map(({ instance }) => instance)).toEqual(['web-1'])
      })

      it('stops listening when no route is left', async () => {
        await router.configure([routeTo(web, {})])
        await addServed(web, 'web-1')
        await router.configure([])
        expect(await router.observe()).toEqual({
          services: [],
          servers: [],
          splits: new Map(),
          isOutdated: false,
          problems: [],
        })
        expect(await world.request(to())).toEqual({ status: 0 })
      })

      it('takes the longest path, in whole segments', async () => {
        await router.configure([routeTo(web, {}), routeTo(api, { path: '/a' })])
        await addServed(web, 'web-1')
        await addServed(api, 'api-1')
        const answers = await Promise.all(
          ['/', '/ab', '/a', '/a/b', '/a?x=/ab'].map(async (path) => [path, await world.request(to({ path }))]),
        )
        expect(Object.fromEntries(answers)).toEqual({
          '/': { status: 200, instance: 'web-1' },
          '/ab': { status: 200, instance: 'web-1' },
          '/a': { status: 200, instance: 'api-1' },
          '/a/b': { status: 200, instance: 'api-1' },
          '/a?x=/ab': { status: 200, instance: 'api-1' },
        })
      })

      it('gives a host only its own routes, and other hosts those without one', async () => {
        await router.configure([routeTo(web, {}), routeTo(api, { host: 'api.test', path: '/v1' })])
        await addServed(web, 'web-1')
        await addServed(api, 'api-1')
        expect(await world.request(to({ host: 'other.test', path: '/v1' }))).toEqual({ status: 200, instance: 'web-1' })
        expect(await world.request(to({ host: 'API.test', path: '/v1' }))).toEqual({ status: 200, instance: 'api-1' })
        expect(await world.request(to({ host: 'api.test', path: '/v2' }))).toEqual({ status: 404 })
      })

      it('answers 404 itself for a host that nothing routes', async () => {
        await router.configure([routeTo(web, { host: 'shop.test' })])
        await addServed(web, 'web-1')
        expect(await world.request(to({ host: 'other.test' }))).toEqual({ status: 404 })
      })

      it('keeps the routes of two listeners apart', async () => {
        await router.configure([routeTo(web, {}), routeTo(api, { listen: world.listens[1], path: '/api' })])
        await addServed(web, 'web-1')
        await addServed(api, 'api-1')
        expect(await world.request(to({ path: '/api' }))).toEqual({ status: 200, instance: 'web-1' })
        expect(await world.request(to({ listen: world.listens[1], path: '/' }))).toEqual({ status: 404 })
      })

      it('moves a route from one service to another', async () => {
        await router.configure([routeTo(web, {}, { path: '/x' }), routeTo(api, { path: '/api' })])
        await addServed(web, 'web-1')
        await addServed(api, 'api-1')
        await router.configure([routeTo(web, {}), routeTo(api, { path: '/x' })])
        expect(await world.request(to({ path: '/x' }))).toEqual({ status: 200, instance: 'api-1' })
        expect(await world.request(to({ path: '/api' }))).toEqual({ status: 200, instance: 'web-1' })
      })

      it('refuses one route for two services and changes nothing', async () => {
        await router.configure([routeTo(web, {})])
        const before = await router.observe()
        const twice = [routeTo(web, {}), routeTo(api, {})]
        await expect(router.check(twice)).rejects.toMatchObject({ code: 'ROUTE_TAKEN' })
        await expect(router.configure(twice)).rejects.toMatchObject({ code: 'ROUTE_TAKEN' })
        expect(await router.observe()).toEqual(before)
      })

      it('finds a port in use before anything changes', async () => {
        await router.configure([routeTo(web, {})])
        await addServed(web, 'web-1')
        await world.occupy(world.listens[1].port)
        const both = [routeTo(web, {}), routeTo(api, { listen: world.listens[1] })]
        await expect(router.check(both)).rejects.toMatchObject({ code: 'PORT_IN_USE' })
        await expect(router.configure(both)).rejects.toMatchObject({ code: 'PORT_IN_USE' })
        await router.check([routeTo(web, {})])
        expect(await world.request(to())).toEqual({ status: 200, instance: 'web-1' })
      })

      it('refuses a certificate that is not there', async () => {
        const tls = { certificate: '/nowhere/certificate.pem', key: '/nowhere/key.pem' }
        await expect(router.check([routeTo(web, { tls })])).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' })
        await expect(router.configure([routeTo(web, { tls })])).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' })
        expect(await router.observe()).toEqual({
          services: [],
          servers: [],
          splits: new Map(),
          isOutdated: false,
          problems: [],
        })
      })

      it('leaves out the listener whose certificate is not there, and nothing else', async () => {
        const tls = { certificate: '/nowhere/certificate.pem', key: '/nowhere/key.pem' }
        const all = [routeTo(web, {}), routeTo(api, { listen: world.listens[1], tls })]
        await expect(router.configure(all)).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' })
        await addServed(web, 'web-1')
        expect(await world.request(to())).toEqual({ status: 200, instance: 'web-1' })
        await expect(router.configure(all)).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' })
        expect((await router.observe()).services).toEqual([routeTo(web, {})])
        expect(await world.request(to())).toEqual({ status: 200, instance: 'web-1' })
      })

      it('leaves out the listener whose port is taken, and nothing else', async () => {
        await world.occupy(world.listens[1].port)
        const both = [routeTo(web, {}), routeTo(api, { listen: world.listens[1] })]
        await expect(router.configure(both)).rejects.toMatchObject({ code: 'PORT_IN_USE' })
        await addServed(web, 'web-1')
        expect((await router.observe()).services).toEqual([routeTo(web, {})])
        expect(await world.request(to())).toEqual({ status: 200, instance: 'web-1' })
      })
    })

    describe('servers', () => {
      beforeEach(() => router.configure([routeTo(web, {})]))

      it('observes a server that was added, once', async () => {
        const address = await addServed(web, 'web-1')
        await router.add(web, 'web-1', address, 'a')
        expect(await servers()).toEqual([
          { pool: web, instance: 'web-1', address, lane: 'a', state: 'in', sessions: 0 },
        ])
      })

      it('sends requests to every server that is in', async () => {
        await addServed(web, 'web-1')
        await addServed(web, 'web-2')
        const answers = []
        for (let count = 0; count < 10; count++) answers.push((await world.request(to())).instance)
        expect(new Set(answers)).toEqual(new Set(['web-1', 'web-2']))
      })

      it('refuses a server for a pool that is not configured', async () => {
        await expect(router.add(api, 'api-1', await world.serve('api-1'), 'a')).rejects.toMatchObject({
          code: 'ROUTER_FAILED',
        })
      })

      it('gives a server that is added with another address that address', async () => {
        await addServed(web, 'web-1')
        const address = await addServed(web, 'web-1')
        expect(await servers()).toMatchObject([{ instance: 'web-1', address, state: 'in' }])
        expect(await world.request(to())).toEqual({ status: 200, instance: 'web-1' })
      })

      it('removes an idle server as drained, and one that it does not know too', async () => {
        await addServed(web, 'web-1')
        await addServed(web, 'web-2')
        expect(await router.remove(web, 'web-1', soonMs)).toBe('drained')
        expect(await router.remove(web, 'web-1', soonMs)).toBe('drained')
        expect(await router.remove(api, 'api-1', soonMs)).toBe('drained')
        expect((await servers()).map(({ instance }) => instance)).toEqual(['web-2'])
        expect(await world.request(to())).toEqual({ status: 200, instance: 'web-2' })
      })

      it('counts a request, drains its server, and waits for it', async () => {
        await addServed(web, 'web-1')
        const request = await world.open(to())
        expect(await server('web-1')).toMatchObject({ state: 'in', sessions: 1 })
        await addServed(web, 'web-2')
        const removed = router.remove(web, 'web-1', soonMs)
        await untilState(router, 'web-1', 'draining')
        expect(await server('web-1')).toMatchObject({ sessions: 1 })
        for (let count = 0; count < 4; count++) expect((await world.request(to())).instance).toBe('web-2')
        request.finish()
        expect(await request.answer).toEqual({ status: 200, instance: 'web-1' })
        expect(await removed).toBe('drained')
        expect(await server('web-1')).toBeUndefined()
      })

      it('cuts what is left after the timeout', async () => {
        await addServed(web, 'web-1')
        const request = await world.open(to())
        const removed = router.remove(web, 'web-1', 100)
        await world.pass(100)
        expect(await removed).toBe('cut')
        expect(await request.answer).not.toMatchObject({ status: 200 })
        expect(await servers()).toEqual([])
      })

      it('lets a later removal shorten the wait of an earlier one', async () => {
        await addServed(web, 'web-1')
        const request = await world.open(to())
        const first = router.remove(web, 'web-1', 600_000)
        await untilState(router, 'web-1', 'draining')
        const second = router.remove(web, 'web-1', 50)
        await world.pass(50)
        expect(await Promise.all([first, second])).toEqual(['cut', 'cut'])
        expect(await request.answer).not.toMatchObject({ status: 200 })
      })

      it('takes a draining server back in, and fails its removal', async () => {
        const address = await addServed(web, 'web-1')
        const request = await world.open(to())
        const removed = router.remove(web, 'web-1', soonMs)
        const outcome = removed.catch((error: unknown) => error)
        await untilState(router, 'web-1', 'draining')
        await router.add(web, 'web-1', address, 'a')
        expect(await server('web-1')).toMatchObject({ state: 'in', sessions: 1 })
        expect(await outcome).toMatchObject({ code: 'ROUTER_FAILED' })
        request.finish()
        expect(await request.answer).toEqual({ status: 200, instance: 'web-1' })
        expect(await world.request(to())).toEqual({ status: 200, instance: 'web-1' })
      })

      it('adds and removes many at the same time', async () => {
        const names = Array.from({ length: 8 }, (_, index) => `web-${index}`)
        await Promise.all(names.map((name) => addServed(web, name)))
        const [kept, gone] = [names.slice(0, 4), names.slice(4)]
        await Promise.all(gone.map((name) => router.remove(web, name, soonMs)))
        expect((await servers()).map(({ instance }) => instance).toSorted()).toEqual(kept)
      })

      it('waits for the requests of a server whose service has gone', async () => {
        await router.configure([routeTo(web, {}), routeTo(api, { path: '/api' })])
        await addServed(api, 'api-1')
        const request = await world.open(to({ path: '/api' }))
        await router.configure([routeTo(web, {})])
        const removed = router.remove(api, 'api-1', soonMs)
        request.finish()
        expect(await request.answer).toEqual({ status: 200, instance: 'api-1' })
        expect(await removed).toBe('drained')
      })

      it('holds a request until a server comes', async () => {
        const answer = world.request(to())
        await world.pass(1_000)
        await addServed(web, 'web-1')
        await world.pass(1_000)
        expect(await answer).toEqual({ status: 200, instance: 'web-1' })
      })

      it('answers 503 when none comes', async () => {
        const answer = world.request(to())
        await world.pass(8_000)
        expect(await answer).toEqual({ status: 503 })
      })
    })

    describe('lanes', () => {
      beforeEach(() => router.configure([routeTo(web, {})]))

      it('sends every request to lane a, until the pool is split', async () => {
        await addServed(web, 'web-1')
        await addServed(web, 'web-2', 'b')
        expect(await lanes()).toEqual({ 'web-1': 'a', 'web-2': 'b' })
        expect(await splits()).toEqual({})
        expect(await tally(20)).toEqual({ 'web-1': 20 })
      })

      it('flips all requests to the other lane, and back', async () => {
        await addServed(web, 'web-1')
        await addServed(web, 'web-2', 'b')
        for (const [toB, instance] of [
          [1000, 'web-2'],
          [0, 'web-1'],
        ] as const) {
          await router.split(web, toB)
          expect(await splits()).toEqual(toB > 0 ? { [web]: toB } : {})
          expect(await tally(20)).toEqual({ [instance]: 20 })
        }
      })

      it('gives each lane its share, to within six times what chance does', async () => {
        await addServed(web, 'web-1')
        await addServed(web, 'web-2', 'b')
        await router.split(web, 50)
        const { 'web-1': toA = 0, 'web-2': toB = 0 } = await tally(2_000)
        expect(toA + toB).toBe(2_000)
        expect(Math.abs(toB - 100)).toBeLessThan(6 * Math.sqrt(2_000 * 0.05 * 0.95))
      })

      it('keeps the split of one pool from another', async () => {
        await router.configure([routeTo(web, {}), routeTo(api, { path: '/api' })])
        for (const [pool, name] of [
          [web, 'web'],
          [api, 'api'],
        ] as const) {
          await addServed(pool, `${name}-1`)
          await addServed(pool, `${name}-2`, 'b')
        }
        await router.split(api, 1000)
        expect(await world.request(to())).toMatchObject({ instance: 'web-1' })
        expect(await world.request(to({ path: '/api' }))).toMatchObject({ instance: 'api-2' })
      })

      it('gives a lane whose servers are all down to the other one, until one is up', async () => {
        await addServed(web, 'web-1')
        await addServed(web, 'web-2', 'b')
        await world.die('web-1')
        expect(await server('web-1')).toMatchObject({ state: 'down' })
        expect(await tally(20)).toEqual({ 'web-2': 20 })
        await addServed(web, 'web-3')
        expect(await tally(20)).toEqual({ 'web-3': 20 })
        await router.split(web, 1000)
        await world.die('web-2')
        expect(await tally(20)).toEqual({ 'web-3': 20 })
      })

      it('gives a lane without servers to the other one, as long as that has some', async () => {
        await addServed(web, 'web-1')
        await router.split(web, 1000)
        expect(await tally(20)).toEqual({ 'web-1': 20 })
        await addServed(web, 'web-2', 'b')
        expect(await tally(20)).toEqual({ 'web-2': 20 })
        expect(await router.remove(web, 'web-2', soonMs)).toBe('drained')
        expect(await tally(20)).toEqual({ 'web-1': 20 })
        expect(await router.remove(web, 'web-1', soonMs)).toBe('drained')
        expect(await servers()).toEqual([])
      })

      it('holds a request until a server comes in either lane', async () => {
        const answer = world.request(to())
        await world.pass(1_000)
        await addServed(web, 'web-1', 'b')
        await world.pass(1_000)
        expect(await answer).toEqual({ status: 200, instance: 'web-1' })
      })

      it('drains a server of lane b, waits for its requests, and takes it out', async () => {
        await addServed(web, 'web-1')
        await addServed(web, 'web-2', 'b')
        await router.split(web, 1000)
        const request = await world.open(to())
        expect(await server('web-2')).toMatchObject({ state: 'in', sessions: 1 })
        const removed = router.remove(web, 'web-2', soonMs)
        await untilState(router, 'web-2', 'draining')
        expect(await tally(20)).toEqual({ 'web-1': 20 })
        request.finish()
        expect(await request.answer).toEqual({ status: 200, instance: 'web-2' })
        expect(await removed).toBe('drained')
        expect(await lanes()).toEqual({ 'web-1': 'a' })
      })

      it('cuts what is left in lane b after the timeout', async () => {
        await addServed(web, 'web-1', 'b')
        await router.split(web, 1000)
        const request = await world.open(to())
        const removed = router.remove(web, 'web-1', 100)
        await world.pass(100)
        expect(await removed).toBe('cut')
        expect(await request.answer).not.toMatchObject({ status: 200 })
        expect(await servers()).toEqual([])
      })

      it('waits for requests that a server has from the other lane', async () => {
        await addServed(web, 'web-1')
        await router.split(web, 1000)
        const request = await world.open(to())
        expect(await server('web-1')).toMatchObject({ lane: 'a', sessions: 1 })
        const removed = router.remove(web, 'web-1', soonMs)
        await untilState(router, 'web-1', 'draining')
        request.finish()
        expect(await request.answer).toEqual({ status: 200, instance: 'web-1' })
        expect(await removed).toBe('drained')
      })

      it('moves a server to the other lane, and lets it finish what it has', async () => {
        const address = await addServed(web, 'web-1')
        await addServed(web, 'web-2')
        const request = await world.open(to())
        const busy = (await servers()).find(({ sessions }) => sessions > 0)!
        await router.add(web, busy.instance, busy.address, 'b')
        expect(address).toBeDefined()
        expect(await servers()).toHaveLength(2)
        expect(await server(busy.instance)).toEqual({ ...busy, lane: 'b' })
        expect(await tally(20)).not.toHaveProperty(busy.instance)
        await router.split(web, 1000)
        expect(await tally(20)).toEqual({ [busy.instance]: 20 })
        const removed = router.remove(web, busy.instance, soonMs)
        await untilState(router, busy.instance, 'draining')
        request.finish()
        expect(await request.answer).toEqual({ status: 200, instance: busy.instance })
        expect(await removed).toBe('drained')
        expect(await servers()).toHaveLength(1)
      })

      it('moves a server there and back again', async () => {
        const address = await addServed(web, 'web-1')
        const request = await world.open(to())
        for (const lane of ['b', 'a', 'a', 'b', 'a'] as const) await router.add(web, 'web-1', address, lane)
        expect(await server('web-1')).toMatchObject({ lane: 'a', state: 'in', sessions: 1 })
        expect(await servers()).toHaveLength(1)
        request.finish()
        expect(await request.answer).toEqual({ status: 200, instance: 'web-1' })
        expect(await router.remove(web, 'web-1', soonMs)).toBe('drained')
        expect(await servers()).toEqual([])
      })

      it('keeps lanes, splits and draining servers through a new listener', async () => {
        await addServed(web, 'web-1')
        await addServed(web, 'web-2', 'b')
        await router.split(web, 1000)
        const request = await world.open(to())
        const removed = router.remove(web, 'web-2', soonMs)
        await untilState(router, 'web-2', 'draining')
        await addServed(web, 'web-3', 'b')
        const before = await router.observe()
        const more = routeTo(web, {}, { listen: world.listens[1] })
        await router.configure([more])
        expect(await router.observe()).toEqual({ ...before, services: [more] })
        for (const listen of world.listens)
          expect(await world.request(to({ listen }))).toEqual({ status: 200, instance: 'web-3' })
        request.finish()
        expect(await request.answer).toEqual({ status: 200, instance: 'web-2' })
        expect(await removed).toBe('drained')
      })

      it('keeps the splits through its own death', async () => {
        await addServed(web, 'web-1')
        await router.split(web, 1000)
        await world.crash()
        expect(await splits()).toEqual({})
        await router.configure([routeTo(web, {})])
        expect(await splits()).toEqual({ [web]: 1000 })
      })

      it('forgets the split of a pool that goes', async () => {
        await router.configure([routeTo(web, {}), routeTo(api, { path: '/api' })])
        await router.split(web, 10)
        await router.split(api, 20)
        await router.configure([routeTo(web, {})])
        expect(await splits()).toEqual({ [web]: 10 })
        await router.configure([routeTo(web, {}), routeTo(api, { path: '/api' })])
        expect(await splits()).toEqual({ [web]: 10 })
        await router.configure([])
        await router.configure([routeTo(web, {})])
        expect(await splits()).toEqual({})
      })

      it('refuses a split of a pool that is not configured', async () => {
        await expect(router.split(api, 10)).rejects.toMatchObject({ code: 'ROUTER_FAILED' })
      })

      it('shows lanes and splits to another driver, which goes on with them', async () => {
        await addServed(web, 'web-1')
        const address = await addServed(web, 'web-2', 'b')
        await router.split(web, 1000)
        const other = world.another()
        expect(await other.observe()).toEqual(await router.observe())
        await other.split(web, 0)
        expect(await splits()).toEqual({})
        await other.add(web, 'web-2', address, 'a')
        expect(await other.remove(web, 'web-1', soonMs)).toBe('drained')
        expect(await tally(20)).toEqual({ 'web-2': 20 })
        expect(await router.observe()).toEqual(await other.observe())
      })
    })

    describe('figures', () => {
      let told: Answered[]
      let probed: number
      let lost: number
      let end: AbortController
      let measured: Promise<void>

      beforeEach(async () => {
        end = new AbortController()
        told = []
        lost = 0
        measured = router.measure(hear, end.signal)
        await begin()
      })
      afterEach(async () => {
        end.abort()
        await measured
      })

      const hear = (figures: Figures) => {
        if (figures.kind === 'lost') return void lost++
        told.push(...figures.answers.filter(({ pool }) => pool === web))
        probed += figures.answers.filter(({ pool }) => pool === api).length
      }
      const untilTold = (count: number) => until(() => told.length >= count)
      /** Routes to a second pool too, whose requests show that every one from here on is told of. */
      const begin = async () => {
        await router.configure([routeTo(web, {}), routeTo(api, { path: '/probe' })])
        await addServed(api, 'api-1')
        probed = 0
        await until(async () => {
          await world.request(to({ path: '/probe' }))
          return probed > 0
        })
      }

      it('tell of each request once: its pool, instance, lane and status', async () => {
        await addServed(web, 'web-1')
        await addServed(web, 'web-2', 'b')
        await world.request(to())
        await router.split(web, 1000)
        await world.request(to({ status: 500 }))
        await untilTold(2)
        expect(told).toEqual([
          { pool: web, instance: 'web-1', lane: 'a', status: 200, timeMs: expect.any(Number) },
          { pool: web, instance: 'web-2', lane: 'b', status: 500, timeMs: expect.any(Number) },
        ])
        await tally(100)
        await untilTold(102)
        expect(told.every(({ timeMs }) => timeMs >= 0 && timeMs < soonMs)).toBe(true)
        expect(told).toHaveLength(102)
      })

      it('tell of a request in the lane of who answered it', async () => {
        await addServed(web, 'web-1')
        await router.split(web, 1000)
        await world.request(to())
        await untilTold(1)
        expect(told).toMatchObject([{ instance: 'web-1', lane: 'a', status: 200 }])
      })

      it('tell how long a request took, when it is done', async () => {
        await addServed(web, 'web-1')
        const request = await world.open(to())
        await world.pass(200)
        await router.observe()
        expect(told).toEqual([])
        request.finish()
        await request.answer
        await untilTold(1)
        expect(told).toMatchObject([{ instance: 'web-1', status: 200 }])
      })

      it('tell of a request that no instance was there for', async () => {
        await router.split(web, 1000)
        const answer = world.request(to())
        await world.pass(8_000)
        expect(await answer).toEqual({ status: 503 })
        await untilTold(1)
        expect(told).toMatchObject([{ pool: web, instance: null, lane: 'b', status: 503 }])
      })

      it('tell of a request that was cut', async () => {
        await addServed(web, 'web-1', 'b')
        const request = await world.open(to())
        const removed = router.remove(web, 'web-1', 50)
        await world.pass(50)
        expect(await removed).toBe('cut')
        await request.answer
        await untilTold(1)
        expect(told).toMatchObject([{ instance: 'web-1', lane: 'b', status: 0 }])
      })

      it('do not tell of what has no route', async () => {
        await router.configure([routeTo(web, { host: 'shop.test' })])
        await addServed(web, 'web-1')
        expect(await world.request(to({ host: 'other.test' }))).toEqual({ status: 404 })
        await world.request(to())
        await untilTold(1)
        expect(told).toMatchObject([{ instance: 'web-1' }])
      })

      it('go on through a new listener, with the requests that were open', async () => {
        await addServed(web, 'web-1')
        const request = await world.open(to())
        await router.configure([routeTo(web, {}, { listen: world.listens[1] })])
        await world.request(to({ status: 404 }))
        await untilTold(1)
        request.finish()
        await request.answer
        await untilTold(2)
        expect(told).toMatchObject([{ status: 404 }, { status: 200 }])
        expect(lost).toBe(0)
      })

      it('say that some were lost when the router dies, and go on when it is back', async () => {
        const address = await addServed(web, 'web-1')
        await world.request(to())
        await untilTold(1)
        await world.crash()
        await until(() => lost > 0)
        await begin()
        await router.add(web, 'web-1', address, 'a')
        await world.request(to())
        await untilTold(2)
        expect(told).toHaveLength(2)
      })
    })

    describe('drivers', () => {
      it('is adopted by another driver with a server that drains', async () => {
        await router.configure([routeTo(web, {})])
        const address = await addServed(web, 'web-1')
        await addServed(web, 'web-2')
        const request = await world.open(to())
        const busy = (await servers()).find(({ sessions }) => sessions > 0)!.instance
        const removed = router.remove(web, busy, soonMs)
        await untilState(router, busy, 'draining')
        const other = world.another()
        expect(await other.observe()).toEqual(await router.observe())
        const removedAgain = other.remove(web, busy, soonMs)
        request.finish()
        expect(await Promise.all([removed, removedAgain])).toEqual(['drained', 'drained'])
        expect(address).toBeDefined()
        expect(await servers()).toHaveLength(1)
      })

      it('says that it was lost, observes nothing then, and comes back', async () => {
        const events: RouterEvent[] = []
        const end = new AbortController()
        const watching = router.watch((event) => events.push(event), end.signal)
        await router.configure([routeTo(web, {})])
        const address = await addServed(web, 'web-1')
        await world.sighted(events)
        await world.crash()
        await until(() => events.some(({ kind }) => kind === 'lost'))
        expect(await router.observe()).toEqual({
          services: [],
          servers: [],
          splits: new Map(),
          isOutdated: false,
          problems: [],
        })
        await router.configure([routeTo(web, {})])
        await router.add(web, 'web-1', address, 'a')
        expect(await world.request(to())).toEqual({ status: 200, instance: 'web-1' })
        end.abort()
        await watching
      })
    })
  })
}

function byPool(services: readonly RoutedService[]): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(services.map(({ pool, routes }) => [pool, routes.map(routeText).toSorted()]))
}

function routeText({ listen, host, path }: Route): string {
  return `${listen.address}:${listen.port} ${host ?? '*'} ${path}`
}

async function untilState(router: Router, instance: string, state: RouterServer['state']): Promise<void> {
  await until(async () =>
    (await router.observe()).servers.some((server) => server.instance === instance && server.state === state),
  )
}

/** Polls for a condition that another process brings about; fails with the test's own timeout. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition()))
    await new Promise((resolve) => {
      setTimeout(resolve, 5)
    })
}
