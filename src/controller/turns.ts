/** Which commands are at work in each environment, and which of them gives way to another. */
import { RepaveError } from '../errors.ts'
import { type Scope, scopeName } from '../model/stack.ts'

export interface Errand {
  readonly command: 'up' | 'rollback' | 'replace' | 'now' | 'down' | 'recall' | 'rollout abort'
  /** Aborts when whoever asked has left; absent: they stay. */
  readonly client?: AbortSignal | undefined
}

/** The turn of one command, from when it is taken up to its last word. */
export class Turn {
  readonly errand: Errand
  #isPreparing = true

  constructor(errand: Errand) {
    this.errand = errand
  }

  get isPreparing(): boolean {
    return this.#isPreparing
  }

  /** What was asked is decided: from here on another decision may take its place. */
  decided(): void {
    this.#isPreparing = false
  }

  /**
   * Whether `next` may take its place. Two that decide at once would be left to chance. What is on its way gives way to
   * what is wanted now; but a `rollback` goes on, unless everything is to go: another one would undo it, and who watches
   * it has to know that it ends. What must not run is replaced at any time: whatever is decided after that is held
   * against it.
   */
  givesWayTo(next: Errand['command']): boolean {
    const { command, client } = this.errand
    if (next === 'recall') return true
    if (this.#isPreparing || next === 'replace' || next === 'now') return false
    if (client?.aborted === true || next === 'down') return true
    return command !== 'rollback' && (command !== 'recall' || next !== 'rollback')
  }
}

export class Turns {
  readonly #turns = new Map<string, Set<Turn>>()

  areAllOver(): boolean {
    return this.#turns.size === 0
  }

  /** Throws ROLLOUT_RUNNING while another command is at work that does not give way. */
  begin(scope: Scope, errand: Errand): Turn {
    const name = scopeName(scope)
    const others = this.#turns.get(name) ?? new Set()
    const inTheWay = others.values().find((other) => !other.givesWayTo(errand.command))
    if (inTheWay) throw running(name, inTheWay)
    const turn = new Turn(errand)
    this.#turns.set(name, others.add(turn))
    return turn
  }

  end(scope: Scope, turn: Turn): void {
    const name = scopeName(scope)
    const turns = this.#turns.get(name)
    turns?.delete(turn)
    if (turns?.size === 0) this.#turns.delete(name)
  }
}

function running(scope: string, { errand, isPreparing }: Turn): RepaveError {
  return new RepaveError('ROLLOUT_RUNNING', `${scope} is being changed by another \`repave ${errand.command}\``, {
    hint: isPreparing
      ? 'it is still preparing; wait until it has decided, or ends'
      : errand.command === 'rollback'
        ? 'wait until it ends, or take everything away with `repave down`'
        : 'wait until it ends; or take over with `repave up`, `repave rollback` or `repave down`',
  })
}
