/** Touches past the engine's events, each by somebody on the host, against real containers. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SensorFixture } from './sensor-fixture.ts'

const fixture = new SensorFixture()
beforeAll(() => fixture.begin())
afterAll(() => fixture.end())

test('every layer works here', async () => {
  const senses = await fixture.sensor.senses()
  expect(senses.map(({ layer, state }) => `${layer} ${state}`).toSorted()).toEqual(
    ['digests', 'executions', 'files', 'groups', 'mounts', 'processes'].map((layer) => `${layer} works`),
  )
})

test('a program that the engine runs in it is refused and told', async () => {
  const container = await fixture.followed()
  const { code } = await fixture.run('docker', 'exec', container.id, '/bin/busybox', 'true')
  expect(code).not.toBe(0)
  const touch = await fixture.touch(container, 'execution')
  expect(touch).toMatchObject({ kind: 'execution', layer: 'executions', isRefused: true })
  expect(touch.detail).toContain('/bin/busybox')
  expect(touch.by?.pid).toBeGreaterThan(0)
})

test('its own program, run in its namespaces by somebody else, is refused and told', async () => {
  const container = await fixture.followed()
  const { code } = await fixture.run('nsenter', '-t', `${container.pid}`, '-a', '/bin/busybox', 'true')
  expect(code).not.toBe(0)
  expect(await fixture.touch(container, 'execution')).toMatchObject({ isRefused: true })
})

test.each(['-n', '-i', '-u', '-C', '-p'])(
  'a program of the host in its namespace is told: nsenter %s',
  async (flag) => {
    const container = await fixture.followed()
    await fixture.run('nsenter', '-t', `${container.pid}`, flag, '/bin/busybox', 'sleep', '0.2')
    const touch = await fixture.touch(container, 'joined')
    expect(touch).toMatchObject({ layer: 'processes', by: { executable: '/usr/bin/busybox' } })
  },
)

test.each(['echo x > /proc/PID/root/tmp/f', 'echo x > /proc/PID/root/dev/shm/f', 'touch /proc/PID/root/tmp/f'])(
  'a write by somebody else to its memory is told: %s',
  async (command) => {
    const container = await fixture.followed()
    await fixture.run('sh', '-c', command.replace('PID', `${container.pid}`))
    expect(await fixture.touch(container, 'write')).toMatchObject({ layer: 'files' })
  },
)
