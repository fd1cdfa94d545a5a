import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Answered, Figures } from './router.ts'
import { api, soonMs, until, web, type RouterScene } from './scene-contract.ts'

/** What those who measure are told. */
export function figuresContract(scene: RouterScene): void {
  const { routeTo, to, addServed, tally } = scene

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
      measured = scene.router.measure(hear, end.signal)
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
      await scene.router.configure([routeTo(web, {}), routeTo(api, { path: '/probe' })])
      await addServed(api, 'api-1')
      probed = 0
      await until(async () => {
        await scene.world.request(to({ path: '/probe' }))
        return probed > 0
      })
    }

    it('tell of each request once: its pool, instance, lane and status', async () => {
      await addServed(web, 'web-1')
      await addServed(web, 'web-2', 'b')
      await scene.world.request(to())
      await scene.router.split(web, 1000)
      await scene.world.request(to({ status: 500 }))
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
      await scene.router.split(web, 1000)
      await scene.world.request(to())
      await untilTold(1)
      expect(told).toMatchObject([{ instance: 'web-1', lane: 'a', status: 200 }])
    })

    it('tell how long a request took, when it is done', async () => {
      await addServed(web, 'web-1')
      const request = await scene.world.open(to())
      await scene.world.pass(200)
      await scene.router.observe()
      expect(told).toEqual([])
      request.finish()
      await request.answer
      await untilTold(1)
      expect(told).toMatchObject([{ instance: 'web-1', status: 200 }])
    })

    it('tell of a request that no instance was there for', async () => {
      await scene.router.split(web, 1000)
      const answer = scene.world.request(to())
      await scene.world.pass(8_000)
      expect(await answer).toEqual({ status: 503 })
      await untilTold(1)
      expect(told).toMatchObject([{ pool: web, instance: null, lane: 'b', status: 503 }])
    })

    it('tell of a request that was cut', async () => {
      await addServed(web, 'web-1', 'b')
      const request = await scene.world.open(to())
      const removed = scene.router.remove(web, 'web-1', 50)
      await scene.world.pass(50)
      expect(await removed).toBe('cut')
      await request.answer
      await untilTold(1)
      expect(told).toMatchObject([{ instance: 'web-1', lane: 'b', status: 0 }])
    })

    it('do not tell of what has no route', async () => {
      await scene.router.configure([routeTo(web, { host: 'shop.test' })])
      await addServed(web, 'web-1')
      expect(await scene.world.request(to({ host: 'other.test' }))).toEqual({ status: 404 })
      await scene.world.request(to())
      await untilTold(1)
      expect(told).toMatchObject([{ instance: 'web-1' }])
    })

    it('go on through a new listener, with the requests that were open', async () => {
      await addServed(web, 'web-1')
      const request = await scene.world.open(to())
      await scene.router.configure([routeTo(web, {}, { listen: scene.world.listens[1] })])
      await scene.world.request(to({ status: 404 }))
      await untilTold(1)
      request.finish()
      await request.answer
      await untilTold(2)
      expect(told).toMatchObject([{ status: 404 }, { status: 200 }])
      expect(lost).toBe(0)
    })

    it('are counted by lane and status where nobody measures, too', async () => {
      end.abort()
      await measured
      await addServed(web, 'web-1')
      await addServed(web, 'web-2', 'b')
      const answered = async (lane: string, code: string) => {
        const counts = (await scene.router.counts()).find((each) => each.pool === web && each.lane === lane)
        return counts?.answers[code] ?? 0
      }
      for (const status of [200, 200, 404]) await scene.world.request(to({ status }))
      await scene.router.split(web, 1000)
      await scene.world.request(to({ status: 500 }))
      await until(async () => (await answered('b', '5xx')) === 1)
      expect([await answered('a', '2xx'), await answered('a', '4xx'), await answered('a', '5xx')]).toEqual([2, 1, 0])
    })

    it('say that some were lost when the router dies, and go on when it is back', async () => {
      const address = await addServed(web, 'web-1')
      await scene.world.request(to())
      await untilTold(1)
      await scene.world.crash()
      await until(() => lost > 0)
      await begin()
      await scene.router.add(web, 'web-1', address, 'a')
      await scene.world.request(to())
      await untilTold(2)
      expect(told).toHaveLength(2)
    })
  })
}
