/**
 * What the sensor costs a served application: requests a second through HAProxy, as many as there can be, by turns, and
 * what processor time each of them takes. Other work on the machine changes the first a great deal, and the second little.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'undici'
import { createLinuxSensor } from '../../src/sensor/linux/linux-sensor.ts'
import type { SensorSubject } from '../../src/sensor/sensor.ts'
import { Scene } from '../../test/end-to-end/scene.ts'

const replicas = 3
/** Each of them asks again once it is answered. */
const askers = 16
const settleMs = 300

/** It writes 1 KiB to its memory for each request. */
const writer = `
  const { appendFileSync, truncateSync } = require('node:fs')
  let count = 0
  require('node:http').createServer((request, response) => {
    if (request.url === '/') appendFileSync('/tmp/requests', 'x'.repeat(1023) + '\\n')
    if (++count % 4096 === 0) truncateSync('/tmp/requests')
    response.end('done')
  }).listen(8080)`

export const applications = {
  'answers alone': {},
  'writes 1 KiB to its memory for each request': { command: ['/usr/bin/node', '-e', writer] },
} as const

export interface Turn {
  readonly without: Sample
  readonly with: Sample
}

export interface Sample {
  readonly perSecond: number
  /** Of instances, HAProxy and sensor, for each request; the sender's is not in it. */
  readonly cpuMicroseconds: number
}

/** The instances live without a controller: nothing but the sensor of this process watches them, and only in its turn. */
export async function measureServedLoad(
  application: keyof typeof applications,
  turns: number,
  turnMs: number,
): Promise<readonly Turn[]> {
  const scene = await Scene.open()
  const faults: string[] = []
  const sensor = createLinuxSensor({ onFault: (reason) => faults.push(reason) })
  try {
    await scene.declare({
      replicas,
      tmpfs: ['/tmp'],
      health: { http: '/healthz', interval: '1s' },
      ...applications[application],
    })
    await scene.succeed('up')
    await scene.killController()
    const subjects = await subjectsOf(scene)
    const measured: Turn[] = []
    const cpu = cpuOf(scene, subjects)
    await sample(scene.url, cpu, 5_000)
    const follow = async (isSensed: boolean): Promise<Sample> => {
      await sensor.follow(isSensed ? subjects : [])
      await delay(settleMs)
      return sample(scene.url, cpu, turnMs)
    }
    // Whichever is first has the other one's place in the next turn: a machine that grows busier favours neither.
    for (let turn = 0; turn < turns; turn += 1) {
      const first = await follow(turn % 2 === 0)
      const second = await follow(turn % 2 !== 0)
      measured.push(turn % 2 === 0 ? { with: first, without: second } : { with: second, without: first })
    }
    if (faults.length > 0) throw new Error(`the sensor failed: ${faults.join('; ')}`)
    return measured
  } finally {
    await sensor.stop()
    await scene.close()
  }
}

async function sample(url: string, cpu: () => number, forMs: number): Promise<Sample> {
  const pool = new Pool(new URL(url).origin, { connections: askers })
  const endsAtMs = performance.now() + forMs
  let answers = 0
  const ask = async (): Promise<void> => {
    while (performance.now() < endsAtMs) {
      const { statusCode, body } = await pool.request({ method: 'GET', path: '/' })
      await body.text()
      if (statusCode !== 200) throw new Error(`HTTP ${statusCode}`)
      answers += 1
    }
  }
  const [beganAtMs, before] = [performance.now(), cpu()]
  await Promise.all(Array.from({ length: askers }, ask))
  const tookMs = performance.now() - beganAtMs
  const used = cpu() - before
  await pool.destroy()
  return { perSecond: (answers / tookMs) * 1_000, cpuMicroseconds: used / answers }
}

/** In microseconds, so far: of the instances' control groups, of HAProxy, and of this process but for its main thread. */
function cpuOf(scene: Scene, subjects: readonly SensorSubject[]): () => number {
  const groups = subjects.map(({ containerId }) => `/sys/fs/cgroup/cpuacct/docker/${containerId}/cpuacct.usage`)
  const routers = scene.routerProcesses().flatMap(({ pid }) => {
    return readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}/schedstat`)
  })
  return () => {
    const [all, main] = [process.cpuUsage(), process.threadCpuUsage()]
    const sensor = all.user + all.system - main.user - main.system
    return (total(groups) + total(routers)) / 1_000 + sensor
  }
}

async function subjectsOf(scene: Scene): Promise<readonly SensorSubject[]> {
  const instances = await scene.instances()
  return Promise.all(
    instances.map(async ({ Id: containerId }) => {
      const { Name, State, HostConfig, Image } = await scene.engine.inspect(containerId)
      const sandboxId = /^container:(.*)$/.exec(HostConfig.NetworkMode ?? '')?.[1]
      return {
        instance: Name.slice(1),
        containerId,
        pid: State.Pid,
        ...(sandboxId !== undefined && { sandboxId, sandboxPid: await scene.engine.firstProcess(sandboxId) }),
        uid: 1000,
        tmpfs: Object.keys(HostConfig.Tmpfs ?? {}),
        data: [],
        image: Image,
      }
    }),
  )
}

/** Of numbers that files begin with. */
function total(files: readonly string[]): number {
  return files.reduce((sum, file) => sum + Number(readFileSync(file, 'utf8').split(' ')[0]), 0)
}
