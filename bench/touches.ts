/**
 * How soon a touched instance is out, and a clean one in its place: `npm run bench:touches [-- --save] [--count 40]`.
 *
 * Needs root, for what is done past the engine. Machines differ and are noisy: run it on a calm one. `--save` keeps the
 * result in docs/results.
 */
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { Scene } from '../test/end-to-end/scene.ts'
import { save } from './save.ts'
import { median } from './spread.ts'
import { acts } from './touches/acts.ts'
import { measureOneCommand } from './touches/one-command.ts'
import { measureTouches, type Reaction, type TouchPlan, type TouchResult } from './touches/reactions.ts'

const [replicas, ratePerSecond] = [3, 500]
/** How often HAProxy is told and asked without Repave. */
const commands = 40

interface Measured extends TouchResult {
  /** By one command to HAProxy, with no controller, until it gives the instance nothing. */
  readonly rawMs: readonly number[]
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { save: { type: 'boolean', default: false }, count: { type: 'string', default: '40' } },
  })
  const load = loadavg()[0]?.toFixed(1)
  const lines = [
    `Node.js ${process.version}, ${cpus().length} CPUs (${cpus()[0]?.model ?? 'unknown'}), load average before: ${load}`,
  ]
  for (const standby of [1, 0]) {
    const plan = { replicas, ratePerSecond, standby, count: Number(values.count) }
    lines.push(...render(plan, await measure(plan)))
  }
  const text = lines.join('\n')
  console.log(text)
  if (values.save) await save('touches', text)
}

async function measure(plan: TouchPlan): Promise<Measured> {
  const scene = await Scene.open()
  try {
    const result = await measureTouches(scene, plan)
    await scene.killController()
    return { ...result, rawMs: await measureOneCommand(scene, commands) }
  } finally {
    await scene.close()
  }
}

function render(plan: TouchPlan, { reactions, rawMs, requests, failed, cut }: Measured): readonly string[] {
  const outMs = reactions.map(({ actMs, outMs: atMs }) => atMs - actMs)
  const cleanMs = reactions.map(({ actMs, cleanMs: atMs }) => atMs - actMs)
  const ratio = (median(outMs) / median(rawMs)).toFixed(1)
  const goal = plan.standby > 0 ? 'goals: median below 20 ms, p99 below 250 ms' : 'goal: below 2 s'
  return [
    '',
    `${plan.count} touches of ${plan.replicas} instances, ${plan.standby > 0 ? 'with' : 'without'} a standby, at ${plan.ratePerSecond} requests a second`,
    row('until it is out of rotation', outMs, 'goals: median below 20 ms, p99 below 250 ms'),
    row('from when it was told, until it is out of rotation', sinceTold(reactions)),
    row('until as many clean ones serve as should', cleanMs, goal),
    row('until its evidence is kept', recordedAfter(reactions, 'capture.done'), 'goal: below 1 s'),
    row('one command to HAProxy instead, until it is out', rawMs, `${ratio} times as long with Repave`),
    ...stages.map((kind) => row(`  until ${kind} is on record`, recordedAfter(reactions, kind))),
    ...acts.flatMap(({ what }) => {
      const of = reactions.filter((reaction) => reaction.what === what)
      const times = of.map(({ actMs, outMs: atMs }) => atMs - actMs)
      return [row(`  out of rotation after ${what}`, times), row('    of which since it was told', sinceTold(of))]
    }),
    `  ${requests} requests: ${failed} failed, and ${cut} POSTs that were in flight on a touched instance`,
  ]
}

const stages = ['instance.tainted', 'unroute.intent', 'unroute.done', 'isolate.done', 'destroy.done']

function recordedAfter(reactions: readonly Reaction[], kind: string): readonly number[] {
  return reactions.map(({ actMs, recordedMs }) => (recordedMs[kind] ?? Number.NaN) - actMs)
}

function sinceTold(reactions: readonly Reaction[]): readonly number[] {
  return reactions.map(({ toldMs = Number.NaN, outMs }) => outMs - toldMs)
}

function row(what: string, valuesMs: readonly number[], words = ''): string {
  const known = valuesMs.filter((ms) => !Number.isNaN(ms))
  const lost = valuesMs.length - known.length
  const figures = [median(known), percentile(known, 0.99), Math.max(...known)].map((ms) => `${ms.toFixed(1)} ms`)
  const [mid, high, worst] = figures.map((figure) => figure.padStart(9))
  const notes = [words, lost > 0 ? `${lost} unknown` : ''].filter((note) => note !== '').join('; ')
  return `  ${what.padEnd(62)} median ${mid}, p99 ${high}, worst ${worst}${notes && ` (${notes})`}`
}

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? Number.NaN
}

await main()
