/**
 * Promise 8: before each effect its intent is on record, and after it its outcome. A controller that dies owes nothing
 * more; an outcome that it could not write for want of a disk is excused, and so is an intent that it was told is not
 * on record.
 */
import type { Entry } from '../../../src/model/entry.ts'
import type { Call } from '../seams.ts'
import type { WorldTruth } from '../fleet-truth.ts'
import { ViolationError, type Disturbance, type Monitor } from './invariant.ts'

interface Intent {
  readonly kind: string
  readonly instance: string
  /** Of its effect. */
  state: 'recorded' | 'asked' | 'done' | 'failed'
}

/** The kinds of intents, by the call that follows. */
const kinds = new Map([
  ['engine create', 'create'],
  ['engine start', 'start'],
  ['engine destroy', 'destroy'],
  ['engine isolate', 'isolate'],
  ['engine collect', 'capture'],
  ['router add', 'route'],
  ['router remove', 'unroute'],
])

export class RecordMonitor implements Monitor {
  /** Those of the controller that lives which have no outcome yet. */
  readonly #open = new Map<string, Intent>()
  /** Since when something is to be recorded next. */
  readonly #due = new Map<Intent, number>()

  /** A dead controller owes nothing. */
  onDisturbance({ kind }: Disturbance): void {
    if (kind !== 'controller') return
    this.#open.clear()
    this.#due.clear()
  }

  onCall({ on, verb, subject, entry }: Call): void {
    if (entry?.instance !== undefined) return this.#onAppend(entry)
    const kind = kinds.get(`${on} ${verb}`)
    if (kind !== undefined) this.#onEffect(kind, subject)
  }

  onCallEnd({ on, verb, subject, entry }: Call, outcome: 'done' | 'failed', { nowMs }: WorldTruth): void {
    if (entry?.instance !== undefined) return this.#onAppended(entry, outcome, nowMs)
    const intent = this.#intentOf(`${kinds.get(`${on} ${verb}`)}`, subject, 'asked')
    if (!intent) return
    intent.state = outcome
    this.#due.set(intent, nowMs)
  }

  onStep({ nowMs }: WorldTruth): void {
    for (const [{ kind, instance, state }, sinceMs] of this.#due)
      if (sinceMs < nowMs)
        throw new ViolationError(
          'on the record',
          state === 'recorded'
            ? `to ${kind} ${instance} was meant, and neither done nor given up`
            : `to ${kind} ${instance} is ${state}, and that is not recorded`,
        )
  }

  #onEffect(kind: string, instance: string): void {
    const intent = this.#intentOf(kind, instance, 'recorded')
    if (intent?.state !== 'recorded')
      throw new ViolationError('on the record', `to ${kind} ${instance} was not recorded before it was asked for`)
    intent.state = 'asked'
    this.#due.delete(intent)
  }

  /** Somebody in the middle of being let go is cut by a call of the same kind. */
  #intentOf(kind: string, instance: string, state: Intent['state']): Intent | undefined {
    const cut = kind === 'unroute' ? this.#open.get(`cut ${instance}`) : undefined
    return cut?.state === state ? cut : this.#open.get(`${kind} ${instance}`)
  }

  /** Which of the two calls has ended, only its controller knows. */
  #tellApart(effect: string | undefined, instance: string, intent: Intent): void {
    const other = this.#open.get(`${effect === 'cut' ? 'unroute' : 'cut'} ${instance}`)
    if (!other || (effect !== 'cut' && effect !== 'unroute')) return
    ;[intent.state, other.state] = [other.state, intent.state]
    const sinceMs = this.#due.get(other)
    this.#due.delete(other)
    if (sinceMs !== undefined) this.#due.set(intent, sinceMs)
  }

  /** An outcome is asked to be recorded: it must be that of an effect that has ended so, or was given up before it began. */
  #onAppend({ kind, instance = '' }: Pick<Entry, 'kind' | 'instance'>): void {
    const [effect, outcome] = kind.split('.')
    if (outcome !== 'done' && outcome !== 'failed') return
    const intent = this.#open.get(`${effect} ${instance}`)
    if (!intent) throw new ViolationError('on the record', `${kind} of ${instance} is recorded, and nobody meant to`)
    if (intent.state !== outcome) this.#tellApart(effect, instance, intent)
    const isGivenUp = outcome === 'failed' && intent.state === 'recorded'
    if (intent.state !== outcome && !isGivenUp)
      throw new ViolationError('on the record', `${kind} of ${instance} is recorded, and it is ${intent.state}`)
    this.#open.delete(`${effect} ${instance}`)
    this.#due.delete(intent)
  }

  #onAppended({ kind, instance = '' }: Pick<Entry, 'kind' | 'instance'>, outcome: string, atMs: number): void {
    const [effect = '', stage] = kind.split('.')
    if (stage !== 'intent' || outcome === 'failed') return
    const intent: Intent = { kind: effect, instance, state: 'recorded' }
    this.#open.set(`${effect} ${instance}`, intent)
    this.#due.set(intent, atMs)
  }
}
