/** What is no touch: an application's own doings, and those who only look. Nothing may be told of it. */
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { eventually } from '../end-to-end/eventually.ts'
import { SensorFixture, type Container } from './sensor-fixture.ts'

const fixture = new SensorFixture()
beforeAll(() => fixture.begin())
afterEach(() => fixture.clear())
afterAll(() => fixture.end())

/** Each goes on until `rounds` are done, and says so in a file. */
const doings: readonly (readonly [what: string, rounds: number, script: string])[] = [
  ['writes to its memory at a high rate', 30_000, 'echo $i > /tmp/f$((i % 7))'],
  [
    'makes, moves and removes files',
    3_000,
    'echo x > /tmp/a$i; /bin/busybox mv /tmp/a$i /tmp/b$i; /bin/busybox rm /tmp/b$i',
  ],
  ['runs its own programs', 3_000, '/bin/busybox true'],
  [
    'has children that leave children behind',
    1_500,
    '( /bin/busybox sh -c "echo $i > /tmp/left; /bin/busybox true" & )',
  ],
  ['runs a script', 1_000, '/bin/script.sh'],
  ['signals itself', 5_000, 'kill -USR1 $$'],
  ['asks for names', 20, '/bin/busybox nslookup localhost 127.0.0.11 > /dev/null 2>&1'],
  ['pipes', 1_000, 'echo x | /bin/busybox cat > /dev/null'],
]

test.each(doings)('an application that %s (%i times)', async (_what, rounds, script) => {
  const container = await fixture.followed(working(rounds, script))
  await done(container)
  await twoLooks()
  expect({ touches: fixture.touches, faults: fixture.faults }).toEqual({ touches: [], faults: [] })
})

test('is the same to the sensor when only its own programs are listed', async () => {
  const wishes = working(500, '/bin/busybox true; /bin/script.sh')
  const container = await fixture.followed(wishes, { executables: ['/bin/sh', '/bin/script.sh'] })
  await done(container)
  expect(fixture.touches).toEqual([])
})

test('those who look at it from the engine or the host', async () => {
  const container = await fixture.followed()
  const commands = [
    ['docker', 'stats', '--no-stream', container.id],
    ['docker', 'top', container.id],
    ['docker', 'inspect', container.id],
    ['docker', 'logs', container.id],
    ['docker', 'diff', container.id],
    ['ps', 'auxww'],
    ['sh', '-c', `cat /proc/${container.pid}/maps /proc/${container.pid}/environ /proc/${container.pid}/net/tcp`],
    [
      'sh',
      '-c',
      `ls -laR /proc/${container.pid}/root/tmp /proc/${container.pid}/root/bin; sha256sum /proc/${container.pid}/root/bin/*`,
    ],
    ['lsns'],
  ] as const
  for (const [program, ...args] of commands) await fixture.run(program, ...args)
  await twoLooks()
  expect(fixture.touches).toEqual([])
})

test('an engine that puts its own program in as the first process', async () => {
  const container = await fixture.followed({ ...working(200, '/bin/busybox true'), hasInit: true })
  await done(container)
  await twoLooks()
  expect(fixture.touches).toEqual([])
})

test('a machine on which much else begins and ends', async () => {
  const container = await fixture.followed(working(1_000, '( /bin/busybox true & ); echo $i > /tmp/f'))
  const storm = 'i=0; while [ $i -lt 6000 ]; do i=$((i+1)); ( : & ); done'
  await Promise.all([1, 2, 3].map(() => fixture.run('sh', '-c', storm)))
  await done(container)
  await twoLooks()
  expect({ touches: fixture.touches, faults: fixture.faults }).toEqual({ touches: [], faults: [] })
})

test('containers that come and go beside it, and in the network of its sandbox', async () => {
  const sandbox = await fixture.start()
  const container = await fixture.start({ sandbox })
  fixture.touches.length = 0
  await fixture.sensor.follow([container.subject])
  for (let count = 0; count < 3; count += 1) {
    const other = await fixture.start({ isConnected: true })
    await fixture.sensor.follow([container.subject, other.subject])
    await fixture.engine.call('DELETE', `/containers/${other.id}?force=true`)
  }
  await twoLooks()
  expect(fixture.touches).toEqual([])
})

test('its own end, in each way', async () => {
  const containers = [await fixture.start(), await fixture.start(), await fixture.start(), await fixture.start()]
  fixture.touches.length = 0
  await fixture.sensor.follow(containers.map(({ subject }) => subject))
  const [killed, stopped, removed, signalled] = containers
  await fixture.engine.call('POST', `/containers/${killed?.id}/kill`)
  await fixture.engine.call('POST', `/containers/${stopped?.id}/stop?t=1`)
  await fixture.engine.call('DELETE', `/containers/${removed?.id}?force=true`)
  process.kill(signalled?.pid ?? 0, 'SIGKILL')
  await twoLooks()
  for (const { id } of [killed, stopped, signalled] as readonly Container[])
    await fixture.engine.call('DELETE', `/containers/${id}?force=true`)
  expect(fixture.touches).toEqual([])
})

test('a version that writes to its root, as it may', async () => {
  const wishes = { ...working(500, 'echo $i > /file'), isRootWritable: true }
  const container = await fixture.followed(wishes)
  await done(container)
  await twoLooks()
  expect(fixture.touches).toEqual([])
})

/** It begins when it is told to, once it is followed. */
function working(rounds: number, script: string) {
  const loop = `i=0; while [ $i -lt ${rounds} ]; do i=$((i+1)); ${script}; done`
  return {
    shell: `trap : USR1; trap "exit 0" TERM; /bin/busybox sleep 0.5; ${loop}; echo > /tmp/done; while :; do /bin/busybox sleep 60 & wait; done`,
    isConnected: true,
  }
}

async function done({ pid }: Container): Promise<void> {
  const isDone = async () => (await fixture.run('test', '-e', `/proc/${pid}/root/tmp/done`)).code === 0
  await eventually('it is done', isDone, 50_000)
}

/** What is looked for once a second has been looked for by then. */
function twoLooks(): Promise<void> {
  return delay(2_200)
}
