/**
 * What the sensor costs, and how soon it tells: `npm run bench:sensor [-- --instances 50] [--seconds 30] [--count 100] [--turns 40]`.
 *
 * Needs root and Docker. Machines differ and are noisy: ratios come from runs with and without it, by turns.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { TouchKind } from '../src/model/touch.ts'
import { type Container, run, SensorFixture } from '../test/contract/sensor-fixture.ts'
import { atMost } from './stopwatch.ts'
import { applications, measureServedLoad, type Sample } from './sensor/served-load.ts'
import { median } from './spread.ts'

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      instances: { type: 'string', default: '50' },
      seconds: { type: 'string', default: '30' },
      count: { type: 'string', default: '100' },
      turns: { type: 'string', default: '40' },
    },
  })
  await measureServed(Number(values.turns))
  const fixture = new SensorFixture()
  try {
    await fixture.begin()
    await measureLatencies(fixture, Number(values.count))
    await measureThroughput(fixture)
    await measureIdle(fixture, Number(values.instances), Number(values.seconds))
  } finally {
    await fixture.end()
  }
}

const turnMs = 1_000

async function measureServed(turns: number): Promise<void> {
  console.log(`3 instances, asked as fast as they answer; with the sensor, as a share of that without; ${turns} pairs`)
  for (const application of Object.keys(applications) as (keyof typeof applications)[]) {
    const measured = await measureServedLoad(application, turns, turnMs)
    console.log(`  ${application}`)
    for (const [what, figure] of Object.entries(figures)) {
      const ratios = measured.map((turn) => figure(turn.with) / figure(turn.without))
      const [without, sensed] = (['without', 'with'] as const).map((how) =>
        median(measured.map((turn) => figure(turn[how]))),
      )
      const [low, high] = [0.25, 0.75].map(
        (share) => ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length * share)],
      )
      console.log(
        `    ${what.padEnd(45)} ${median(ratios).toFixed(3)}, half of them ${low?.toFixed(3)} to ${high?.toFixed(3)} (${without?.toFixed(0)} without, ${sensed?.toFixed(0)} with)`,
      )
    }
  }
}

const figures: Readonly<Record<string, (sample: Sample) => number>> = {
  'requests a second (goal: above 0.97)': ({ perSecond }) => perSecond,
  'microseconds of processor time for each': ({ cpuMicroseconds }) => cpuMicroseconds,
}

async function measureLatencies(fixture: SensorFixture, count: number): Promise<void> {
  const container = await fixture.start()
  const { pid, id } = container
  const upper = await fixture.folder(container, 'UpperDir')
  const merged = await fixture.folder(container, 'MergedDir')
  const limit = `/sys/fs/cgroup/pids/docker/${id}/pids.max`
  const touches: readonly (readonly [what: string, kind: TouchKind, touch: (turn: number) => unknown])[] = [
    ['write to its memory', 'write', (turn) => writeFileSync(`/proc/${pid}/root/tmp/f${turn}`, 'x')],
    ['write to its root', 'write', (turn) => writeFileSync(join(merged, `f${turn}`), 'x')],
    ['write to its upper folder', 'write', (turn) => writeFileSync(join(upper, `g${turn}`), 'x')],
    ['write to a limit', 'limits', (turn) => writeFileSync(limit, `${1000 + turn}`)],
    [
      'nsenter of a program of the host, with its start',
      'joined',
      () => run('nsenter', '-t', `${pid}`, '-n', 'sleep', '0.05'),
    ],
    [
      'nsenter of its own program, with its start',
      'execution',
      () => run('nsenter', '-t', `${pid}`, '-a', '/bin/busybox', 'true'),
    ],
    ['docker exec, with all that it does', 'joined', () => run('docker', 'exec', id, '/bin/busybox', 'true')],
  ]
  console.log(`from the touch until it is told, ${count} times each`)
  for (const [what, kind, touch] of touches) {
    const times: number[] = []
    for (let turn = 0; turn < count; turn += 1)
      times.push(await timeToldMs(fixture, container, kind, () => touch(turn)))
    console.log(
      `  ${what.padEnd(50)} median ${median(times).toFixed(2)} ms, p99 ${percentile(times, 99).toFixed(2)} ms`,
    )
  }
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * share) / 100))] ?? 0
}

/** Followed anew each time, so that it is told again; what was there before is told before. */
async function timeToldMs(
  fixture: SensorFixture,
  { subject }: Container,
  kind: TouchKind,
  touch: () => unknown,
): Promise<number> {
  await fixture.sensor.follow([])
  await fixture.sensor.follow([{ ...subject, isRootWritable: true }])
  const over = new AbortController()
  const told = new Promise<number>((resolve) => {
    void fixture.sensor.watch((sensed) => {
      if (sensed.touch.kind === kind) resolve(performance.now())
    }, over.signal)
  })
  const beganMs = performance.now()
  const touched = touch()
  const toldMs = await told
  over.abort()
  await touched
  return toldMs - beganMs
}

