/** What befalls the surroundings of instances on a memory machine: tests change them, as the world does. */
import { type Scope, scopeName } from '../../model/stack.ts'
import type { Deviation, FirewallSurvey, ForeignObject, MisplacedInstance } from '../survey.ts'

interface Surroundings {
  deviations: readonly Deviation[]
  foreign: readonly ForeignObject[]
  misplaced: readonly MisplacedInstance[]
  firewall: FirewallSurvey
}

const undisturbed: Surroundings = { deviations: [], foreign: [], misplaced: [], firewall: { kind: 'intact' } }

export class MemorySurroundings {
  readonly #disturbed = new Map<string, Surroundings>()

  of(scope: Scope): Surroundings {
    return this.#disturbed.get(scopeName(scope)) ?? undisturbed
  }

  disturb(scope: Scope, change: Partial<Surroundings>): void {
    this.#disturbed.set(scopeName(scope), { ...this.of(scope), ...change })
  }
}
