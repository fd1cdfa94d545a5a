/** What an engine holds to about the surroundings of instances. */
import { describe, expect, test } from 'vitest'
import type { Stage } from './scene-contract.ts'

export function surveyContract(stage: Stage): void {
  describe('survey', () => {
    test('finds nothing amiss in what was made, and tells what instances run', async () => {
      const { engine, desk } = stage.scene
      const order = await stage.scene.running()
      const { network, firewall, ...survey } = await engine.survey(desk.scope)
      expect(network?.deviations).toEqual([])
      expect(['intact', 'unseen']).toContain(firewall.kind)
      expect(survey).toEqual({ foreign: [], misplaced: [], specs: new Map([[order.name, order.spec]]) })
    })

    test('finds no network where none was made', async () => {
      const { engine, desk } = stage.scene
      expect(await engine.survey(desk.scope)).not.toHaveProperty('network')
    })

    test('names a stranger in the network', async () => {
      const { engine, desk, fixture } = stage.scene
      await stage.scene.running()
      const name = await fixture.intrude(desk.scope)
      expect((await engine.survey(desk.scope)).foreign).toMatchObject([{ kind: 'container', name, where: 'network' }])
    })

    test('names an instance that was taken out of the network', async () => {
      const { engine, desk, fixture } = stage.scene
      const [order] = [await stage.scene.running(), await stage.scene.running({ user: '65533' })]
      await fixture.disconnect(order.name)
      expect((await engine.survey(desk.scope)).misplaced).toMatchObject([{ instance: order.name, actual: 'none' }])
    })

    test('tells what an altered instance runs', async () => {
      const { engine, desk, fixture } = stage.scene
      const order = await stage.scene.running()
      await fixture.alter(order.name)
      const spec = (await engine.survey(desk.scope)).specs.get(order.name)
      expect(spec?.resources).not.toEqual(order.spec.resources)
    })

    test("does not take a neighbour's for its own", async () => {
      const { desk, fixture } = stage.scene
      await stage.scene.running()
      const survey = await fixture.neighbour.survey(desk.scope)
      expect(survey).toMatchObject({ foreign: [], misplaced: [], specs: new Map() })
    })
  })
}
