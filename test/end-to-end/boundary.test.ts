/** Promise 1 at the boundary: all that the whole product asks of the engine, whatever it is told to do. */
import { readFile } from 'node:fs/promises'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openSocketProxy } from '../contract/socket-proxy.ts'
import { defaultEngineSocket } from './engine-api.ts'
import { eventually } from './eventually.ts'
import { heldCanary, rolloutOf, startHeldUp } from './held-canary.ts'
import { openScene } from './open-scene.ts'
import type { Scene } from './scene.ts'

/** Copied out, so that a call that is added has to be added here too. */
const allowed = [
  /^GET (\/v[\d.]+)?\/version$/,
  /^GET \/v[\d.]+\/info$/,
  /^GET \/v[\d.]+\/containers\/json\?/,
  /^GET \/v[\d.]+\/containers\/[\w.-]+\/json$/,
  /^GET \/v[\d.]+\/containers\/[\w.-]+\/logs\?/,
  /^POST \/v[\d.]+\/containers\/create\?/,
  /^POST \/v[\d.]+\/containers\/\w+\/(start|kill|wait)(\?|$)/,
  /^DELETE \/v[\d.]+\/containers\/\w+\?/,
  // Of what is made to be read, and never of an instance.
  /^GET \/v[\d.]+\/containers\/repave-reading-[\w-]+\/archive\?/,
  /^GET \/v[\d.]+\/networks(\/\w+$|\?)/,
  /^POST \/v[\d.]+\/networks\/create$/,
  /^DELETE \/v[\d.]+\/networks\/\w+$/,
  /^GET \/v[\d.]+\/volumes\?/,
  /^POST \/v[\d.]+\/volumes\/create$/,
  /^DELETE \/v[\d.]+\/volumes\/[\w.-]+$/,
  /^GET \/v[\d.]+\/images\/json(\?|$)/,
  /^GET \/v[\d.]+\/images\/\S+\/json$/,
  /^POST \/v[\d.]+\/images\/create\?/,
  /^POST \/v[\d.]+\/images\/\S+\/tag\?/,
  /^DELETE \/v[\d.]+\/images\/\S+$/,
  /^POST \/v[\d.]+\/build\?/,
  /^GET \/v[\d.]+\/events\?/,
]

/** What is asked for an instance that was given up: it is out of rotation, and ends. */
const allowedAtTheEnd = [
  /^POST \/v[\d.]+\/containers\/(\w+)\/exec$/,
  /^POST \/v[\d.]+\/containers\/(\w+)\/pause$/,
  /^POST \/v[\d.]+\/exec\/\w+\/(start|resize\?.*)$/,
  /^GET \/v[\d.]+\/exec\/\w+\/json$/,
  /^POST \/v[\d.]+\/networks\/\w+\/disconnect$/,
]

test('one is entered and halted only where somebody opens it, and that one ends', async () => {
  const proxy = await openSocketProxy(defaultEngineSocket)
  onTestFinished(() => proxy.close())
  const scene = await openScene(defaultEngineSocket, proxy.socketPath)
  await scene.declare({ replicas: 2 })
  await scene.succeed('up')
  const [opened] = await scene.instances()
  await expectDone(
    scene,
    'access',
    'open',
    opened?.Names[0]?.slice(1) ?? '',
    '--reason',
    'why',
    '--command',
    '/usr/bin/node -v',
  )
  for (const command of ['access', 'evidence']) await expectDone(scene, command, 'list')
  await expectDone(
    scene,
    'access',
    'replay',
    `${(await scene.entries()).find(({ kind }) => kind === 'access.opened')?.sequence}`,
  )
  const evidence = await eventuallyDigest(scene)
  await expectDone(scene, 'evidence', 'show', evidence)
  await expectDone(scene, 'evidence', 'export', evidence, '-o', join(scene.folder, 'bundle.tar'))
  await expectDone(scene, 'evidence', 'key')
  await expectDone(scene, 'acknowledge', '--reason', 'seen')
  await expectDone(scene, 'now')
  const calls = proxy.requestLines.map((line) => line.replace(/ HTTP.*/, ''))
  const strange = calls.filter((call) => !allowed.some((pattern) => pattern.test(call)))
  expect(strange.filter((call) => !allowedAtTheEnd.some((pattern) => pattern.test(call)))).toEqual([])
  const concerned = strange.flatMap((call) => /containers\/(\w+)\/(?:exec|pause)$/.exec(call)?.[1] ?? [])
  expect(new Set(concerned)).toEqual(new Set([opened?.Id]))
  expect(await scene.instanceIds()).not.toContain(opened?.Id)
})

async function eventuallyDigest(scene: Scene): Promise<string> {
  let digest: string | undefined
  await eventually('evidence of it is kept', async () => {
    const { lines } = await scene.repave('evidence', 'list')
    const [first] = lines.flat() as readonly { readonly digest?: string }[]
    digest = first?.digest
    return digest !== undefined
  })
  return digest ?? ''
}

test('no sequence of commands alters or enters an instance', async () => {
  const proxy = await openSocketProxy(defaultEngineSocket)
  onTestFinished(() => proxy.close())
  const scene = await openScene(defaultEngineSocket, proxy.socketPath)
  await runEveryCommand(scene)
  const calls = proxy.requestLines.map((line) => line.replace(/ HTTP.*/, ''))
  expect(calls.filter((call) => !allowed.some((pattern) => pattern.test(call)))).toEqual([])
  for (const needed of [
    /create\?/,
    /start/,
    /kill/,
    /wait/,
    /logs/,
    /events/,
    /DELETE .*containers/,
    /DELETE .*networks/,
    /DELETE .*volumes/,
    /DELETE .*images/,
  ])
    expect(
      calls.some((call) => needed.test(call)),
      `${needed} was seen`,
    ).toBe(true)
})

