/** Touches past the engine's events, each by somebody on the host, against real containers. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, copyFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../end-to-end/eventually.ts'
import { SensorFixture } from './sensor-fixture.ts'
import { entering, mounting, remountWritable, tracing, type Command } from './strangers.ts'

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
    // It may be seen as it has entered, and before it runs what it was given.
    const executable = expect.stringMatching(/\/(busybox|nsenter)$/)
    expect(touch).toMatchObject({ layer: 'processes', by: { executable } })
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

test('a write to its root from the host is told, in the merged folder and in the upper one', async () => {
  for (const folder of ['MergedDir', 'UpperDir'] as const) {
    const container = await fixture.followed()
    await writeFile(join(await fixture.folder(container, folder), 'stranger'), 'x')
    const touch = await fixture.touch(container, 'write')
    expect(touch).toMatchObject({ layer: 'files', by: { pid: process.pid } })
    expect(touch.detail).toContain('/stranger was ')
  }
})

test('attributes of a file of its image are told', async () => {
  const container = await fixture.followed()
  await chmod(join(await fixture.folder(container, 'MergedDir'), 'bin/script.sh'), 0o700)
  expect(await fixture.touch(container, 'write')).toMatchObject({ layer: 'files' })
})

test('a root that is mounted writable is told', async () => {
  const container = await fixture.followed()
  const { code, output } = await fixture.run(...mounting(container.pid, remountWritable))
  expect({ code, output }).toEqual({ code: 0, output: '' })
  const touch = await fixture.touch(container, 'mount')
  expect(touch.detail).toMatch(/^\/ is mounted rw/)
})

test('a tracer is told, without having done anything', async () => {
  const container = await fixture.followed()
  const traced = begin(tracing(container.pid))
  try {
    const touch = await fixture.touch(container, 'trace')
    expect(touch).toMatchObject({ layer: 'processes', by: { pid: traced.pid } })
  } finally {
    traced.kill()
  }
})

test('who opens the memory of its first process is told', async () => {
  const container = await fixture.followed()
  await fixture.run('sh', '-c', `: < /proc/${container.pid}/mem`)
  const touch = await fixture.touch(container, 'trace')
  expect(touch.detail).toContain(`/proc/${container.pid}/mem was opened`)
})

test('other limits are told, and a process that is put into its control group', async () => {
  const container = await fixture.followed()
  const folder = `/sys/fs/cgroup/pids/docker/${container.id}`
  await fixture.run('sh', '-c', `echo 77 > ${folder}/pids.max`)
  expect((await fixture.touch(container, 'limits')).detail).toContain('pids.max was written by pid')
  await fixture.run('sh', '-c', `echo $$ > ${folder}/cgroup.procs`)
  expect(await fixture.touch(container, 'joined')).toMatchObject({ layer: 'groups' })
})

test('a process of its own that is moved out of its control groups is told', async () => {
  const container = await fixture.followed()
  for (const controller of await readdir('/sys/fs/cgroup'))
    await writeFile(`/sys/fs/cgroup/${controller}/cgroup.procs`, `${container.pid}`).catch(() => {})
  expect((await fixture.touch(container, 'limits')).detail).toContain('moved out')
})

test('limits that the engine changes are told', async () => {
  const container = await fixture.followed()
  await fixture.engine.call('POST', `/containers/${container.id}/update`, { PidsLimit: 77 })
  expect(await fixture.touch(container, 'limits')).toMatchObject({ layer: 'groups' })
})

test('a file for its loader that somebody drops into its memory is told, with who did it', async () => {
  const container = await fixture.followed()
  await copyFile('/bin/busybox', `/proc/${container.pid}/root/tmp/preload.so`)
  const touch = await fixture.touch(container, 'write')
  expect(touch.detail).toMatch(/^\/tmp\/preload\.so was created by pid/)
  expect(touch.by).toMatchObject({ pid: process.pid, uid: 0, executable: process.execPath })
  expect(touch.by?.command?.length).toBeGreaterThan(0)
})

test('a program of its own that lies in its memory is refused and told', async () => {
  const shell = '/bin/busybox cp /bin/busybox /tmp/busybox; while :; do /tmp/busybox true; /bin/busybox sleep 0.1; done'
  const container = await fixture.followed({ shell, tmpfs: { '/tmp': 'rw,exec,mode=1777' } })
  const touch = await fixture.touch(container, 'execution')
  expect(touch).toMatchObject({ isRefused: true })
  expect(touch.detail).toContain('/tmp/busybox')
})

test('what was wrong already when it is followed has been told by then', async () => {
  const container = await fixture.start()
  await writeFile(join(await fixture.folder(container, 'UpperDir'), 'stranger'), 'x')
  const stranger = spawn('nsenter', ['-t', `${container.pid}`, '-n', 'sleep', '30'], { stdio: 'ignore' })
  try {
    await eventually('it has entered', async () => (await readFile(`/proc/${stranger.pid}/comm`, 'utf8')) === 'sleep\n')
    await fixture.sensor.follow([container.subject])
    expect((await fixture.touch(container, 'write')).detail).toContain('/stranger had been written')
    expect(await fixture.touch(container, 'joined')).toMatchObject({ by: { pid: stranger.pid } })
  } finally {
    stranger.kill()
  }
})

test('a root that is writable when it is followed is told, but for versions that write there', async () => {
  const container = await fixture.start({ isRootWritable: true })
  const { isRootWritable: _writable, ...readOnly } = container.subject
  await fixture.sensor.follow([readOnly])
  expect((await fixture.touch(container, 'mount')).detail).toBe('its root is writable')
})

test('a program that is gone from where it lay is told', async () => {
  const shell =
    '/bin/busybox cp /bin/busybox /tmp/busybox; /tmp/busybox sleep 60 & /bin/busybox sleep 0.2; /bin/busybox rm /tmp/busybox; wait'
  const container = await fixture.start({ shell, tmpfs: { '/tmp': 'rw,exec,mode=1777' } })
  const program = `/proc/${container.pid}/root/tmp/busybox`
  await eventually('it is there', () => existsSync(program))
  await eventually('it is gone', () => !existsSync(program))
  await fixture.sensor.follow([container.subject])
  const touch = await fixture.touch(container, 'execution')
  expect(touch).toMatchObject({ layer: 'digests', by: { command: ['/tmp/busybox', 'sleep', '60'] } })
  expect(touch.detail).toContain('/tmp/busybox (deleted)')
})

test('only programs that are listed may run, with what they need to run', async () => {
  const shell = 'sleep 0.5; while :; do /bin/script.sh; echo ran > /tmp/script; /bin/busybox sleep 0.1; done'
  const container = await fixture.followed({ shell }, { executables: ['/bin/script.sh'] })
  expect(await fixture.touch(container, 'execution')).toMatchObject({ isRefused: true })
  await eventually('the script runs', () => existsSync(`/proc/${container.pid}/root/tmp/script`))
  expect((await fixture.touch(container, 'execution')).detail).toContain('/bin/busybox')
})

test('one that was opened is neither refused nor told anything', async () => {
  const container = await fixture.followed({}, { isOpen: true })
  const { code } = await fixture.run('docker', 'exec', container.id, '/bin/busybox', 'touch', '/tmp/f')
  expect(code).toBe(0)
  expect(fixture.touches).toEqual([])
})

test('one that is no longer followed is left alone', async () => {
  const container = await fixture.followed()
  await fixture.sensor.follow([])
  const { code } = await fixture.run('docker', 'exec', container.id, '/bin/busybox', 'touch', '/tmp/f')
  expect(code).toBe(0)
  expect(fixture.touches).toEqual([])
})

test('a process that enters without running anything is told within two looks', async () => {
  const container = await fixture.followed()
  const stranger = begin(entering(container.pid))
  try {
    const touch = await fixture.touch(container, 'joined')
    expect(touch).toMatchObject({ layer: 'processes', by: { pid: stranger.pid } })
  } finally {
    stranger.kill()
  }
})

test('a program that the engine runs in the container of its sandbox is told', async () => {
  const sandbox = await fixture.start()
  const container = await fixture.followed({ sandbox })
  await fixture.run('docker', 'exec', sandbox.id, '/bin/busybox', 'sleep', '0.2')
  expect((await fixture.touch(container, 'joined')).detail).toContain('net:[')
})

test('who forks twice in its namespaces to become a child of its first process is told', async () => {
  const container = await fixture.followed()
  await fixture.run('nsenter', '-t', `${container.pid}`, '-p', 'sh', '-c', '( sleep 2 & ) & sleep 0.1')
  expect(await fixture.touch(container, 'joined')).toMatchObject({ layer: 'processes' })
})

function begin([program, ...parameters]: Command) {
  return spawn(program, parameters, { stdio: 'ignore' })
}
