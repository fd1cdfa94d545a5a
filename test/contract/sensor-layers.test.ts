/** What is left of the sensor where the kernel, or what the controller may do, lacks something. */
import { spawn, type ChildProcess } from 'node:child_process'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openLibc, type Libc } from '../../src/sensor/linux/libc.ts'
import { SensorLoop } from '../../src/sensor/linux/loop.ts'
import type { SensedTouch } from '../../src/sensor/sensor.ts'
import { SensorFixture, type Container } from './sensor-fixture.ts'

const fixture = new SensorFixture()
beforeAll(() => fixture.begin())
afterEach(() => fixture.clear())
afterAll(() => fixture.end())

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

const real = openLibc()
const namesGroup = 0x800
const permissionGroup = 0x4

/** The C library of a machine on which some calls fail. */
function failing(errno: string, calls: Partial<Libc>): Libc {
  let hasFailed = false
  const failed = <Arguments extends unknown[]>(call: (...given: Arguments) => number) => {
    return (...given: Arguments) => {
      const answer = call(...given)
      hasFailed = answer === -2
      return hasFailed ? -1 : answer
    }
  }
  return {
    ...real,
    netlinkSocket: failed(calls.netlinkSocket ?? real.netlinkSocket),
    fanotifyInit: failed(calls.fanotifyInit ?? real.fanotifyInit),
    fanotifyMark: failed(calls.fanotifyMark ?? real.fanotifyMark),
    errno: () => (hasFailed ? errno : real.errno()),
  }
}

const simulatedFailure = -2

function missing(loop: SensorLoop): readonly string[] {
  return loop.senses().flatMap(({ layer, state }) => (state === 'missing' ? layer : []))
}

test('without the process connector', async () => {
  const loop = open(failing('EPERM', { netlinkSocket: () => simulatedFailure }))
  const sense = loop.senses().find(({ layer }) => layer === 'processes')
  expect(missing(loop)).toEqual(['processes'])
  expect(sense?.detail).toContain('the process connector: EPERM')
  expect(sense?.remedy).toContain('CAP_NET_ADMIN')
  loop.close()
})

test('without the process connector, what others run is refused, and what its own do is not', async () => {
  const shell = 'i=0; while :; do i=$((i+1)); /bin/busybox true; ( /bin/busybox true & ); echo $i > /tmp/runs; done'
  const container = await fixture.start({ shell })
  const loop = open(failing('EPERM', { netlinkSocket: () => simulatedFailure }))
  expect(runFor(loop, container, 1_500)).toEqual([])
  begin('nsenter', '-t', `${container.pid}`, '-a', '/bin/busybox', 'sleep', '5')
  expect(runFor(loop, container, 1_500).map(({ touch }) => touch)).toEqual([
    expect.objectContaining({ kind: 'execution', isRefused: true, by: expect.objectContaining({ uid: 0 }) }),
  ])
  loop.close()
})

test.each([
  ['with the process connector', real],
  ['without it', failing('EPERM', { netlinkSocket: () => simulatedFailure })],
])('begun to be watched again and again while it leaves children behind, %s', async (_what, libc) => {
  const orphans = '( /bin/busybox true & ); ( /bin/busybox sh -c "echo x > /tmp/f; /bin/busybox true" & )'
  const shell = `while :; do ${orphans}; /bin/busybox sleep 0.005; done`
  const container = await fixture.start({ shell: `(${shell}) & ${shell}` })
  for (let time = 0; time < 30; time += 1) {
    const loop = open(libc)
    expect(runFor(loop, container, 50)).toEqual([])
    loop.close()
  }
})

test('where messages about processes are lost, its own are known by their parents, and others still refused', async () => {
  const container = await fixture.start({ shell: 'while :; do /bin/busybox sh -c "echo x > /tmp/f"; done' })
  const loop = open(losing())
  expect(runFor(loop, container, 2_500)).toEqual([])
  begin('nsenter', '-t', `${container.pid}`, '-a', '/bin/busybox', 'sleep', '5')
  expect(runFor(loop, container, 1_500).map(({ touch }) => touch.kind)).toContain('execution')
  loop.close()
})

/** Every third message of the process connector is lost, and the kernel says so. */
function losing(): Libc {
  let socket = -1
  let reads = 0
  let isLost = false
  return {
    ...real,
    netlinkSocket: (...given) => (socket = real.netlinkSocket(...given)),
    read: (descriptor, buffer) => {
      const length = real.read(descriptor, buffer)
      isLost = descriptor === socket && length > 0 && (reads += 1) > 3 && reads % 3 === 0
      return isLost ? -1 : length
    },
    errno: () => (isLost ? 'ENOBUFS' : real.errno()),
  }
}

test('without permission events, what others run is told, and not refused', async () => {
  const container = await fixture.start()
  const libc = failing('EINVAL', {
    fanotifyInit: (flags, fileFlags) =>
      flags & permissionGroup ? simulatedFailure : real.fanotifyInit(flags, fileFlags),
  })
  const loop = open(libc)
  expect(missing(loop)).toEqual(['executions'])
  begin('nsenter', '-t', `${container.pid}`, '-a', '/bin/busybox', 'sleep', '5')
  const touches = runFor(loop, container, 1_500)
  expect(touches.map(({ touch }) => touch.kind)).toContain('joined')
  expect(touches.every(({ touch }) => touch.isRefused === undefined)).toBe(true)
  loop.close()
})

test('without names, what others write to its memory is told', async () => {
  const container = await fixture.start()
  const libc = failing('EINVAL', {
    fanotifyInit: (flags, fileFlags) => (flags & namesGroup ? simulatedFailure : real.fanotifyInit(flags, fileFlags)),
  })
  const loop = open(libc)
  expect(missing(loop)).toEqual([])
  expect(loop.senses().find(({ layer }) => layer === 'files')?.detail).toContain('new names are not seen')
  begin('sh', '-c', `sleep 0.2; echo x > /proc/${container.pid}/root/tmp/f`)
  expect(runFor(loop, container, 1_500).map(({ touch }) => touch.kind)).toEqual(['write'])
  loop.close()
})

test('without fanotify at all', async () => {
  const loop = open(failing('ENOSYS', { fanotifyInit: () => simulatedFailure }))
  expect(missing(loop).toSorted()).toEqual(['executions', 'files', 'groups'])
  loop.close()
})

const touched: SensedTouch[] = []

function open(libc: Libc): SensorLoop {
  return new SensorLoop(libc, {
    touched: (sensed) => touched.push(sensed),
    failed: (error) => {
      throw error
    },
  })
}

/** In this thread, while the children go on. */
function runFor(loop: SensorLoop, { subject }: Container, forMs: number): readonly SensedTouch[] {
  const bell = real.eventfd()
  touched.length = 0
  loop.follow([subject])
  const endsAtMs = Date.now() + forMs
  loop.run(
    bell,
    () => {},
    () => Date.now() >= endsAtMs,
  )
  real.close(bell)
  return [...touched]
}

function begin(program: string, ...args: readonly string[]): void {
  children.push(spawn(program, args, { stdio: 'ignore' }))
}
