/** Promise 6: every version is a way back, also where nothing of it runs and its image has lost its name. */
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { pack } from 'tar-stream'
import type { VersionsReport } from '../../src/model/report.ts'
import { eventually } from './eventually.ts'
import { openScene } from './open-scene.ts'
import type { Scene } from './scene.ts'

test('a cold version comes back although its image has lost its name, and what has none was cleaned up', async () => {
  const scene = await openScene()
  const [first] = [await release(scene, 'first'), await release(scene, 'second')]
  const { RepoTags } = await scene.engine.inspectImage(first)
  expect(RepoTags).toEqual([expect.stringMatching(/^repave\.local\/kept\//)])
  await scene.engine.pruneImages(labelOf(scene))
  expect(await waysBack(scene)).toEqual(['cold'])
  await scene.succeed('rollback')
  expect(await scene.answers(1)).toEqual([expect.stringMatching(/^200 first /)])
})

test('the image of a version beyond the history goes, and that is told', async () => {
  const scene = await openScene()
  const [first] = [
    await release(scene, 'first', 1),
    await release(scene, 'second', 1),
    await release(scene, 'third', 1),
  ]
  await eventually('nothing keeps the image', async () => !(await scene.engine.hasImage(first)))
  expect(await waysBack(scene)).toEqual(['cold', 'gone'])
})

const labelOf = ({ stack }: Scene) => `repave-test=${stack}`

/** Brings up an image of its own under the name that the one before had, and answers its digest. */
async function release(scene: Scene, greeting: string, history?: number): Promise<string> {
  const image = `${scene.ownImages}:newest`
  await scene.engine.build(image, contextOf(`FROM ${scene.image}\nLABEL ${labelOf(scene)}\nENV MADE_FOR=${greeting}\n`))
  await scene.declare({ image, replicas: 1, environment: { GREETING: greeting }, ...(history && { history }) })
  await scene.succeed('up', '--refresh')
  return (await scene.engine.inspectImage(image)).Id
}

function contextOf(dockerfile: string): Readable {
  const tar = pack()
  tar.entry({ name: 'Dockerfile' }, dockerfile)
  tar.finalize()
  return Readable.from(tar)
}

/** What it takes to go back to each version but the present one, the newest first. */
async function waysBack(scene: Scene): Promise<readonly unknown[]> {
  const { lines, output } = await scene.repave('versions')
  const [report] = lines.flat() as readonly VersionsReport[]
  if (!report) throw new Error(`no versions in: ${output}`)
  return report.versions.flatMap(({ wayBack }) => wayBack ?? [])
}
