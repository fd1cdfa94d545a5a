/**
 * What every engine must hold to: each sentence of `engine.ts` as a test, run against every implementation.
 *
 *     engineContract('memory', () => setUpMemoryEngine())
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest'
import { dataContract } from './data-contract.ts'
import { descriptionContract } from './description-contract.ts'
import { imageContract } from './image-contract.ts'
import { isolationContract } from './isolation-contract.ts'
import { lifecycleContract } from './lifecycle-contract.ts'
import { observationContract } from './observation-contract.ts'
import { retentionContract } from './retention-contract.ts'
import { ContractScene, removeAll, testTimeoutMs, type EngineFixture } from './scene-contract.ts'
import { surveyContract } from './survey-contract.ts'
import { watchContract } from './watch-contract.ts'

export type { ContractPrograms, DescribedKind, EngineFixture } from './scene-contract.ts'

export function engineContract(name: string, setUp: () => Promise<EngineFixture>): void {
  describe(`${name} keeps the engine contract`, { timeout: testTimeoutMs }, () => {
    let fixture: EngineFixture
    let scene: ContractScene
    const stage = {
      get scene() {
        return scene
      },
    }

    beforeAll(async () => {
      fixture = await setUp()
    }, testTimeoutMs)
    beforeEach(() => {
      scene = new ContractScene(fixture)
    })
    afterEach(async () => {
      await fixture.evict()
      for (const engine of [fixture.engine, fixture.neighbour]) {
        await removeAll(engine)
        await engine.discardData(scene.desk.scope)
        await engine.retain([])
      }
    }, testTimeoutMs)
    afterAll(() => fixture?.cleanup(), testTimeoutMs)

    imageContract(stage)
    descriptionContract(stage)
    retentionContract(stage)
    lifecycleContract(stage)
    dataContract(stage)
    observationContract(stage)
    surveyContract(stage)
    watchContract(stage)
    isolationContract(stage)
  })
}