const works = [
  ['runs of its own programs', 'i=0; while [ $i -lt 4000 ]; do i=$((i+1)); /bin/busybox true; done'],
  ['writes to its memory', 'i=0; while [ $i -lt 150000 ]; do i=$((i+1)); echo $i > /tmp/f; done'],
  [
    'large writes to its memory',
    'i=0; while [ $i -lt 40 ]; do i=$((i+1)); /bin/busybox dd if=/dev/zero of=/tmp/f bs=4k count=4000 2> /dev/null; done',
  ],
] as const

async function measureThroughput(fixture: SensorFixture): Promise<void> {
  console.log('time of an application with the sensor, as a multiple of that without; median of 5 pairs')
  for (const [what, script] of works) {
    const pairs: { readonly without: number; readonly with: number }[] = []
    for (let turn = 0; turn < 5; turn += 1)
      pairs.push({ without: await timeWork(fixture, script, false), with: await timeWork(fixture, script, true) })
    const ratio = median(pairs.map((pair) => pair.with / pair.without))
    const [without, withIt] = [median(pairs.map((pair) => pair.without)), median(pairs.map((pair) => pair.with))]
    console.log(
      `  ${what.padEnd(30)} ${ratio.toFixed(3)} (${without.toFixed(0)} ms without, ${withIt.toFixed(0)} ms with)`,
    )
  }
}

/** From the signal upon which it begins until it has ended. */
async function timeWork(fixture: SensorFixture, script: string, isSensed: boolean): Promise<number> {
  const shell = `go=; trap "go=1" USR1; while [ -z "$go" ]; do /bin/busybox sleep 0.01; done; ${script}`
  const container = await fixture.start({ shell })
  await fixture.sensor.follow(isSensed ? [container.subject] : [])
  await delay(300)
  const ended = fixture.engine.call('POST', `/containers/${container.id}/wait`)
  const beganMs = performance.now()
  process.kill(container.pid, 'SIGUSR1')
  await ended
  const tookMs = performance.now() - beganMs
  await fixture.engine.call('DELETE', `/containers/${container.id}?force=true`)
  return tookMs
}

async function measureIdle(fixture: SensorFixture, instances: number, seconds: number): Promise<void> {
  const containers: Container[] = []
  await atMost(4, [...Array(instances).keys()], async () => {
    containers.push(await fixture.start())
  })
  const beganMs = performance.now()
  await fixture.sensor.follow(containers.map(({ subject }) => subject))
  const followedMs = performance.now() - beganMs
  await delay(2_000)
  fixture.touches.length = 0
  const begunBefore = processesBegun()
  const before = process.cpuUsage()
  const fromMs = performance.now()
  await delay(seconds * 1_000)
  const { user, system } = process.cpuUsage(before)
  const share = (user + system) / 1_000 / (performance.now() - fromMs)
  console.log(`${instances} idle instances: begun to be watched in ${followedMs.toFixed(0)} ms;`)
  console.log(
    `  ${(share * 100).toFixed(2)} % of one core over ${seconds} s (goal: 2 %), ${fixture.touches.length} touches told`,
  )
  const perSecond = (processesBegun() - begunBefore) / seconds
  console.log(
    `  meanwhile the machine began ${perSecond.toFixed(0)} processes and threads a second; load ${loadavg()[0]?.toFixed(1)}`,
  )
}

/** Since the machine started, threads included. */
function processesBegun(): number {
  return Number(/^processes (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1])
}

await main()
