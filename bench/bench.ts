/**
 * Replacement, start-up and memory, measured in one run on one machine: `npm run bench [-- --save] [--instances 10]`.
 *
 * Machines differ and are noisy: the ratios are what counts. `--save` keeps the result in docs/results.
 */
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Scene } from '../test/end-to-end/scene.ts'
import { replaceWithRawEngine } from './raw-engine.ts'
import { reserved } from './reserved.ts'
import { save } from './save.ts'
import { medianOfRunsMs, timeMs } from './stopwatch.ts'
import { replaceWithSwarm } from './swarm.ts'

interface FleetResult {
  readonly instances: number
  readonly rawMs: number
  /** Until `up` ends: all instances are of the new version, and the old ones are gone. */
  readonly rollingMs: number
  /** The same with `maxSurge: 100%`. */
  readonly allAtOnceMs: number
  readonly statusMs: number
  readonly controllerMiB: number
}

const commandRuns = 15
const repository = resolve(import.meta.dirname, '..')
const program = join(repository, 'bin/repave')

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      save: { type: 'boolean', default: false },
      instances: { type: 'string', multiple: true, default: ['10', '30'] },
    },
  })
  const counts = values.instances.map(Number)
  const helpMs = medianOfRunsMs(commandRuns, program, ['--help'])
  const fleets: FleetResult[] = []
  for (const instances of counts) fleets.push(await measureFleet(instances))
  const swarm = await replaceWithSwarm(counts)
  const text = render(helpMs, fleets, swarm)
  console.log(text)
  if (values.save) await save('replacement', text)
}

async function measureFleet(instances: number): Promise<FleetResult> {
  const scene = await Scene.open()
  try {
    const rawMs = await replaceWithRawEngine(scene.engine, scene.image, instances)
    const rollingMs = await measureReplacement(scene, instances, '25%')
    const allAtOnceMs = await measureReplacement(scene, instances, '100%')
    const { controller } = await scene.status()
    const statusMs = medianOfRunsMs(commandRuns, program, ['status', '-f', scene.stackFile], {
      REPAVE_HOME: scene.home,
    })
    return { instances, rawMs, rollingMs, allAtOnceMs, statusMs, controllerMiB: residentMiB(controller.pid) }
  } finally {
    await scene.close()
  }
}

async function measureReplacement(scene: Scene, replicas: number, maxSurge: string): Promise<number> {
  const declare = (greeting: string) =>
    scene.declare({
      replicas,
      environment: { GREETING: `${greeting} ${maxSurge}` },
      rollout: { maxSurge, deadline: '2m' },
    })
  await declare('old')
  await scene.succeed('up')
  await reserved(scene)
  await declare('new')
  const ms = await timeMs(() => scene.succeed('up'))
  const left = (await scene.instances()).length
  if (left !== replicas) throw new Error(`${left} instances where ${replicas} are wanted`)
  return ms
}

/** proc(5): VmRSS is in kibibytes. */
function residentMiB(pid: number): number {
  const [, kibibytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kibibytes) / 1024
}

function render(helpMs: number, fleets: readonly FleetResult[], swarm: ReadonlyMap<number, number>): string {
  const lines = fleets.flatMap((fleet) => {
    const swarmMs = swarm.get(fleet.instances) ?? Number.NaN
    return [
      `replace ${fleet.instances} instances`,
      `  raw engine, 4 at a time             ${seconds(fleet.rawMs)}`,
      `  repave up, maxSurge 25%             ${seconds(fleet.rollingMs)}  ${ratio(fleet.rollingMs, fleet.rawMs)} of raw (goal: below 1.50)`,
      `  repave up, maxSurge 100%            ${seconds(fleet.allAtOnceMs)}  ${ratio(fleet.allAtOnceMs, fleet.rawMs)} of raw (goal: below 1.50)`,
      `  swarm start-first, no health check  ${seconds(swarmMs)}  ${ratio(swarmMs, fleet.rawMs)} of raw`,
      `  repave status, median               ${Math.round(fleet.statusMs)} ms (goal: below 200)`,
      `  controller, resident                ${Math.round(fleet.controllerMiB)} MiB (goal: below 120)`,
    ]
  })
  const machine = `Node.js ${process.version}, ${cpus().length} CPUs (${cpus()[0]?.model ?? 'unknown'})`
  return [
    machine,
    `repave --help, median of ${commandRuns}: ${Math.round(helpMs)} ms (goal: below 120)`,
    ...lines,
  ].join('\n')
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`.padStart(8)
}

function ratio(ms: number, ofMs: number): string {
  return (ms / ofMs).toFixed(2)
}

await main()
