/** Finds the shortest history that still breaks the same invariant: what can be left out without mending it, is. */
import type { History } from './history.ts'
import { simulate, type Outcome, type SimulationOptions } from './simulation.ts'

export async function shrink(failing: Outcome, options: Pick<SimulationOptions, 'tamper'> = {}): Promise<Outcome> {
  let smallest = failing
  for (let index = 0; index < smallest.history.actions.length;) {
    const history = without(smallest.history, index)
    const outcome = await simulate({ ...options, seed: failing.seed, history })
    if (outcome.violation?.invariant === failing.violation?.invariant) smallest = outcome
    else index++
  }
  return smallest
}

/** Without one action; the time that it waited is left in, so that the others stay where they are. */
function without({ actions, ...history }: History, index: number): History {
  const lostMs = actions[index]?.afterMs ?? 0
  const rest = actions.toSpliced(index, 1)
  const next = rest[index]
  return { ...history, actions: next ? rest.with(index, { ...next, afterMs: next.afterMs + lostMs }) : rest }
}
