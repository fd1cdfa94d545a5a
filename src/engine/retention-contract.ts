/** What an engine holds to about the images that it is to keep. */
import { describe, expect, test } from 'vitest'
import type { ImageDigest } from '../model/version.ts'
import { absentDigest, expectCode, type Stage } from './scene-contract.ts'

export function retentionContract(stage: Stage): void {
  const built = async (): Promise<ImageDigest> => {
    const { engine, fixture } = stage.scene
    return (await engine.prepare(fixture.goodBuild())).digest
  }
  const isPresent = async (digest: ImageDigest): Promise<boolean> =>
    (await stage.scene.engine.present([digest])).has(digest)

  describe('present', () => {
    test('tells which images there are', async () => {
      const { engine, fixture } = stage.scene
      const digests = [fixture.image.digest, absentDigest, await built()]
      expect(await engine.present(digests)).toEqual(new Set([digests[0], digests[2]]))
      expect(await engine.present([])).toEqual(new Set())
    })
  })

  describe('retain', () => {
    test('keeps an image that has lost its name', async () => {
      const { engine, fixture } = stage.scene
      const digest = await built()
      await engine.retain([digest, fixture.image.digest])
      await engine.retain([digest])
      await fixture.cleanUpBuilt()
      expect(await isPresent(digest)).toBe(true)
      expect(await engine.prepare({ kind: 'digest', digest })).toMatchObject({ labels: fixture.builtLabels })
    })

    test('keeps nothing that it was not asked for', async () => {
      const { engine, fixture } = stage.scene
      const digest = await built()
      await engine.retain([fixture.image.digest])
      await fixture.cleanUpBuilt()
      expect(await isPresent(digest)).toBe(false)
    })

    test('lets go of what it kept', async () => {
      const { engine, fixture } = stage.scene
      const digest = await built()
      await engine.retain([digest])
      await fixture.cleanUpBuilt()
      await engine.retain([fixture.image.digest])
      expect(await isPresent(digest)).toBe(false)
      await expectCode(engine.prepare({ kind: 'digest', digest }), 'IMAGE_NOT_FOUND')
    })

    test('leaves what has another name', async () => {
      const { engine, fixture } = stage.scene
      await engine.retain([fixture.image.digest])
      await engine.retain([])
      expect(await isPresent(fixture.image.digest)).toBe(true)
    })

    test('leaves what an instance was made from, until that is gone', async () => {
      const { engine, fixture, desk } = stage.scene
      const image = await built()
      await engine.retain([image])
      const order = desk.order({ command: fixture.programs.polite, image })
      await engine.create(order)
      await fixture.cleanUpBuilt()
      await engine.retain([])
      expect(await isPresent(image)).toBe(true)
      await engine.destroy(order.name, 0)
      await engine.retain([])
      expect(await isPresent(image)).toBe(false)
    })

    test('takes nothing from what a neighbour keeps', async () => {
      const { engine, fixture } = stage.scene
      const digest = await built()
      await fixture.neighbour.retain([digest])
      await engine.retain([digest])
      await fixture.cleanUpBuilt()
      await engine.retain([])
      expect(await isPresent(digest)).toBe(true)
      await fixture.neighbour.retain([])
      expect(await isPresent(digest)).toBe(false)
    })

    test('passes over what is not there', async () => {
      const { engine, fixture } = stage.scene
      const digest = await built()
      await engine.retain([absentDigest, digest])
      await fixture.cleanUpBuilt()
      expect(await engine.present([absentDigest, digest])).toEqual(new Set([digest]))
    })
  })
}
