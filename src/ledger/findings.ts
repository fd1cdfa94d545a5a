/** The problems that a verification meets, kept within bounds and in order. */
import type { LedgerProblem, ProblemKind } from './report.ts'

const maxProblems = 1_000

export class Findings {
  /** By message: a file that is read twice is wrong once. */
  #problems = new Map<string, LedgerProblem>()

  /** `index` is the first entry that the problem is about. */
  add(kind: ProblemKind, message: string, index?: number): void {
    this.#problems.set(message, { kind, message, ...(index !== undefined && { index }) })
    // A ledger that is wrong everywhere must not take more memory than a right one.
    if (this.#problems.size > 2 * maxProblems)
      this.#problems = new Map(this.list().map((problem) => [problem.message, problem]))
  }

  has(): boolean {
    return this.#problems.size > 0
  }

  /** The lowest indexes first, then those that are about no entry. */
  list(): readonly LedgerProblem[] {
    return [...this.#problems.values()].toSorted(byIndex).slice(0, maxProblems)
  }
}

function byIndex({ index: a = Infinity }: LedgerProblem, { index: b = Infinity }: LedgerProblem): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
