/**
 * The peer: a Docker Swarm service that is updated start-first, all tasks at once, on an engine of its own (an
 * engine with live-restore can't be in a swarm). It has no health check, which makes it as fast as it can be.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { EngineApi } from '../test/end-to-end/engine-api.ts'
import { freePort } from '../test/end-to-end/free-port.ts'
import { OwnEngine } from '../test/end-to-end/own-engine.ts'
import { testImage } from '../test/end-to-end/test-image.ts'
import { timeMs } from './stopwatch.ts'

interface Task {
  readonly Status: { readonly State: string; readonly Message: string; readonly Err?: string }
  readonly DesiredState: string
  readonly Spec: { readonly ContainerSpec: { readonly Env: readonly string[] } }
}

interface Service {
  readonly ID: string
  readonly Version: { readonly Index: number }
}

const pollMs = 50
const deadlineMs = 120_000

/** Milliseconds until all of `counts` tasks of the new version run and the old containers have gone, by count. */
export async function replaceWithSwarm(counts: readonly number[]): Promise<ReadonlyMap<number, number>> {
  const own = await OwnEngine.start({ liveRestore: false, addressPool: '10.214.0.0/16' })
  const engine = new EngineApi(own.socket)
  const times = new Map<number, number>()
  try {
    const image = await testImage(engine)
    await engine.call('POST', '/swarm/init', {
      ListenAddr: `127.0.0.1:${await freePort()}`,
      AdvertiseAddr: '127.0.0.1',
      DefaultAddrPool: ['10.215.0.0/16'],
      SubnetSize: 24,
    })
    await engine.call('POST', '/networks/create', { Name: 'bench', Driver: 'overlay', CheckDuplicate: true })
    for (const count of counts) times.set(count, await replaceService(engine, image, count))
    await engine.call('POST', '/swarm/leave?force=true')
  } finally {
    await engine.close()
    await own.close()
  }
  return times
}

async function replaceService(engine: EngineApi, image: string, count: number): Promise<number> {
  const { ID } = await engine.call<{ ID: string }>('POST', '/services/create', serviceSpec(image, count, 'old'))
  await settled(engine, count, 'old')
  const { Version } = await engine.call<Service>('GET', `/services/${ID}`)
  const tookMs = await timeMs(async () => {
    await engine.call('POST', `/services/${ID}/update?version=${Version.Index}`, serviceSpec(image, count, 'new'))
    await settled(engine, count, 'new')
  })
  await engine.call('DELETE', `/services/${ID}`)
  while ((await engine.containers('com.docker.swarm.service.name=bench')).length > 0) await delay(pollMs)
  return tookMs
}

function serviceSpec(image: string, count: number, greeting: string) {
  return {
    Name: 'bench',
    TaskTemplate: {
      ContainerSpec: { Image: image, Env: [`GREETING=${greeting}`], ReadOnly: true },
      Networks: [{ Target: 'bench' }],
    },
    Mode: { Replicated: { Replicas: count } },
    UpdateConfig: { Parallelism: 0, Order: 'start-first', Monitor: 1_000_000 },
    EndpointSpec: { Mode: 'dnsrr' },
  }
}

/** All tasks of the version run, and no container of another one is left running. */
async function settled(engine: EngineApi, count: number, greeting: string): Promise<void> {
  const endsAt = Date.now() + deadlineMs
  for (;;) {
    if (Date.now() > endsAt) throw new Error(`the swarm does not run ${count} tasks after ${deadlineMs} ms`)
    const tasks = await engine.call<readonly Task[]>('GET', '/tasks')
    const running = tasks.filter(({ Status }) => Status.State === 'running')
    const wanted = running.filter(({ Spec }) => Spec.ContainerSpec.Env.includes(`GREETING=${greeting}`))
    if (wanted.length === count && running.length === count) return
    const failed = tasks.find(({ Status }) => Status.State === 'rejected' || Status.State === 'failed')
    if (failed) throw new Error(`a swarm task failed: ${failed.Status.Err ?? failed.Status.Message}`)
    await delay(pollMs)
  }
}
