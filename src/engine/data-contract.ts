/** What an engine holds to about the one thing that outlives an instance. */
import { describe, expect, test } from 'vitest'
import { dataVolumeName, type InstanceOrder } from './engine.ts'
import { expectCode, find, list, OrderDesk, type Stage } from './scene-contract.ts'

export function dataContract(stage: Stage): void {
  const orderWith = (data: Readonly<Record<string, string>>): InstanceOrder =>
    stage.scene.desk.order({ command: stage.scene.fixture.programs.polite, data })
  const volume = (name: string): string => dataVolumeName({ ...stage.scene.desk.scope, service: 'web' }, name)

  describe('data', () => {
    test('outlives its instances and what is held for their scope', async () => {
      const { engine, desk } = stage.scene
      const order = orderWith({ uploads: '/data' })
      await engine.create(order)
      await engine.start(order.name)
      await engine.destroy(order.name, 0)
      await engine.retire(desk.scope)
      expect(await engine.discardData(desk.scope)).toEqual([volume('uploads')])
    })

    test('is shared by the instances of a service, made at once or one after the other', async () => {
      const { engine, desk } = stage.scene
      const orders = [1, 2, 3].map(() => orderWith({ uploads: '/data', index: '/srv/index' }))
      await Promise.all(orders.slice(1).map((order) => engine.create(order)))
      await engine.create(orders[0]!)
      for (const { claimed, version } of await list(engine)) expect(version).toBe(claimed)
      await Promise.all(orders.map((order) => engine.destroy(order.name, 0)))
      expect(await engine.discardData(desk.scope)).toEqual([volume('index'), volume('uploads')])
    })

    test('is not discarded while an instance is there', async () => {
      const { engine, desk } = stage.scene
      const order = orderWith({ uploads: '/data' })
      await engine.create(order)
      const error = await expectCode(engine.discardData(desk.scope), 'DATA_IN_USE')
      expect(error.message).toContain(order.name)
      await engine.start(order.name)
      expect(await find(engine, order.name)).toMatchObject({ version: order.version, phase: 'running' })
      await engine.destroy(order.name, 0)
      expect(await engine.discardData(desk.scope)).toEqual([volume('uploads')])
    })

    test('is discarded once, and of its scope alone', async () => {
      const { engine, fixture, desk } = stage.scene
      const elsewhere = new OrderDesk(fixture.image)
      const orders = [
        orderWith({ uploads: '/data' }),
        elsewhere.order({ command: fixture.programs.polite, data: { uploads: '/data' } }),
      ]
      for (const order of orders) await engine.create(order)
      for (const order of orders) await engine.destroy(order.name, 0)
      expect(await engine.discardData(desk.scope)).toEqual([volume('uploads')])
      expect(await engine.discardData(desk.scope)).toEqual([])
      expect(await engine.discardData(elsewhere.scope)).toHaveLength(1)
    })

    test('can be had again after it was discarded', async () => {
      const { engine, desk } = stage.scene
      const order = orderWith({ uploads: '/data' })
      for (let round = 0; round < 2; round++) {
        await engine.create(order)
        await engine.destroy(order.name, 0)
        expect(await engine.discardData(desk.scope)).toEqual([volume('uploads')])
      }
    })

    test('is not put where something foreign is, which is left alone', async () => {
      const { engine, fixture, desk } = stage.scene
      await fixture.occupyData(volume('uploads'))
      const error = await expectCode(engine.create(orderWith({ uploads: '/data' })), 'NAME_TAKEN')
      expect(error.message).toContain(volume('uploads'))
      expect(await list(engine)).toEqual([])
      expect(await engine.discardData(desk.scope)).toEqual([])
      expect(await fixture.isDataOccupied(volume('uploads'))).toBe(true)
    })

    test("is not put where another controller's is", async () => {
      const { engine, fixture, desk } = stage.scene
      const theirs = orderWith({ uploads: '/data' })
      await fixture.neighbour.create(theirs)
      await expectCode(engine.create(orderWith({ uploads: '/data' })), 'NAME_TAKEN')
      expect(await engine.discardData(desk.scope)).toEqual([])
      await fixture.neighbour.destroy(theirs.name, 0)
      expect(await fixture.neighbour.discardData(desk.scope)).toEqual([volume('uploads')])
    })

    test('is not that of a service whose name reads the same', async () => {
      const { engine } = stage.scene
      const first = orderWith({ 'api-files': '/data' })
      await engine.create(first)
      const order = orderWith({ files: '/data' })
      await expectCode(engine.create({ ...order, service: 'web-api', name: `${order.name}-api` }), 'NAME_TAKEN')
      expect(await list(engine)).toHaveLength(1)
    })
  })
}
