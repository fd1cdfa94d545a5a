/** The yardstick: replacing a fleet with nothing but the engine's own calls, four at a time. */
import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { EngineApi } from '../test/end-to-end/engine-api.ts'
import { atMost, timeMs } from './stopwatch.ts'

const concurrency = 4
const stack = `bench-raw-${process.pid}`
const pollMs = 20

/** Milliseconds to create, start and see ready `count` containers, and then to kill and remove `count` old ones. */
export async function replaceWithRawEngine(engine: EngineApi, image: string, count: number): Promise<number> {
  const labels = { 'repave.stack': stack }
  await engine.call('POST', '/networks/create', { Name: stack, Labels: labels })
  const names = (generation: string) => Array.from({ length: count }, (_, index) => `${stack}-${generation}-${index}`)
  const agent = new Agent()
  try {
    await atMost(concurrency, names('old'), (name) => bringUp(engine, agent, image, name, labels))
    return await timeMs(async () => {
      await atMost(concurrency, names('new'), (name) => bringUp(engine, agent, image, name, labels))
      await atMost(concurrency, names('old'), (name) => takeDown(engine, name))
    })
  } finally {
    await agent.destroy()
    await engine.removeAll(`repave.stack=${stack}`)
  }
}

async function bringUp(
  engine: EngineApi,
  agent: Agent,
  image: string,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  await engine.call('POST', `/containers/create?name=${name}`, { Image: image, Labels: labels, HostConfig: hardened })
  await engine.call('POST', `/containers/${name}/start`)
  const { NetworkSettings } = await engine.inspect(name)
  await ready(agent, `http://${NetworkSettings.Networks[stack]?.IPAddress}:8080/healthz`)
}

/** What Repave asks of an instance by default. */
const hardened = {
  NetworkMode: stack,
  ReadonlyRootfs: true,
  CapDrop: ['ALL'],
  SecurityOpt: ['no-new-privileges'],
  PidsLimit: 128,
  Memory: 256 * 1024 * 1024,
}

async function ready(agent: Agent, url: string): Promise<void> {
  for (;;) {
    try {
      const { statusCode, body } = await request(url, { dispatcher: agent })
      await body.text()
      if (statusCode === 200) return
    } catch {
      // Not listening yet.
    }
    await delay(pollMs)
  }
}

async function takeDown(engine: EngineApi, name: string): Promise<void> {
  await engine.call('POST', `/containers/${name}/kill`)
  await engine.call('DELETE', `/containers/${name}?force=true`)
}
