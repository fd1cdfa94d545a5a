/** Promise 1 at the boundary: what reaches the engine's socket, whatever is asked of the driver. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { endpoints } from '../../src/engine/docker/endpoints.ts'
import { setUpDocker, type DockerFixture } from './docker-fixture.ts'
import { anOrder, aScope, collect, untilPhase } from './docker-orders.ts'

let fixture: DockerFixture
beforeAll(async () => {
  fixture = await setUpDocker()
})
afterAll(() => fixture.cleanup())

/** Copied out, so that a call that is added to the driver has to be added here too. */
const allowed = [
  /^GET (\/v[\d.]+)?\/version$/,
  /^GET \/v[\d.]+\/info$/,
  /^GET \/v[\d.]+\/containers\/json\?/,
  /^GET \/v[\d.]+\/containers\/[\w-]+\/json$/,
  /^GET \/v[\d.]+\/containers\/[\w-]+\/logs\?/,
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
  /^DELETE \/v[\d.]+\/volumes\/[\w-]+$/,
  /^GET \/v[\d.]+\/images\/json\?/,
  /^GET \/v[\d.]+\/images\/\S+\/json$/,
  /^POST \/v[\d.]+\/images\/sha256%3A\w+\/tag\?/,
  /^DELETE \/v[\d.]+\/images\/repave\.local\/kept\/\S+$/,
  /^POST \/v[\d.]+\/images\/create\?/,
  /^POST \/v[\d.]+\/build\?/,
  /^GET \/v[\d.]+\/events\?/,
]

/** For one that was touched, and from which nothing comes back. */
const allowedAtTheEnd = [
  /^POST \/v[\d.]+\/networks\/\w+\/disconnect$/,
  /^POST \/v[\d.]+\/containers\/\w+\/pause$/,
  /^GET \/v[\d.]+\/containers\/\w+\/(top|changes|archive)(\?|$)/,
]

test('no sequence of calls makes the driver alter or enter an instance', async () => {
  await liveAllLives(fixture)
  const calls = fixture.proxy.requestLines.map((line) => line.replace(/ HTTP.*/, ''))
  expect(calls.filter((call) => !allowed.some((pattern) => pattern.test(call)))).toEqual([])
  for (const needed of [
    /create/,
    /start/,
    /kill/,
    /wait/,
    /DELETE/,
    /logs/,
    /events/,
    /build/,
    /tag/,
    /volumes/,
    /archive/,
  ])
    expect(calls.some((call) => needed.test(call))).toBe(true)
})

test('the list of calls has none that alters or enters an instance', () => {
  const verbs = /exec|update|attach|rename|pause|restart|resize|archive|export|commit|connect|top|prune|push|load/
  expect(Object.values(endpoints).filter(({ path }) => verbs.test(path))).toEqual([
    // For a terminal in an instance that somebody has opened.
    { method: 'POST', path: '/containers/{id}/exec', quick: false },
    { method: 'POST', path: '/exec/{id}/start', quick: false },
    { method: 'POST', path: '/exec/{id}/resize', quick: true },
    { method: 'GET', path: '/exec/{id}/json', quick: true },
    // For one that was touched.
    { method: 'POST', path: '/networks/{id}/disconnect', quick: false },
    { method: 'POST', path: '/containers/{id}/pause', quick: false },
    { method: 'GET', path: '/containers/{id}/top', quick: false },
    { method: 'GET', path: '/containers/{id}/archive', quick: false },
  ])
})

test('one that was touched is cut off and halted, and nothing is done to it that could be undone', async () => {
  const before = fixture.proxy.requestLines.length
  const scope = aScope('boundary')
  const order = anOrder(scope, fixture.image, fixture.programs.polite, 1)
  const { engine } = fixture
  try {
    await engine.create(order)
    await engine.start(order.name)
    await engine.isolate(order.name)
    await Array.fromAsync(engine.collect(order.name))
    await engine.destroy(order.name, 300)
  } finally {
    await engine.retire(scope)
  }
  const calls = fixture.proxy.requestLines.slice(before).map((line) => line.replace(/ HTTP.*/, ''))
  const known = [...allowed, ...allowedAtTheEnd]
  expect(calls.filter((call) => !known.some((pattern) => pattern.test(call)))).toEqual([])
  expect(calls.filter((call) => call.endsWith('/pause'))).toHaveLength(1)
})

/** Every method of the engine, on instances in every state that they can be in. */
async function liveAllLives(docker: DockerFixture): Promise<void> {
  const { engine, image, programs } = docker
  const watching = new AbortController()
  const watch = engine.watch(() => {}, watching.signal)
  await engine.version()
  await engine.prepare(docker.goodBuild())
  const scope = aScope('boundary')
  const polite = anOrder(scope, image, programs.polite, 1)
  const stubborn = anOrder(scope, image, programs.stubborn, 2)
  const missing = anOrder(scope, image, programs.missing, 3)
  const killed = anOrder(scope, image, programs.count(3), 4)
  const withData = anOrder(scope, image, programs.polite, 5, { data: { uploads: '/data' } })
  const all = [polite, stubborn, missing, killed, withData]
  try {
    await engine.reserve(scope, 2)
    for (const order of [...all, ...all]) await engine.create(order)
    for (const order of [...all, ...all]) await engine.start(order.name).catch(() => {})
    await docker.touch(polite.name)
    await docker.kill(killed.name)
    await untilPhase(engine, killed.name, 'exited')
    for (const order of all) await engine.start(order.name).catch(() => {})
    await collect(engine.logs(killed.name, { tail: 1 }))
    await engine.observe()
    await engine.retain([image.digest])
    await engine.present([image.digest])
    await engine.describe(image.digest)
    await engine.survey(scope)
    for (const order of [...all, ...all]) await engine.destroy(order.name, 300)
  } finally {
    await engine.retain([])
    await engine.retire(scope)
    await engine.discardData(scope)
    watching.abort()
    await watch
  }
}
