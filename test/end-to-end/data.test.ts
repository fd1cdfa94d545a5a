/** Data volumes: all that outlives the instances of a service. */
import { expect, test } from 'vitest'
import { openScene } from './open-scene.ts'
import type { Scene } from './scene.ts'

const user = '1000:1000'

/** Writes down that it began, in its volume, and answers with all who did so far, and who owns that. */
const program = `
  const { appendFileSync, readFileSync, statSync } = require('node:fs')
  const file = '/data/log'
  appendFileSync(file, process.env.GREETING + '\\n')
  const words = () => readFileSync(file, 'utf8').trim().split('\\n').join(',') + ' of ' + statSync(file).uid
  require('node:http').createServer((request, response) => response.end(words())).listen(8080)
  process.once('SIGTERM', () => process.exit())
`

test('a volume is written to by its user, outlives up, rollback and down, and goes with `down --data`', async () => {
  const scene = await openScene()
  await begin(scene, 'first')
  expect(await scene.answers(1)).toEqual(['200 first of 1000'])
  await begin(scene, 'second')
  expect(await scene.answers(1)).toEqual(['200 first,second of 1000'])
  await scene.succeed('rollback')
  expect(await scene.answers(1)).toEqual(['200 first,second,first of 1000'])

  await scene.succeed('down')
  expect(await volumes(scene)).toEqual([`${scene.stack}-default-web-log`])
  await begin(scene, 'third')
  expect(await scene.answers(1)).toEqual(['200 first,second,first,third of 1000'])

  await scene.succeed('down', '--data')
  expect(await volumes(scene)).toEqual([])
  await begin(scene, 'fourth')
  expect(await scene.answers(1)).toEqual(['200 fourth of 1000'])
  // Also those of a service that is down already.
  await scene.succeed('down')
  await scene.succeed('down', '--data')
  expect(await volumes(scene)).toEqual([])
})

async function begin(scene: Scene, greeting: string): Promise<void> {
  await scene.declare({
    replicas: 1,
    user,
    command: ['/usr/bin/node', '-e', program],
    environment: { GREETING: greeting },
    data: { log: '/data' },
    health: { tcp: true, interval: '200ms' },
  })
  expect(await scene.succeed('up')).toMatchObject({ ok: true, services: [{ ready: 1 }] })
}

async function volumes(scene: Scene): Promise<readonly string[]> {
  return (await scene.engine.volumes(`repave.stack=${scene.stack}`)).map(({ Name }) => Name)
}
