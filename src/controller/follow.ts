/** Follows an environment until what was decided is done, and tells what happens on the way. */
import type { RepaveError } from '../errors.ts'
import type { ProgressReport } from '../model/report.ts'
import { type Scope, scopeName } from '../model/stack.ts'
import type { Order } from './act.ts'

/** Progress of one environment, from when it is opened; a slow reader loses repeated fleet pictures, no step. */
export class Feed {
  readonly #scope: string
  readonly #steps: ProgressReport[] = []
  #passes = 0
  #seen = 0
  #notify: () => void = () => {}

  constructor(scope: Scope) {
    this.#scope = scopeName(scope)
  }

  onPass(): void {
    this.#passes++
    this.#notify()
  }

  onEffect({ key, effect }: Order, error: RepaveError | undefined): void {
    if (scopeName(key) !== this.#scope) return
    const message = error ? `failed: ${error.message}` : effect.reason
    this.#steps.push({ kind: 'step', step: effect.kind, service: key.service, instance: effect.instance, message })
  }

  /** The steps since the last call; waits for the next pass to end where none has since. */
  async next(): Promise<readonly ProgressReport[]> {
    if (this.#seen === this.#passes) await new Promise<void>((resolve) => (this.#notify = resolve))
    this.#seen = this.#passes
    return this.#steps.splice(0)
  }
}
