import { beforeEach, describe, expect, it } from 'vitest'
import { api, soonMs, web, type RouterScene } from './scene-contract.ts'

/** Two lanes a pool, and what goes to each. */
export function lanesContract(scene: RouterScene): void {
  const { routeTo, to, addServed, servers, server, tally, untilState } = scene
  const splits = async () => Object.fromEntries((await scene.router.observe()).splits)
  const lanes = async () => Object.fromEntries((await servers()).map(({ instance, lane }) => [instance, lane]))

  describe('lanes', () => {
    beforeEach(() => scene.router.configure([routeTo(web, {})]))

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
        await scene.router.split(web, toB)
        expect(await splits()).toEqual(toB > 0 ? { [web]: toB } : {})
        expect(await tally(20)).toEqual({ [instance]: 20 })
      }
    })

    it('gives each lane its share, to within six times what chance does', async () => {
      await addServed(web, 'web-1')
      await addServed(web, 'web-2', 'b')
      await scene.router.split(web, 50)
      const { 'web-1': toA = 0, 'web-2': toB = 0 } = await tally(2_000)
      expect(toA + toB).toBe(2_000)
      expect(Math.abs(toB - 100)).toBeLessThan(6 * Math.sqrt(2_000 * 0.05 * 0.95))
    })

    it('keeps the split of one pool from another', async () => {
      await scene.router.configure([routeTo(web, {}), routeTo(api, { path: '/api' })])
      for (const [pool, name] of [
        [web, 'web'],
        [api, 'api'],
      ] as const) {
        await addServed(pool, `${name}-1`)
        await addServed(pool, `${name}-2`, 'b')
      }
      await scene.router.split(api, 1000)
      expect(await scene.world.request(to())).toMatchObject({ instance: 'web-1' })
      expect(await scene.world.request(to({ path: '/api' }))).toMatchObject({ instance: 'api-2' })
    })

    it('gives a lane whose servers are all down to the other one, until one is up', async () => {
      await addServed(web, 'web-1')
      await addServed(web, 'web-2', 'b')
      await scene.world.die('web-1')
      expect(await server('web-1')).toMatchObject({ state: 'down' })
      expect(await tally(20)).toEqual({ 'web-2': 20 })
      await addServed(web, 'web-3')
      expect(await tally(20)).toEqual({ 'web-3': 20 })
      await scene.router.split(web, 1000)
      await scene.world.die('web-2')
      expect(await tally(20)).toEqual({ 'web-3': 20 })
    })

    it('gives a lane without servers to the other one, as long as that has some', async () => {
      await addServed(web, 'web-1')
      await scene.router.split(web, 1000)
      expect(await tally(20)).toEqual({ 'web-1': 20 })
      await addServed(web, 'web-2', 'b')
      expect(await tally(20)).toEqual({ 'web-2': 20 })
      expect(await scene.router.remove(web, 'web-2', soonMs)).toBe('drained')
      expect(await tally(20)).toEqual({ 'web-1': 20 })
      expect(await scene.router.remove(web, 'web-1', soonMs)).toBe('drained')
      expect(await servers()).toEqual([])
    })

    it('holds a request until a server comes in either lane', async () => {
      const answer = scene.world.request(to())
      await scene.world.pass(1_000)
      await addServed(web, 'web-1', 'b')
      await scene.world.pass(1_000)
      expect(await answer).toEqual({ status: 200, instance: 'web-1' })
    })

    it('drains a server of lane b, waits for its requests, and takes it out', async () => {
      await addServed(web, 'web-1')
      await addServed(web, 'web-2', 'b')
      await scene.router.split(web, 1000)
      const request = await scene.world.open(to())
      expect(await server('web-2')).toMatchObject({ state: 'in', sessions: 1 })
      const removed = scene.router.remove(web, 'web-2', soonMs)
      await untilState('web-2', 'draining')
      expect(await tally(20)).toEqual({ 'web-1': 20 })
      request.finish()
      expect(await request.answer).toEqual({ status: 200, instance: 'web-2' })
      expect(await removed).toBe('drained')
      expect(await lanes()).toEqual({ 'web-1': 'a' })
    })

    it('cuts what is left in lane b after the timeout', async () => {
      await addServed(web, 'web-1', 'b')
      await scene.router.split(web, 1000)
      const request = await scene.world.open(to())
      const removed = scene.router.remove(web, 'web-1', 100)
      await scene.world.pass(100)
      expect(await removed).toBe('cut')
      expect(await request.answer).not.toMatchObject({ status: 200 })
      expect(await servers()).toEqual([])
    })

    it('waits for requests that a server has from the other lane', async () => {
      await addServed(web, 'web-1')
      await scene.router.split(web, 1000)
      const request = await scene.world.open(to())
      expect(await server('web-1')).toMatchObject({ lane: 'a', sessions: 1 })
      const removed = scene.router.remove(web, 'web-1', soonMs)
      await untilState('web-1', 'draining')
      request.finish()
      expect(await request.answer).toEqual({ status: 200, instance: 'web-1' })
      expect(await removed).toBe('drained')
    })

    it('moves a server to the other lane, and lets it finish what it has', async () => {
      const address = await addServed(web, 'web-1')
      await addServed(web, 'web-2')
      const request = await scene.world.open(to())
      const busy = (await servers()).find(({ sessions }) => sessions > 0)!
      await scene.router.add(web, busy.instance, busy.address, 'b')
      expect(address).toBeDefined()
      expect(await servers()).toHaveLength(2)
      expect(await server(busy.instance)).toEqual({ ...busy, lane: 'b' })
      expect(await tally(20)).not.toHaveProperty(busy.instance)
      await scene.router.split(web, 1000)
      expect(await tally(20)).toEqual({ [busy.instance]: 20 })
      const removed = scene.router.remove(web, busy.instance, soonMs)
      await untilState(busy.instance, 'draining')
      request.finish()
      expect(await request.answer).toEqual({ status: 200, instance: busy.instance })
      expect(await removed).toBe('drained')
      expect(await servers()).toHaveLength(1)
    })

    it('moves a server there and back again', async () => {
      const address = await addServed(web, 'web-1')
      const request = await scene.world.open(to())
      for (const lane of ['b', 'a', 'a', 'b', 'a'] as const) await scene.router.add(web, 'web-1', address, lane)
      expect(await server('web-1')).toMatchObject({ lane: 'a', state: 'in', sessions: 1 })
      expect(await servers()).toHaveLength(1)
      request.finish()
      expect(await request.answer).toEqual({ status: 200, instance: 'web-1' })
      expect(await scene.router.remove(web, 'web-1', soonMs)).toBe('drained')
      expect(await servers()).toEqual([])
    })

    it('keeps lanes, splits and draining servers through a new listener', async () => {
      await addServed(web, 'web-1')
      await addServed(web, 'web-2', 'b')
      await scene.router.split(web, 1000)
      const request = await scene.world.open(to())
      const removed = scene.router.remove(web, 'web-2', soonMs)
      await untilState('web-2', 'draining')
      await addServed(web, 'web-3', 'b')
      const before = await scene.router.observe()
      const more = routeTo(web, {}, { listen: scene.world.listens[1] })
      await scene.router.configure([more])
      expect(await scene.router.observe()).toEqual({ ...before, services: [more] })
      for (const listen of scene.world.listens)
        expect(await scene.world.request(to({ listen }))).toEqual({ status: 200, instance: 'web-3' })
      request.finish()
      expect(await request.answer).toEqual({ status: 200, instance: 'web-2' })
      expect(await removed).toBe('drained')
    })

    it('keeps the splits through its own death', async () => {
      await addServed(web, 'web-1')
      await scene.router.split(web, 1000)
      await scene.world.crash()
      expect(await splits()).toEqual({})
      await scene.router.configure([routeTo(web, {})])
      expect(await splits()).toEqual({ [web]: 1000 })
    })

    it('forgets the split of a pool that goes', async () => {
      await scene.router.configure([routeTo(web, {}), routeTo(api, { path: '/api' })])
      await scene.router.split(web, 10)
      await scene.router.split(api, 20)
      await scene.router.configure([routeTo(web, {})])
      expect(await splits()).toEqual({ [web]: 10 })
      await scene.router.configure([routeTo(web, {}), routeTo(api, { path: '/api' })])
      expect(await splits()).toEqual({ [web]: 10 })
      await scene.router.configure([])
      await scene.router.configure([routeTo(web, {})])
      expect(await splits()).toEqual({})
    })

    it('refuses a split of a pool that is not configured', async () => {
      await expect(scene.router.split(api, 10)).rejects.toMatchObject({ code: 'ROUTER_FAILED' })
    })

    it('shows lanes and splits to another driver, which goes on with them', async () => {
      await addServed(web, 'web-1')
      const address = await addServed(web, 'web-2', 'b')
      await scene.router.split(web, 1000)
      const other = scene.world.another()
      expect(await other.observe()).toEqual(await scene.router.observe())
      await other.split(web, 0)
      expect(await splits()).toEqual({})
      await other.add(web, 'web-2', address, 'a')
      expect(await other.remove(web, 'web-1', soonMs)).toBe('drained')
      expect(await tally(20)).toEqual({ 'web-2': 20 })
      expect(await scene.router.observe()).toEqual(await other.observe())
    })
  })
}
