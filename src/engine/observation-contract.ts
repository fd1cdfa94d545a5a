/** What an engine shows of its instances, their output and what it holds for them. */
import { describe, expect, test, vi } from 'vitest'
import {
  collect,
  deadlineMs,
  expectCode,
  find,
  list,
  OrderDesk,
  scopesOf,
  untilExited,
  type Stage,
} from './scene-contract.ts'

export function observationContract(stage: Stage): void {
  describe('observe', () => {
    test("shows this controller's instances only", async () => {
      const own = stage.scene.desk.order({ command: stage.scene.fixture.programs.polite })
      const foreign = new OrderDesk(stage.scene.fixture.image).order({ command: stage.scene.fixture.programs.polite })
      await stage.scene.engine.create(own)
      await stage.scene.fixture.neighbour.create(foreign)
      await stage.scene.fixture.occupy(stage.scene.desk.order({}).name)
      expect((await list(stage.scene.engine)).map((instance) => instance.name)).toEqual([own.name])
      expect((await list(stage.scene.fixture.neighbour)).map((instance) => instance.name)).toEqual([foreign.name])
    })

    test('remembers nothing wrong', async () => {
      const orders = [await stage.scene.running(), await stage.scene.running()]
      await stage.scene.engine.observe()
      await stage.scene.engine.destroy(orders[0]!.name, 0)
      await stage.scene.fixture.kill(orders[1]!.name)
      const exited = await untilExited(stage.scene.engine, orders[1]!.name)
      expect(await stage.scene.engine.observe({ fresh: true })).toMatchObject({ instances: [exited] })
    })

    test('tells a paused instance from one that runs, and can end it', async () => {
      const { engine, fixture } = stage.scene
      const orders = [await stage.scene.running(), await stage.scene.running()]
      await engine.observe()
      await fixture.pause(orders[0]!.name)
      expect(await find(engine, orders[0]!.name)).toMatchObject({ phase: 'running', isPaused: true })
      expect(await find(engine, orders[1]!.name)).toMatchObject({ phase: 'running', isPaused: false })
      await engine.destroy(orders[0]!.name, deadlineMs)
      expect(await list(engine)).toMatchObject([{ name: orders[1]!.name }])
      expect(await fixture.recordedExit(orders[0]!.name)).toBe(0)
    })

    test('can look while instances come and go', async () => {
      const orders = Array.from({ length: 4 }, () =>
        stage.scene.desk.order({ command: stage.scene.fixture.programs.polite }),
      )
      const done = new AbortController()
      const life = Promise.all(
        orders.map(async (order) => {
          await stage.scene.engine.create(order)
          await stage.scene.engine.destroy(order.name, 0)
        }),
      ).finally(() => done.abort())
      while (!done.signal.aborted) {
        const { instances } = await stage.scene.engine.observe({ fresh: true })
        for (const { claimed, version } of instances) expect(version).toBe(claimed)
      }
      await life
    })
  })

  describe('scopes', () => {
    test('are shown as soon as something is held for them', async () => {
      await stage.scene.engine.reserve(stage.scene.desk.scope, 1)
      await stage.scene.engine.reserve(stage.scene.desk.scope, 1)
      expect(await scopesOf(stage.scene.engine)).toEqual([stage.scene.desk.scope])
      expect(await list(stage.scene.engine)).toEqual([])
    })

    test('tell what is left of what was reserved', async () => {
      const { engine, desk } = stage.scene
      const spares = async () => (await engine.observe()).scopes.map((scope) => scope.spares)
      await engine.reserve(desk.scope, 2)
      expect(await spares()).toEqual([2])
      await stage.scene.running()
      expect(await spares()).toEqual([1])
      await engine.reserve(desk.scope, 1)
      await stage.scene.running()
      expect(await spares()).toEqual([0])
    })

    test('take instances, reserved or not', async () => {
      await stage.scene.engine.reserve(stage.scene.desk.scope, 1)
      const orders = await Promise.all([stage.scene.running(), stage.scene.running()])
      expect(await list(stage.scene.engine)).toHaveLength(orders.length)
      expect(await scopesOf(stage.scene.engine)).toEqual([stage.scene.desk.scope])
    })

    test('are gone when retired', async () => {
      await stage.scene.engine.reserve(stage.scene.desk.scope, 2)
      const order = await stage.scene.running()
      await stage.scene.engine.destroy(order.name, 0)
      await stage.scene.engine.retire(stage.scene.desk.scope)
      await stage.scene.engine.retire(stage.scene.desk.scope)
      expect(await scopesOf(stage.scene.engine)).toEqual([])
    })

    test('are left alone as long as they have instances', async () => {
      const order = await stage.scene.running()
      const before = await find(stage.scene.engine, order.name)
      await stage.scene.engine.retire(stage.scene.desk.scope)
      expect(await find(stage.scene.engine, order.name)).toEqual(before)
      expect(await scopesOf(stage.scene.engine)).toEqual([stage.scene.desk.scope])
    })

    test('of a neighbour are none of ours', async () => {
      await stage.scene.fixture.neighbour.reserve(stage.scene.desk.scope, 1)
      expect(await scopesOf(stage.scene.engine)).toEqual([])
      await stage.scene.engine.retire(stage.scene.desk.scope)
      expect(await scopesOf(stage.scene.fixture.neighbour)).toEqual([stage.scene.desk.scope])
    })
  })

  describe('logs', () => {
    test('are the lines that were written, oldest first', async () => {
      const order = await stage.scene.running({ command: stage.scene.fixture.programs.count(30) })
      const texts = Array.from({ length: 30 }, (_, index) => `${index + 1}`)
      await vi.waitFor(async () => {
        const lines = await collect(stage.scene.engine, order.name)
        expect(lines.map((line) => line.text)).toEqual(texts)
      }, deadlineMs)
      const times = (await collect(stage.scene.engine, order.name)).map((line) => line.atMs)
      expect(times).toEqual(times.toSorted((a, b) => a - b))
    })

    test('name their stream and their instance, also after its end', async () => {
      const order = await stage.scene.running({ command: stage.scene.fixture.programs.bothStreams })
      await untilExited(stage.scene.engine, order.name)
      const lines = await collect(stage.scene.engine, order.name)
      expect(lines.toSorted((a, b) => a.text.localeCompare(b.text))).toEqual([
        { instance: order.name, stream: 'stderr', atMs: expect.any(Number), text: 'err' },
        { instance: order.name, stream: 'stdout', atMs: expect.any(Number), text: 'out' },
      ])
    })

    test('begin with the last lines where that is asked', async () => {
      const order = await stage.scene.running({ command: stage.scene.fixture.programs.count(30) })
      await vi.waitFor(async () => expect(await collect(stage.scene.engine, order.name)).toHaveLength(30), deadlineMs)
      const lines = await collect(stage.scene.engine, order.name, { tail: 2 })
      expect(lines.map((line) => line.text)).toEqual(['29', '30'])
      expect(await collect(stage.scene.engine, order.name, { tail: 0 })).toEqual([])
    })

    test('are followed until the instance ends', async () => {
      const order = await stage.scene.running({ command: stage.scene.fixture.programs.count(3) })
      const texts: string[] = []
      for await (const line of stage.scene.engine.logs(order.name, { follow: true })) {
        texts.push(line.text)
        if (texts.length === 3) await stage.scene.fixture.kill(order.name)
      }
      expect(texts).toEqual(['1', '2', '3'])
    })

    test('are followed until the reader aborts', async () => {
      const order = await stage.scene.running({ command: stage.scene.fixture.programs.count(3) })
      const reader = new AbortController()
      let seen = 0
      for await (const _ of stage.scene.engine.logs(order.name, { follow: true, signal: reader.signal })) {
        seen += 1
        if (seen === 3) reader.abort()
      }
      expect(seen).toBe(3)
      expect(await find(stage.scene.engine, order.name)).toMatchObject({ phase: 'running' })
    })

    test('are empty for an instance that never ran', async () => {
      const order = stage.scene.desk.order({ command: stage.scene.fixture.programs.polite })
      await stage.scene.engine.create(order)
      expect(await collect(stage.scene.engine, order.name)).toEqual([])
    })

    test('of an unknown instance are an error', async () => {
      await expectCode(collect(stage.scene.engine, stage.scene.desk.order({}).name), 'INSTANCE_UNKNOWN')
    })
  })
}
