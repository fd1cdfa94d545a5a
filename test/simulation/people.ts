/** Those who give commands: they start a controller where none runs, and try again what was cut off. */
import type { Controller } from '../../src/controller/controller.ts'
import { asRepaveError } from '../../src/errors.ts'
import { emptyLock, type Lock } from '../../src/image/lock.ts'
import type { RefusedName } from '../../src/model/refusal.ts'
import type { ProgressReport, ResultReport } from '../../src/model/report.ts'
import { scopeName, type Scope } from '../../src/model/stack.ts'
import { stackOf } from './catalogue.ts'
import type { Command } from './history.ts'
import type { Life } from './life.ts'
import { actionWords, type Story } from './story.ts'

/** What a command said last. */
export type Answer =
  | { readonly kind: 'result'; readonly result: ResultReport }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  /** The controller died before it answered. */
  | { readonly kind: 'cut off' }

export type RefusalCommand = Command & { readonly kind: 'refuse' | 'recall' | 'lift' }

/** A version, an image or a package, and the number of a refusal. */
export interface Refusable {
  readonly what: RefusedName
  readonly id: number
}

export interface Office {
  /** A controller that runs, started if there is none. */
  controller(): Promise<{ readonly controller: Controller; readonly life: Life }>
  /** The instances of the environment that are there now. */
  instances(command: Command): readonly string[]
  /** What a refusal, or the lifting of one, is about: that is said once, and stays the same when it is said again. */
  refusable(command: RefusalCommand): Refusable
  /** How many decisions of people were recorded for the environment so far. */
  decisions(command: Command): number
  condemn(instance: string): void
  /** A command is given to the controller. */
  onAsk(command: Command): void
  /** A command was answered; `decisions` were recorded for its environment since it was given, all of them its own. */
  onAnswer(command: Command, answer: Answer, decisions: number): void
}

/** A command that has no answer yet. */
interface Errand {
  readonly scope: Scope
  /** Whether no other one was at work in its environment meanwhile. */
  isAlone: boolean
}

type Said = Command & { readonly kind: 'refuse' | 'lift' | 'acknowledge' }

const by = 'someone'
const reason = 'someone says so'

export class People {
  readonly #office: Office
  readonly #story: Story
  readonly #locks = new Map<string, Lock>()
  readonly #errands = new Set<Errand>()
  readonly #refusables = new WeakMap<Command, Refusable>()

  constructor(office: Office, story: Story) {
    this.#office = office
    this.#story = story
  }

  /** Gives a command, again and again until a controller lives long enough to answer. */
  async give(command: Command): Promise<Answer> {
    const words = actionWords({ ...command, afterMs: 0 })
    const before = this.#office.decisions(command)
    for (;;) {
      this.#story.tell('people', words)
      const answer = await this.#ask(command)
      this.#story.tell('people', `${words.split(':')[0]} → ${answerWords(answer)}`)
      if (answer.kind !== 'cut off') return answer
      // What was recorded goes on by itself; to say it again would be another rollback.
      if (command.kind === 'rollback' && this.#office.decisions(command) > before) return answer
      if (command.kind === 'replace' || command.kind === 'repave') return answer
    }
  }

  async #ask(command: Command): Promise<Answer> {
    const { controller, life } = await this.#office.controller()
    const before = this.#office.decisions(command)
    this.#office.onAsk(command)
    const cutOff = life.over.then((): Answer => ({ kind: 'cut off' }))
    const errand = this.#begin(command)
    const answer = await Promise.race([this.#answer(command, controller), cutOff])
    this.#errands.delete(errand)
    if (errand.isAlone) this.#office.onAnswer(command, answer, this.#office.decisions(command) - before)
    return answer
  }

  #begin({ scope }: Command): Errand {
    const others = [...this.#errands].filter((other) => scopeName(other.scope) === scopeName(scope))
    for (const other of others) other.isAlone = false
    const errand = { scope, isAlone: others.length === 0 }
    this.#errands.add(errand)
    return errand
  }

  async #answer(command: Command, controller: Controller): Promise<Answer> {
    try {
      if (isSaid(command)) return await this.#say(command, controller)
      return await this.#read(command, controller)
    } catch (error) {
      // What is no long work throws its errors, and the API tells them.
      return refused(asRepaveError(error))
    }
  }

  /** What is answered at once. */
  async #say(command: Said, controller: Controller): Promise<Answer> {
    if (command.kind === 'acknowledge') {
      const { changed } = await controller.acknowledge({ ...command.scope, by, reason })
      return { kind: 'result', result: { ok: true, services: [], changed } }
    }
    const { what, id } = this.#refusable(command)
    const { changed } =
      command.kind === 'lift'
        ? await controller.lift({ ...command.scope, by, id, reason })
        : await controller.refuse({ ...command.scope, by, what, reason })
    return { kind: 'result', result: { ok: true, services: [], changed } }
  }

  #refusable(command: RefusalCommand): Refusable {
    const known = this.#refusables.get(command) ?? this.#office.refusable(command)
    this.#refusables.set(command, known)
    return known
  }

  async #read(command: Exclude<Command, Said>, controller: Controller): Promise<Answer> {
    let answer: Answer = { kind: 'refused', code: 'INTERNAL', message: 'no report at all' }
    for await (const report of this.#reports(command, controller)) {
      if (report.kind === 'lock') this.#locks.set(scopeName(command.scope), report.lock as Lock)
      if (report.kind === 'result') answer = report
      if (report.kind === 'error') answer = refused(report.error)
    }
    return answer
  }

  #reports(command: Exclude<Command, Said>, controller: Controller): AsyncIterable<ProgressReport> {
    const { scope } = command
    switch (command.kind) {
      case 'up': {
        const lock = this.#locks.get(scopeName(scope)) ?? emptyLock
        return controller.up({ stack: stackOf(scope, command.choice, command.rollback), lock, by })
      }
      case 'rollback':
        return controller.rollback({ ...scope, by, ...rollbackTarget(command) })
      case 'replace':
        return controller.replace({ ...scope, by, instance: this.#pick(command) })
      case 'repave':
        for (const name of this.#office.instances(command)) this.#office.condemn(name)
        return controller.repave({ ...scope, by })
      case 'down':
        return controller.down({ ...scope, by })
      case 'recall': {
        const { what } = this.#refusable(command)
        return controller.recall({ ...scope, by, what, reason })
      }
      case 'steer':
        return controller.steer({
          ...scope,
          by,
          verb: command.verb,
          ...(command.service && { service: command.service }),
        })
    }
  }

  #pick(command: Command & { readonly kind: 'replace' }): string {
    const instances = this.#office.instances(command)
    const instance = instances[Math.floor(command.pick * instances.length)] ?? 'none-there'
    this.#office.condemn(instance)
    return instance
  }
}

function isSaid(command: Command): command is Said {
  return command.kind === 'refuse' || command.kind === 'lift' || command.kind === 'acknowledge'
}

function refused({ code, message }: { readonly code: string; readonly message: string }): Answer {
  return { kind: 'refused', code, message }
}

function rollbackTarget({ service, to }: Command & { readonly kind: 'rollback' }) {
  return { ...(service && { service }), ...(to && { to }) }
}

function answerWords(answer: Answer): string {
  switch (answer.kind) {
    case 'result': {
      const { ok, changed, code, message } = answer.result
      return ok ? `done${changed ? '' : ', nothing to do'}` : `${code}: ${message}`
    }
    case 'refused':
      return `refused, ${answer.code}: ${answer.message}`
    case 'cut off':
      return 'cut off'
  }
}
