import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { openScene } from './open-scene.ts'

test('up serves, a second up changes nothing, down leaves nothing', async () => {
  const scene = await openScene()
  await scene.declare({ replicas: 2 })

  const first = await scene.succeed('up')
  expect(first).toMatchObject({ ok: true, changed: true, services: [{ service: 'web', ready: 2 }] })
  expect(await scene.answers(4)).toEqual(Array.from({ length: 4 }, () => expect.stringMatching(/^200 first from /)))
  const before = await scene.instanceIds()
  expect(before).toHaveLength(2)

  const second = await scene.succeed('up')
  expect(second).toMatchObject({ ok: true, changed: false, services: [{ service: 'web', ready: 2 }] })
  expect(await scene.instanceIds()).toEqual(before)

  await scene.succeed('down')
  expect(await scene.leftovers()).toEqual([])
  expect(scene.routerProcesses()).toEqual([])
  await expect(fetch(scene.url)).rejects.toThrow()
})

test('plan tells what up would do, and does nothing', async () => {
  const scene = await openScene()
  await scene.declare({ replicas: 2 })

  const planned = await scene.repave('plan', '--timeline')
  expect(planned.exitCode).toBe(0)
  expect(planned.lines.at(-1)).toMatchObject({
    stack: scene.stack,
    services: [{ service: 'web', current: null }],
    timeline: { services: [{ service: 'web', from: null, outcome: 'succeeded' }] },
  })
  expect(await scene.leftovers()).toEqual([])

  const version = (planned.lines.at(-1) as { services: [{ next: string }] }).services[0].next
  expect(await scene.succeed('up')).toMatchObject({ services: [{ version }] })
  const after = await scene.repave('plan', '--exit-code')
  expect(after.exitCode).toBe(0)
  expect(after.lines.at(-1)).toMatchObject({ changes: 0 })
})

test('a Dockerfile is built and locked, and what is built is what runs', async () => {
  const scene = await openScene()
  await mkdir(join(scene.folder, 'hello'))
  await writeFile(join(scene.folder, 'hello/Dockerfile'), `FROM ${scene.image}\nCOPY server.mjs /app/server.mjs\n`)
  await cp(resolve(import.meta.dirname, '../../examples/hello/server.mjs'), join(scene.folder, 'hello/server.mjs'))
  const { image: _, ...service } = scene.service({ replicas: 1 })
  await scene.write(
    stringify({ stack: scene.stack, services: { web: { ...service, build: { dockerfile: './hello/Dockerfile' } } } }),
  )

  await scene.succeed('up')
  const lock = JSON.parse(await readFile(join(scene.folder, 'repave.lock.json'), 'utf8')) as {
    builds: { web: { digest: string } }
  }
  expect((await scene.instances()).map(({ ImageID }) => ImageID)).toEqual([lock.builds.web.digest])
  expect(await scene.succeed('up')).toMatchObject({ changed: false })
})

test('an environment of the file is a fleet of its own', async () => {
  const scene = await openScene()
  const service = scene.service({ replicas: 1 })
  await scene.write(
    stringify({
      stack: scene.stack,
      services: { web: service },
      environments: { staging: { services: { web: { replicas: 2 } } } },
    }),
  )
  expect(await scene.succeed('up', '--env', 'staging')).toMatchObject({ services: [{ ready: 2 }] })
  const labels = (await scene.instances()).map(({ Labels }) => Labels['repave.environment'])
  expect(labels).toEqual(['staging', 'staging'])
})
