/** However the sensor ends, no instance is left waiting for its answer. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { eventually } from '../end-to-end/eventually.ts'
import { SensorFixture, type Container } from './sensor-fixture.ts'

const fixture = new SensorFixture()
beforeAll(() => fixture.begin())
afterEach(() => fixture.clear())
afterAll(() => fixture.end())

/** Runs programs of its own without end, and writes how many it has run. */
const busy = 'i=0; while :; do i=$((i+1)); /bin/busybox true; echo $i > /tmp/runs; done'

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)('a controller that is ended by %s', async (signal) => {
  const container = await fixture.start({ shell: busy })
  const controller = await following(container, 'wait')
  await runsOn(container)
  controller.kill(signal)
  await once(controller, 'exit')
  await runsOn(container)
  expect((await fixture.run('docker', 'exec', container.id, '/bin/busybox', 'true')).code).toBe(0)
})

test('a controller that is halted: what was held goes on when it does, or when it is ended', async () => {
  const container = await fixture.start({ shell: busy })
  const controller = await following(container, 'wait')
  for (const signal of ['SIGCONT', 'SIGKILL'] as const) {
    controller.kill('SIGSTOP')
    controller.kill(signal)
    await runsOn(container)
  }
})

test('a controller that ends by itself without stopping its sensor', async () => {
  const container = await fixture.start({ shell: busy })
  const controller = await following(container, 'exit')
  if (controller.exitCode === null) await once(controller, 'exit')
  await runsOn(container)
})

test('a controller whose event loop is blocked refuses and allows as ever', async () => {
  const container = await fixture.start({ shell: busy })
  const controller = await following(container, 'block')
  try {
    await runsOn(container)
    expect((await fixture.run('docker', 'exec', container.id, '/bin/busybox', 'true')).code).not.toBe(0)
  } finally {
    controller.kill('SIGKILL')
  }
})

test('a sensor that is stopped', async () => {
  const container = await fixture.start({ shell: busy })
  const other = new SensorFixture()
  await other.sensor.follow([container.subject])
  await runsOn(container)
  await other.sensor.stop()
  await other.engine.close()
  await runsOn(container)
  expect((await other.sensor.senses()).every(({ state }) => state === 'missing')).toBe(true)
  expect((await fixture.run('docker', 'exec', container.id, '/bin/busybox', 'true')).code).toBe(0)
})

test('a thread that is ended from outside lets everything go, and another takes its place', async () => {
  const threads: Worker[] = []
  const note = (thread: Worker) => threads.push(thread)
  process.on('worker', note)
  const other = new SensorFixture()
  const container = await fixture.start({ shell: busy })
  try {
    await other.sensor.follow([container.subject])
    await threads[0]?.terminate()
    await runsOn(container)
    expect((await fixture.run('docker', 'exec', container.id, '/bin/busybox', 'true')).code).toBe(0)
    expect(other.faults).toEqual(['it ended by itself'])
    const isRefused = async () => (await fixture.run('docker', 'exec', container.id, '/bin/busybox', 'true')).code !== 0
    await eventually('it refuses again', isRefused, 10_000)
  } finally {
    process.off('worker', note)
    await other.sensor.stop()
    await other.engine.close()
  }
})

test('an instance that runs on in a storm of others that are refused', async () => {
  const container = await fixture.followed({ shell: busy })
  const attempt = () => fixture.run('nsenter', '-t', `${container.pid}`, '-a', '/bin/busybox', 'true')
  const codes = await Promise.all(Array.from({ length: 100 }, async () => (await attempt()).code))
  expect(codes.every((code) => code !== 0)).toBe(true)
  await runsOn(container)
  expect(fixture.touches.length).toBeLessThan(5)
})

async function following({ subject }: Container, then: string): Promise<ChildProcess> {
  const program = join(import.meta.dirname, 'sensor-process.ts')
  const controller = spawn(process.execPath, [program, JSON.stringify(subject), then], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  controller.stdout.on('data', (data) => (said += String(data)))
  await eventually('it follows', () => said.includes('following'), 5_000)
  return controller
}

async function runsOn({ pid }: Container): Promise<void> {
  const runs = async () => Number((await fixture.run('cat', `/proc/${pid}/root/tmp/runs`)).output)
  const before = await runs()
  await eventually('it runs on', async () => (await runs()) > before + 20, 5_000)
}
