/**
 * `npm run simulate -- --seeds N [--seed S] [--steps M]`: runs N worlds from seed S on, and stops at the first in
 * which something that must hold does not. With `--seed` alone it runs that world and tells its story. `--shrink` leaves
 * out of a failing history what it can; `--keepGoing` lists all failing seeds.
 */
import { parseArgs } from 'node:util'
import { shrink } from './shrink.ts'
import { summaryOf } from './summary.ts'
import { defaultSteps, simulate, type Outcome } from './simulation.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    steps: { type: 'string' },
    keepGoing: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
  },
})

const steps = values.steps === undefined ? defaultSteps : wholeNumber('steps', values.steps)
const from = values.seed === undefined ? 1 : wholeNumber('seed', values.seed)
const count = values.seeds === undefined ? 1 : wholeNumber('seeds', values.seeds)

process.exitCode = await run()

async function run(): Promise<number> {
  const outcomes: Outcome[] = []
  for (let seed = from; seed < from + count; seed++) {
    const outcome = await simulate({ seed, steps })
    if (count === 1) console.log(outcome.story.join('\n'))
    if (outcome.violation) {
      report(outcome)
      if (values.shrink) await reportSmallest(outcome)
      if (!values.keepGoing) return 1
    }
    outcomes.push({ ...outcome, story: [] })
  }
  summarize(outcomes)
  return outcomes.some(({ violation }) => violation) ? 1 : 0
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

function summarize(outcomes: readonly Outcome[]): void {
  console.log(summaryOf(outcomes).join('\n'))
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  console.error(`--${name} takes a whole number, not ${JSON.stringify(text)}`)
  return process.exit(2)
}
