/** Whether what a command asked for still counts, or another decision took its place. */
import { RepaveError } from '../errors.ts'
import { type Scope, scopeName } from '../model/stack.ts'
import type { ReleaseRecord } from '../store/store.ts'
import type { Desk } from './desk.ts'
import type { Turn } from './turns.ts'

export class Standing {
  readonly #desk: Desk
  readonly #scope: Scope
  readonly #turn: Turn
  #asked: ReleaseRecord | undefined

  constructor(desk: Desk, scope: Scope, turn: Turn) {
    this.#desk = desk
    this.#scope = scope
    this.#turn = turn
  }

  /** `asked`: the newest decision that anybody asked for. */
  begin(asked: ReleaseRecord | undefined): void {
    this.#asked = asked
    this.#turn.decided()
  }

  isSuperseded(): boolean {
    return this.#successor() !== undefined
  }

  /** ROLLOUT_SUPERSEDED, with who and what took its place. */
  error(): RepaveError | undefined {
    const successor = this.#successor()
    if (!successor) return undefined
    const { decision, by } = successor
    const what = `${this.#turn.errand.command} of ${scopeName(this.#scope)}`
    return new RepaveError(
      'ROLLOUT_SUPERSEDED',
      `the ${what} was superseded: \`repave ${decision}\` by ${by} took its place`,
      {
        hint: 'what was decided last counts; `repave status` shows how far it is, `repave events` who decided what',
      },
    )
  }

  #successor(): ReleaseRecord | undefined {
    const newest = this.#desk.loop.decisions.asked(this.#scope)
    return newest?.sequence === this.#asked?.sequence ? undefined : newest
  }
}
