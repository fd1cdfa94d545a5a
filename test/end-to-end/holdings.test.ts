import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { expect, test } from 'vitest'
import { ownerOf } from '../../src/compose.ts'
import type { RefuseReport } from '../../src/model/report.ts'
import { openScene } from './open-scene.ts'
import { type Scene, verdict } from './scene.ts'

const current = async (scene: Scene) => (await scene.status()).services[0]!.version!

/** An image of the scene's own: what `from` is, with one file more. */
async function derived(scene: Scene, tag: string, from: string, path: string, content: string): Promise<string> {
  const reference = `${scene.ownImages}:${tag}`
  const tar = pack()
  tar.entry({ name: 'Dockerfile' }, `FROM ${from}\nCOPY file ${path}\n`)
  tar.entry({ name: 'file', mode: 0o644 }, content)
  tar.finalize()
  await scene.engine.build(reference, Readable.from(tar))
  return reference
}

const status = (version: string) => `Package: openssl\nStatus: install ok installed\nVersion: ${version}\n`
const listed = '/var/lib/dpkg/status'

test('what holds a recalled package is replaced without losing a request, and runs no more', async () => {
  const scene = await openScene()
  const mended = await derived(scene, 'mended', scene.image, listed, status('3.0.13-1'))
  const leaking = await derived(scene, 'leaking', scene.image, listed, status('3.0.11-1'))
  await scene.declare({ image: mended, environment: { GREETING: 'mended' } })
  await scene.succeed('up')
  const first = await current(scene)
  await scene.declare({ image: leaking, environment: { GREETING: 'leaking' } })
  await scene.succeed('up')
  const load = await scene.load({ ratePerSecond: 200 })

  const recalled = await scene.repave('recall', '--package', 'openssl@3.0.11-1', '--reason', 'CVE-2026-1')
  expect(recalled.exitCode).toBe(0)
  expect(verdict(recalled)).toMatchObject({ ok: true, services: [{ version: first, ready: 3 }] })
  expect((await load.stop()).failures).toEqual([])
  expect(await scene.answers(2)).toEqual(Array.from({ length: 2 }, () => expect.stringMatching(/^200 mended from /)))

  const again = await scene.repave('up')
  expect(again.exitCode).toBe(3)
  expect(again.lines.at(-1)).toMatchObject({
    code: 'VERSION_REFUSED',
    message: expect.stringContaining('its image holds openssl 3.0.11-1 (deb)'),
  })
  // An image that comes later is looked into.
  const later = await derived(scene, 'later', leaking, '/later', 'later')
  await scene.declare({ image: later })
  expect((await scene.repave('up')).exitCode).toBe(3)
  // The image of the example lists no packages.
  await scene.declare({ image: scene.image })
  await scene.succeed('up')
  const refused = await scene.repave('refuse', '--package', 'zlib1g')
  const report = refused.lines.at(-1) as RefuseReport
  expect(report.unjudged).toMatchObject([{ why: 'nothing in it lists its packages' }])
  const readings = await scene.engine.containers('repave.role=reading')
  expect(readings.filter(({ Labels }) => Labels['repave.owner'] === ownerOf(scene.home))).toEqual([])
})

test('what is built on a recalled base is replaced, and runs no more', async () => {
  const scene = await openScene()
  const base = await derived(scene, 'base', scene.image, '/base', 'base')
  await scene.declare({ environment: { GREETING: 'plain' } })
  await scene.succeed('up')
  const first = await current(scene)
  const built = await derived(scene, 'built', base, '/built', 'built')
  await scene.declare({ image: built, environment: { GREETING: 'based' } })
  await scene.succeed('up')

  const recalled = await scene.repave('recall', '--base', base, '--reason', 'the base is compromised')
  expect(recalled.exitCode).toBe(0)
  expect(verdict(recalled)).toMatchObject({ ok: true, services: [{ version: first, ready: 3 }] })
  const again = await scene.repave('up')
  expect(again.exitCode).toBe(3)
  expect(again.lines.at(-1)).toMatchObject({ message: expect.stringContaining(` refused base ${base} at `) })
})
