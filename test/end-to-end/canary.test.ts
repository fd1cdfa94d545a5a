/** Verdicts from what users felt: a canary gets its exact share, and is judged by HAProxy's own figures. */
import { Agent, request } from 'undici'
import { expect, test } from 'vitest'
import { heldCanary, startHeldUp } from './held-canary.ts'
import { openScene } from './open-scene.ts'
import { type Scene, verdict } from './scene.ts'

const replicas = 3
const requests = 10_000
const connections = 20

test('a canary at 5 % receives 5 % of 10,000 requests, give or take a point, on kept-alive connections', async () => {
  const scene = await openScene()
  const declare = (greeting: string) =>
    scene.declare({ replicas, rollout: heldCanary, environment: { GREETING: greeting } })
  await declare('old')
  await scene.succeed('up')
  await declare('new')
  await startHeldUp(scene)

  const greetings = await ask(scene.url)
  expect(greetings).toHaveLength(requests)
  const share = greetings.filter((greeting) => greeting === 'new').length / requests
  expect(share).toBeGreaterThan(0.04)
  expect(share).toBeLessThan(0.06)
})

const ratePerSecond = 500
test('a version that answers 2 % errors more is caught at 5 % of the requests, and seen by nobody beyond', async () => {
  const scene = await openScene()
  const step = { share: '5%', for: '10s', requests: 500 }
  await declareCanary(scene, step, 'old')
  await scene.succeed('up')
  const load = await scene.load({ ratePerSecond, methods: ['GET', 'POST'] })
  await declareCanary(scene, step, 'bad', 'errors:2')
  const ended = await scene.repave('up')
  expect(ended.exitCode).toBe(1)
  expect(verdict(ended)).toMatchObject({
    code: 'ROLLOUT_ABORTED',
    message: expect.stringMatching(/errors: \d+ of \d+ answers failed, of the old version 0 of /),
  })
  const { failures, releases, requests: sent } = await load.stop()
  expect(new Set(failures.map(({ release }) => release))).toEqual(new Set(['bad']))
  expect(releases['bad']?.count).toBeLessThan(sent * 0.06)
  expect(await scene.answers(3)).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^200 old /)))
})

test('a version that answers as many errors as the old one passes', async () => {
  const scene = await openScene()
  const step = { share: '5%', for: '4s', requests: 100 }
  await declareCanary(scene, step, 'old', 'errors:2')
  await scene.succeed('up')
  const load = await scene.load({ ratePerSecond, methods: ['GET', 'POST'] })
  await declareCanary(scene, step, 'new', 'errors:2')
  expect(await scene.succeed('up')).toMatchObject({ ok: true })
  const { failures } = await load.stop()
  expect(new Set(failures.map(({ release }) => release))).toEqual(new Set(['old', 'new']))
})

async function declareCanary(scene: Scene, step: object, greeting: string, fault = ''): Promise<void> {
  const watched = { window: '1s', requests: 0 }
  await scene.declare({
    replicas,
    rollout: { strategy: 'canary', steps: [step], verdict: watched, deadline: '60s' },
    environment: { GREETING: greeting, FAULT: fault },
  })
}

/** The greetings of so many answers. */
async function ask(url: string): Promise<readonly string[]> {
  const agent = new Agent({ connections, pipelining: 1 })
  const greetings: string[] = []
  let sent = 0
  const askOn = async (): Promise<void> => {
    while (sent < requests) {
      sent += 1
      const { headers, body } = await request(url, { dispatcher: agent })
      await body.text()
      greetings.push(String(headers['x-greeting']))
    }
  }
  await Promise.all(Array.from({ length: connections }, askOn))
  await agent.destroy()
  return greetings
}
