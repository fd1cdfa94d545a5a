import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { openScene } from './open-scene.ts'
import type { Scene } from './scene.ts'

interface BadFile {
  readonly what: string
  readonly file: (scene: Scene) => string
  readonly report: Readonly<Record<string, unknown>>
}

const withService = (draft: Readonly<Record<string, unknown>>) => (scene: Scene) =>
  stringify({ stack: scene.stack, services: { web: scene.service(draft) } })

const badFiles: readonly BadFile[] = [
  { what: 'a misspelt key', file: withService({ replica: 3 }), report: { code: 'FILE_INVALID' } },
  { what: 'a wrong unit', file: withService({ drain: '5 parsecs' }), report: { code: 'FILE_INVALID' } },
  { what: 'a wrong type', file: withService({ replicas: 'three' }), report: { code: 'FILE_INVALID' } },
  {
    what: 'an impossible floor',
    file: withService({ rollout: { maxSurge: 0, maxUnavailable: 0 } }),
    report: { code: 'FILE_INVALID' },
  },
  {
    what: 'two services on one route',
    file: (scene) => stringify({ stack: scene.stack, services: { web: scene.service(), other: scene.service() } }),
    report: { code: 'FILE_INVALID' },
  },
  { what: 'no YAML', file: () => 'stack: [', report: { code: 'FILE_SYNTAX', line: 1 } },
  {
    what: 'a Dockerfile outside of the folder',
    file: (scene) =>
      stringify({ stack: scene.stack, services: { web: { build: { dockerfile: '../../Dockerfile' }, port: 1 } } }),
    report: { code: 'PATH_ESCAPES' },
  },
]

test('a bad file changes nothing and says where it is bad', async () => {
  const scene = await openScene()
  await scene.declare({ replicas: 1 })
  await scene.succeed('up')
  const before = await scene.instanceIds()
  for (const { what, file, report } of badFiles) {
    await scene.write(file(scene))
    const ended = await scene.repave('up')
    expect(ended.exitCode, what).toBe(2)
    expect(ended.lines.at(-1), what).toMatchObject({ ok: false, file: scene.stackFile, ...report })
    expect(ended.lines.at(-1), what).toHaveProperty('hint', expect.stringMatching(/./))
  }
  expect(await scene.instanceIds()).toEqual(before)
  expect(await scene.answers(1)).toEqual([expect.stringMatching(/^200 first from /)])
})

test('a missing file and an unknown command are bad usage', async () => {
  const scene = await openScene()
  expect(await scene.repave('up')).toMatchObject({ exitCode: 2, lines: [{ ok: false, code: 'FILE_NOT_FOUND' }] })
  expect((await scene.repave('upp')).exitCode).toBe(2)
  await scene.declare()
  expect((await scene.repave('up', '--env', 'nowhere')).exitCode).toBe(2)
})

test('two up at once: one does the work, and neither leaves a mess', async () => {
  const scene = await openScene()
  await scene.declare({ replicas: 2 })
  const ended = await Promise.all([scene.repave('up'), scene.repave('up')])
  expect(ended.map(({ exitCode }) => exitCode)).toContain(0)
  for (const { exitCode, lines } of ended) {
    if (exitCode !== 0) expect(lines.at(-1)).toMatchObject({ ok: false, code: 'ROLLOUT_RUNNING' })
  }
  expect(await scene.succeed('up')).toMatchObject({ services: [{ ready: 2 }] })
  expect(await scene.instances()).toHaveLength(2)
})

test('an engine that is not there is named, and nothing is started', async () => {
  const scene = await openScene()
  await scene.declare()
  const nowhere = `unix://${scene.folder}/absent.sock`
  const ended = await scene.repaveWith({ DOCKER_HOST: nowhere }, 'up')
  expect(ended.exitCode).toBe(1)
  expect(ended.output).toContain('absent.sock')
  expect(await scene.instances()).toEqual([])
})
