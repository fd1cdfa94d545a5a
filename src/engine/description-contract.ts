/** What an engine holds to about what images say of themselves. */
import { describe, expect, test } from 'vitest'
import { absentDigest, expectCode, type Stage } from './scene-contract.ts'

export function descriptionContract(stage: Stage): void {
  describe('describe', () => {
    test('tells the packages that the image lists', async () => {
      const { engine, fixture } = stage.scene
      const digest = await fixture.described('listed')
      const { packages, ...description } = await engine.describe(digest)
      expect(description).toMatchObject({ digest, isDescribed: true })
      expect(packages.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
        { type: 'deb', name: 'base-files', version: '12.4' },
        { type: 'deb', name: 'libssl3', version: '3.0.11-1' },
      ])
    })

    test('tells the packages of a bill of materials', async () => {
      const { engine, fixture } = stage.scene
      const { packages } = await engine.describe(await fixture.described('sbom'))
      expect(packages).toEqual([{ type: 'npm', name: '@acme/web', version: '1.2.0' }])
    })

    test('tells the layers, which begin with those of what it was built from', async () => {
      const { engine, fixture } = stage.scene
      const { layers: base } = await engine.describe(await fixture.described('listed'))
      const { layers } = await engine.describe(await fixture.described('derived'))
      expect(base.length).toBeGreaterThan(0)
      expect(layers.length).toBeGreaterThan(base.length)
      expect(layers.slice(0, base.length)).toEqual(base)
    })

    test('tells the base that labels name', async () => {
      const { engine, fixture } = stage.scene
      const { base } = await engine.describe(await fixture.described('based'))
      expect(base).toEqual({ name: 'debian:12', digest: absentDigest })
    })

    test('says of an image that lists nothing that it does not describe itself', async () => {
      const { engine, fixture } = stage.scene
      const described = await engine.describe(fixture.imageReference)
      expect(described).toMatchObject({ digest: fixture.image.digest, packages: [], isDescribed: false })
      expect(described).not.toHaveProperty('base')
    })

    test.each(['broken', 'endless'] as const)('refuses a list that is %s', async (kind) => {
      const { engine, fixture } = stage.scene
      await expectCode(engine.describe(await fixture.described(kind)), 'IMAGE_INVALID')
    })

    test('knows no image that nobody has, and pulls none', async () => {
      await expectCode(stage.scene.engine.describe(absentDigest), 'IMAGE_NOT_FOUND')
      await expectCode(stage.scene.engine.describe('localhost:1/nobody/has-this:1'), 'IMAGE_NOT_FOUND')
    })
  })
}