test('the commands that were tried are all that there are', async () => {
  const reference = await readFile(new URL('../../docs/reference/cli.md', import.meta.url), 'utf8')
  const commands = [...reference.matchAll(/^## `repave ([a-z]+( [a-z]+)?)/gm)].map(([, command]) => command)
  expect(new Set(commands)).toEqual(new Set([...commandsTried, 'serve', 'ledger witness']))
})

const commandsTried = [
  'init',
  'plan',
  'up',
  'status',
  'versions',
  'rollback',
  'rollout pause',
  'rollout resume',
  'rollout promote',
  'rollout abort',
  'refuse',
  'recall',
  'replace',
  'now',
  'acknowledge',
  'access open',
  'access list',
  'access replay',
  'evidence list',
  'evidence show',
  'evidence export',
  'evidence key',
  'drift',
  'logs',
  'events',
  'ledger log',
  'ledger verify',
  'ledger receipt',
  'ledger checkpoint',
  'ledger key',
  'ledger export',
  'ledger cosign',
  'ledger restart',
  'down',
  'doctor',
  'backup',
  'restore',
]

async function runEveryCommand(scene: Scene): Promise<void> {
  await bringUpAndChange(scene)
  await look(scene)
  await steer(scene)
  const backup = await keep(scene)
  await suffer(scene)
  await scene.killController()
  await expectDone(scene, 'restore', backup, '--replace')
  await scene.succeed('down', '--data')
  expect(await scene.leftovers()).toEqual([])
}

async function bringUpAndChange(scene: Scene): Promise<void> {
  await expectDone(scene, 'init')
  await scene.declare({ replicas: 2 })
  await expectDone(scene, 'plan')
  await scene.succeed('up')
  await scene.declare({ replicas: 3, environment: { GREETING: 'second' } })
  await scene.succeed('up')
  await scene.succeed('up', '--refresh')
  await scene.succeed('rollback')
  await scene.succeed('replace', await someInstance(scene))
}

async function steer(scene: Scene): Promise<void> {
  const canary = (greeting: string) =>
    scene.declare({ replicas: 3, rollout: heldCanary, environment: { GREETING: greeting } })
  await canary('third')
  await startHeldUp(scene)
  await expectDone(scene, 'rollout', 'pause')
  await expectDone(scene, 'rollout', 'resume')
  await expectDone(scene, 'rollout', 'promote')
  await eventually('it has ended', async () => (await rolloutOf(scene)) === undefined)
  await canary('fourth')
  await startHeldUp(scene)
  await expectDone(scene, 'rollout', 'abort')
  await scene.declare({ replicas: 3, data: { log: '/data' }, environment: { GREETING: 'fifth' } })
  const [service] = (await scene.succeed('up')).services
  await expectDone(scene, 'refuse', service?.version ?? '')
  await expectDone(scene, 'refuse', '--package', 'openssl')
  await expectDone(scene, 'refuse', '--lift', '2', '--reason', 'it is mended')
  await expectDone(scene, 'refuse', '--lift', '1', '--reason', 'it is good after all')
  await expectDone(scene, 'recall', service?.version ?? '', '--reason', 'it is not')
}

async function look(scene: Scene): Promise<void> {
  for (const command of ['status', 'versions', 'drift', 'events', 'doctor']) await expectDone(scene, command)
  await expectDone(scene, 'logs', 'web')
  const followed = scene.start('logs', 'web', '--follow')
  const said = once(followed.stdout ?? followed, 'data')
  await said
  followed.kill('SIGINT')
}

/** The record, and a copy of the state; the folder of the latter. */
async function keep(scene: Scene): Promise<string> {
  for (const command of ['log', 'verify', 'checkpoint', 'key']) await expectDone(scene, 'ledger', command)
  await expectDone(scene, 'ledger', 'receipt', '1')
  await expectDone(scene, 'ledger', 'export', join(scene.folder, 'ledger'))
  const nobody = ['http://127.0.0.1:1', 'nobody']
  expect((await scene.repave('ledger', 'cosign', ...nobody)).exitCode).not.toBe(0)
  expect((await scene.repave('ledger', 'restart')).exitCode).not.toBe(0)
  const backup = join(scene.folder, 'backup')
  await expectDone(scene, 'backup', backup)
  return backup
}

/** What goes wrong may not tempt anyone to step in either. */
async function suffer(scene: Scene): Promise<void> {
  await scene.declare({ replicas: 3, environment: { FAULT: 'crash' }, rollout: { deadline: '5s' } })
  expect((await scene.repave('up')).exitCode).toBe(1)
  await scene.declare({ replicas: 3, command: ['/usr/bin/absent'], rollout: { deadline: '5s' } })
  expect((await scene.repave('up')).exitCode).toBe(1)
  await scene.declare({ replicas: 3 })
  await scene.killInstance((await scene.instanceIds())[0] ?? '')
  await scene.killController()
  await scene.succeed('up')
  await eventually('three run again', async () => (await scene.instanceIds()).length === 3)
}

async function expectDone(scene: Scene, ...commandLine: readonly string[]): Promise<void> {
  const { exitCode, output } = await scene.repave(...commandLine)
  expect(exitCode, output).toBe(0)
}

async function someInstance(scene: Scene): Promise<string> {
  const [instance] = await scene.instances()
  return instance?.Names[0]?.slice(1) ?? ''
}
