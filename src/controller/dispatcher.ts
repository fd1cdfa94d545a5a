/**
 * Lets effects run side by side, each instance in one at a time. What does not fit now is not queued: the next
 * pass derives it again, if it is still true then.
 */
import { asRepaveError, RepaveError } from '../errors.ts'
import { fleetName } from '../model/stack.ts'
import { busyEndMs, fitsBeside, isBusy } from '../plan/limits.ts'
import { act, type Order } from './act.ts'
import { Retries } from './retries.ts'
import type { Seams } from './seams.ts'
import type { UnderWay } from './views.ts'

interface Begun extends UnderWay {
  readonly beganAtMs: number
}

export interface DispatchListener {
  /** The intent is on record; the effect comes next. */
  onIntent(order: Order): void
  onEnd(order: Order, error: RepaveError | undefined): void
}

export class Dispatcher {
  readonly #seams: Seams
  readonly #listener: DispatchListener
  readonly #underWay = new Map<string, Begun>()
  readonly #retries = new Retries()
  /** Instances whose making went well, until they are seen. */
  readonly #unseen = new Retries()

  constructor(seams: Seams, listener: DispatchListener) {
    this.#seams = seams
    this.#listener = listener
  }

  underWay(): readonly UnderWay[] {
    return [...this.#underWay.values()]
  }

  /** What keeps failing, for people. */
  troubles(): readonly RepaveError[] {
    return [...this.#retries.errors(), ...this.#unseen.errors(2)]
  }

  /** When something may be begun that did not fit or failed before. */
  nextRetryAtMs(nowMs: number): number | undefined {
    const freed = [...this.#underWay.values()].filter((effect) => effect.kind === 'destroy' && isBusy(effect, nowMs))
    const retries = [this.#retries, this.#unseen].map((each) => each.nextTimeMs(nowMs))
    const times = [...retries, ...freed.map(({ beganAtMs }) => beganAtMs + busyEndMs)]
    const next = Math.min(...times.filter((time) => time !== undefined))
    return Number.isFinite(next) ? next : undefined
  }

  /** Begins as many of these as fit, in their order. Resolves once these have ended. */
  async dispatch(orders: readonly Order[], nowMs: number): Promise<void> {
    await Promise.all(orders.flatMap((order) => (this.#fits(order, nowMs) ? [this.#run(order)] : [])))
  }

  /**
   * Forgets failures of what is not wanted any more. What was under way when engine and router were asked is no part
   * of `orders`, and may be wanted again.
   */
  forgetAllBut(orders: readonly Order[], underWay: readonly UnderWay[]): void {
    const kept = new Set([...orders.map(retryKey), ...[...underWay, ...this.#underWay.values()].map(effectKey)])
    for (const retries of [this.#retries, this.#unseen])
      for (const key of retries.keys()) if (!kept.has(key)) retries.forget(key)
  }

  #fits(order: Order, nowMs: number): boolean {
    if (this.#underWay.has(instanceKey(order))) return false
    if (![this.#retries, this.#unseen].every((retries) => retries.isDue(retryKey(order), nowMs))) return false
    return fitsBeside(order.effect.kind, [...this.#underWay.values()], nowMs)
  }

  async #run(order: Order): Promise<void> {
    const { key, effect } = order
    const version = effect.kind === 'create' ? effect.version : undefined
    this.#underWay.set(instanceKey(order), {
      key,
      instance: effect.instance,
      kind: effect.kind,
      beganAtMs: this.#seams.clock.steady(),
      ...(version && { version }),
      ...(effect.kind === 'unroute' && effect.drainMs === 0 && { isCut: true }),
    })
    const onIntent = () => this.#listener.onIntent(order)
    const error = await act(order, this.#seams, onIntent).then(() => undefined, asRepaveError)
    this.#underWay.delete(instanceKey(order))
    const nowMs = this.#seams.clock.steady()
    this.#retries.note(retryKey(order), error, nowMs)
    if (!error && effect.kind === 'create') this.#unseen.note(retryKey(order), neverSeen(effect.instance), nowMs)
    this.#listener.onEnd(order, error)
  }
}

/** A cut is made beside what is still given time. */
function instanceKey({ key, effect }: Order): string {
  const isCut = effect.kind === 'unroute' && effect.isCut === true
  return `${fleetName(key)}/${effect.instance}${isCut ? ' cut' : ''}`
}

function retryKey({ key, effect }: Order): string {
  return effectKey({ key, instance: effect.instance, kind: effect.kind })
}

function effectKey({ key, instance, kind }: UnderWay): string {
  return `${fleetName(key)}/${instance} ${kind}`
}

function neverSeen(instance: string): RepaveError {
  return new RepaveError('ENGINE_FAILED', `the engine says that it made ${instance}, and it does not appear`, {
    hint: 'see whether something else removes it at once; it is made again with growing delays',
  })
}
