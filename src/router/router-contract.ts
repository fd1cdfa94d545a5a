/** What every router has to do, as a suite that each implementation runs. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Route } from '../model/stack.ts'
import { figuresContract } from './figures-contract.ts'
import { lanesContract } from './lanes-contract.ts'
import type { RoutedService, Router, RouterEvent } from './router.ts'
import { api, RouterScene, soonMs, until, web, type RouterWorld } from './scene-contract.ts'

export function routerContract(title: string, setup: () => Promise<RouterWorld>): void {
  describe(`${title} keeps the router contract`, () => {
    const scene = new RouterScene()
    let world: RouterWorld
    let router: Router

    beforeEach(async () => {
      world = await setup()
      router = world.router
      scene.enter(world)
    })
    afterEach(() => world.close())

    const { routeTo, to, addServed, servers, server, untilState } = scene

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
        await untilState('web-1', 'draining')
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
        await untilState('web-1', 'draining')
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
        await untilState('web-1', 'draining')
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

    lanesContract(scene)
    figuresContract(scene)

    describe('drivers', () => {
      it('is adopted by another driver with a server that drains', async () => {
        await router.configure([routeTo(web, {})])
        const address = await addServed(web, 'web-1')
        await addServed(web, 'web-2')
        const request = await world.open(to())
        const busy = (await servers()).find(({ sessions }) => sessions > 0)!.instance
        const removed = router.remove(web, busy, soonMs)
        await untilState(busy, 'draining')
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
