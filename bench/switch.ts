/**
 * How fast the way back is, and a standby: `npm run bench:switch [-- --save] [--count 20] [--instances 3]`.
 *
 * Machines differ and are noisy: run it on a calm one. `--save` keeps the result in docs/results.
 */
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { Scene } from '../test/end-to-end/scene.ts'
import { save } from './save.ts'
import { median, spread } from './spread.ts'
import { type DeathResult, measureDeaths } from './switch/deaths.ts'
import { measureSwitches, type SwitchResult } from './switch/warm-switches.ts'

const ratePerSecond = 500

interface Plan {
  readonly replicas: number
  readonly ratePerSecond: number
  readonly count: number
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      save: { type: 'boolean', default: false },
      count: { type: 'string', default: '20' },
      instances: { type: 'string', default: '3' },
    },
  })
  const plan = { replicas: Number(values.instances), ratePerSecond, count: Number(values.count) }
  const load = loadavg()[0]?.toFixed(1)
  const machine = `Node.js ${process.version}, ${cpus().length} CPUs (${cpus()[0]?.model ?? 'unknown'}), load average before: ${load}`
  const switches = await inScene((scene) => measureSwitches(scene, plan))
  const deaths = await inScene((scene) => measureDeaths(scene, plan))
  const text = [machine, ...renderSwitches(plan, switches), ...renderDeaths(plan, deaths)].join('\n')
  console.log(text)
  if (values.save) await save('switch', text)
}

async function inScene<Result>(work: (scene: Scene) => Promise<Result>): Promise<Result> {
  const scene = await Scene.open()
  try {
    return await work(scene)
  } finally {
    await scene.close()
  }
}

function renderSwitches(plan: Plan, result: SwitchResult): readonly string[] {
  const { commandMs, reachedMs, decidedMs, rawMs, late, failed } = result
  const ratio = (median(commandMs) / median(rawMs)).toFixed(1)
  return [
    `${plan.count} warm ways back of ${subject(plan)}`,
    `  command sent until the first answer of the old version   ${spread(commandMs)}`,
    `  at the controller until the first answer of the old one  ${spread(reachedMs)} (goal: median below 10 ms)`,
    `  decided until the first answer of the old version        ${spread(decidedMs)}`,
    `  the same switch by one command to HAProxy                ${spread(rawMs)}; ${ratio} times as long with Repave`,
    `  requests sent after that and answered by the new version  ${late}; failed requests ${failed}`,
  ]
}

function renderDeaths(plan: Plan, { outMs, inMs, routeMs, failed }: DeathResult): readonly string[] {
  return [
    `${plan.count} deaths of ${subject(plan)}, with a standby`,
    `  engine's event until the dead one is out of rotation      ${spread(outMs)}`,
    `  engine's event until the standby is in rotation           ${spread(inMs)} (goal: below 15 ms)`,
    `  of which bringing it into HAProxy                         ${spread(routeMs)}`,
    `  failed requests ${failed}`,
  ]
}

function subject({ replicas, ratePerSecond: rate }: Plan): string {
  return `${replicas} instances, at ${rate} requests a second`
}

await main()
