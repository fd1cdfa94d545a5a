/**
 * `npm run simulate -- --seeds N [--seed S] [--steps M] [--workers W]`: runs N worlds from seed S on, and stops at the
 * first in which something that must hold does not. With `--seed` alone it runs that world and tells its story.
 * `--shrink` leaves out of a failing history what it can; `--keepGoing` lists all failing seeds.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { runBatch } from './batch.ts'
import { simulateMany, type ManyOutcomes } from './many-worlds.ts'
import { shrink } from './shrink.ts'
import { defaultSteps, simulate, type Outcome } from './simulation.ts'
import { tallyWords } from './tally.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    steps: { type: 'string', default: `${defaultSteps}` },
    workers: { type: 'string', default: `${availableParallelism()}` },
    keepGoing: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
  },
})

const steps = wholeNumber('steps', values.steps)
const from = wholeNumber('seed', values.seed)
const count = wholeNumber('seeds', values.seeds)
const processes = wholeNumber('workers', values.workers)

process.exitCode = await run()

async function run(): Promise<number> {
  if (count === 1) console.log((await simulate({ seed: from, steps })).story.join('\n'))
  const { tally, broken } = await runAll()
  for (const outcome of broken) {
    report(outcome)
    if (values.shrink) await reportSmallest(outcome)
  }
  console.log(tallyWords(tally).join('\n'))
  return broken.length > 0 ? 1 : 0
}

function runAll(): Promise<ManyOutcomes> {
  const worlds = { from, count, steps, keepGoing: values.keepGoing }
  return processes > 1 && count > 1 ? simulateMany({ ...worlds, processes }) : runBatch(worlds)
}

function report({ seed, violation, story, profile }: Outcome): void {
  if (count > 1 && !values.keepGoing) console.log(story.join('\n'))
  console.log(`\nseed ${seed} (${profile}) breaks '${violation?.invariant}': ${violation?.message}`)
  console.log(`replay it with: npm run simulate -- --seed ${seed}${steps === defaultSteps ? '' : ` --steps ${steps}`}`)
}

async function reportSmallest(outcome: Outcome): Promise<void> {
  const { story, violation, history } = await shrink(outcome)
  console.log(`\nas short as it gets:\n${story.join('\n')}\n\n'${violation?.invariant}': ${violation?.message}`)
  console.log(JSON.stringify(history))
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  console.error(`--${name} takes a whole number, not ${JSON.stringify(text)}`)
  return process.exit(2)
}
