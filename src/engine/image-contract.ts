/** What an engine holds to about itself and its images. */
import { describe, expect, test } from 'vitest'
import type { ImageRequest } from './engine.ts'
import { absentDigest, expectCode, type Stage } from './scene-contract.ts'

export function imageContract(stage: Stage): void {
  describe('version', () => {
    test('names the stage.scene.engine that answers', async () => {
      expect(stage.scene.engine.kind).not.toBe('')
      expect(await stage.scene.engine.version()).toMatch(/\S/)
    })
  })

  describe('prepare', () => {
    test('uses what the stage.scene.engine has under a name', async () => {
      expect(
        await stage.scene.engine.prepare({ kind: 'reference', reference: stage.scene.fixture.imageReference }),
      ).toEqual(stage.scene.fixture.image)
    })

    test('takes a name and its locked digest', async () => {
      const { digest } = stage.scene.fixture.image
      const request: ImageRequest = { kind: 'reference', reference: stage.scene.fixture.imageReference, digest }
      expect(await stage.scene.engine.prepare(request)).toMatchObject({ digest })
    })

    test('refuses other content than the locked digest', async () => {
      const request = {
        kind: 'reference',
        reference: stage.scene.fixture.imageReference,
        digest: absentDigest,
      } as const
      await expectCode(stage.scene.engine.prepare(request), 'IMAGE_NOT_FOUND')
    })

    test('finds content by its digest', async () => {
      const { digest } = stage.scene.fixture.image
      expect(await stage.scene.engine.prepare({ kind: 'digest', digest })).toMatchObject({ digest })
    })

    test('knows no image that nobody has', async () => {
      await expectCode(stage.scene.engine.prepare({ kind: 'digest', digest: absentDigest }), 'IMAGE_NOT_FOUND')
      const reference = 'localhost:1/nobody/has-this:1'
      await expectCode(stage.scene.engine.prepare({ kind: 'reference', reference }), 'IMAGE_NOT_FOUND')
    })

    test('builds, and keeps the result', async () => {
      const words: string[] = []
      const built = await stage.scene.engine.prepare(stage.scene.fixture.goodBuild(), (line) => words.push(line))
      expect(built.digest).toMatch(/^sha256:[0-9a-f]{64}$/)
      expect(words).not.toEqual([])
      expect(built.labels).toEqual(stage.scene.fixture.builtLabels)
      expect(await stage.scene.engine.prepare({ kind: 'digest', digest: built.digest })).toMatchObject({
        digest: built.digest,
      })
    })

    test('says why a build failed', async () => {
      const error = await expectCode(stage.scene.engine.prepare(stage.scene.fixture.badBuild()), 'BUILD_FAILED')
      expect(`${error.message} ${error.hint}`).toContain('broken on purpose')
    })
  })
}
