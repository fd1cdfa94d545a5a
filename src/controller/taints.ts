/**
 * Touched is dead (promise 4): who is tainted, and how far the answer to it has come. A taint is on the record before
 * anything follows from it, and none is ever taken off.
 */
import type { ObservedInstance } from '../engine/engine.ts'
import { escalatedAtMs, heldForMs } from '../guard/escalation.ts'
import { isSensorSuspect } from '../guard/suspicion.ts'
import { defaultEscalation, type FleetKey, fleetName, type GuardPolicy } from '../model/stack.ts'
import type { Touch } from '../model/touch.ts'
import type { Taint } from '../plan/fleet.ts'
import type { RecordedEntry } from '../store/store.ts'
import { Reactions } from './reactions.ts'
import { entryOf, type Subject } from './records.ts'
import type { Seams } from './seams.ts'

/** One touched instance, until another one has its name. */
interface Touched {
  readonly subject: Required<Pick<Subject, 'stack' | 'environment' | 'service' | 'instance' | 'version'>>
  readonly touches: Touch[]
  readonly reason: string
  /** Nothing is done to it until somebody has looked: so many are touched that the sensor is suspected. */
  readonly isCordoned: boolean
  readonly steadyMs: number
  isCaptured: boolean
  failures: number
  /** Somebody opened it: that is no attack. */
  readonly isOpened?: true
  /** Whoever opened it may still be in it. */
  isHeld?: boolean
}

/** So many of one instance are kept: the first is what counts. */
const mostTouches = 1_000
/** Without evidence after so many attempts, it goes all the same. */
const mostAttempts = 3

/** What somebody said who has looked. */
export interface Acknowledgement extends Subject {
  readonly by: string
  readonly message: string
}

/** Since when, and for what, people are called. */
export interface Alarm {
  readonly atMs: number
  readonly message: string
}

type Policies = (key: FleetKey) => GuardPolicy | undefined

export class Taints {
  readonly #seams: Seams
  readonly #policies: Policies
  readonly #touched = new Map<string, Touched>()
  /** Those that are being put on the record. */
  readonly #noting = new Map<string, Touched>()
  /** By fleet name. */
  readonly #histories = new Map<string, number[]>()
  #suspicion: Alarm | undefined
  readonly reactions: Reactions

  constructor(seams: Seams, policies: Policies) {
    this.#seams = seams
    this.#policies = policies
    this.reactions = new Reactions(seams.clock)
  }

  /** What a tainted instance waits for; undefined for one that is not, or that nothing is done to yet. */
  of(instance: string): Taint | undefined {
    const touched = this.#touched.get(instance) ?? this.#noting.get(instance)
    if (!touched || touched.isCordoned) return undefined
    const { reason, isCaptured, isOpened, isHeld } = touched
    const isRecorded = this.#touched.has(instance)
    return { reason, isRecorded, isCaptured, ...(isOpened && { isDrained: true }), ...(isHeld && { isHeld: true }) }
  }

  /** How one was touched that is left as it is until somebody has looked. */
  cordonOf(instance: string): string | undefined {
    const touched = this.#touched.get(instance)
    return touched?.isCordoned ? touched.reason : undefined
  }

  touchesOf(instance: string): readonly Touch[] {
    return this.#touched.get(instance)?.touches ?? []
  }

  /** Why whatever tells of touches is not believed. */
  get suspicion(): Alarm | undefined {
    return this.#suspicion
  }

  /** What a service is held for. */
  escalation(key: FleetKey): Alarm | undefined {
    const atMs = escalatedAtMs(this.#historyOf(key), this.#policyOf(key))
    if (atMs === undefined) return undefined
    const { after, withinMs } = this.#policyOf(key)
    return { atMs, message: `${after} of its instances were touched within ${withinMs / 1_000} s` }
  }

  /** Before when nothing new is made for a service, by the clock of the day. */
  heldUntilMs(key: FleetKey): number | undefined {
    const history = this.#historyOf(key)
    const heldMs = heldForMs(history, this.#policyOf(key))
    return heldMs === 0 ? undefined : (history.at(-1) ?? 0) + heldMs
  }

  /**
   * Takes a touch in; undefined where the instance is known to be touched, or another one of its name was. Else the taint
   * counts from now on, also where it can't be recorded; resolves once it is, to the escalation that it is the last
   * straw for. `running`: how many instances there are in all.
   */
  note(instance: ObservedInstance, touch: Touch, running: number): Promise<Alarm | undefined> | undefined {
    const { name } = instance
    const known = this.#touched.get(name) ?? this.#noting.get(name)
    if (known && known.touches.length < mostTouches) known.touches.push(touch)
    if (known || touch.atMs < instance.createdAtMs) return undefined
    const touched = givenUp(subjectOf(instance), `touched: ${touch.detail}`, {
      touches: [touch],
      isCordoned: this.#isSuspect(running),
      steadyMs: this.#seams.clock.steady(),
    })
    this.#noting.set(name, touched)
    if (!touched.isCordoned) this.reactions.begin(instance, touch)
    return this.#record(touched, touch)
  }

  async #record(touched: Touched, { kind, layer, detail }: Touch): Promise<Alarm | undefined> {
    const { subject, isCordoned } = touched
    const atMs = this.#seams.clock.now()
    if (isCordoned && !this.#suspicion) {
      const message = 'so many instances look touched at once that the sensor is suspected first'
      this.#suspicion = { atMs, message }
      await this.#append({}, 'sensor.suspected', message)
    }
    const history = this.#historyOf(subject)
    const before = escalatedAtMs(history, this.#policyOf(subject))
    if (!isCordoned) history.push(atMs)
    // Before others are noted: it is the last straw for one of them only.
    const escalation = before === undefined ? this.escalation(subject) : undefined
    await this.#append(subject, isCordoned ? 'instance.cordoned' : 'instance.tainted', `${kind} (${layer}): ${detail}`)
    this.#noting.delete(subject.instance)
    this.#touched.set(subject.instance, touched)
    const { instance: _instance, version: _version, ...key } = subject
    if (escalation) await this.#append(key, 'escalation.began', escalation.message)
    return escalation
  }

  async #append(subject: Subject, kind: string, message: string): Promise<void> {
    const entry = entryOf(subject, { atMs: this.#seams.clock.now(), kind, message })
    await this.#seams.store.append(entry).catch((error: unknown) => this.#seams.log(`${kind}: ${String(error)}`))
  }

  #isSuspect(running: number): boolean {
    if (this.#suspicion) return true
    const nowMs = this.#seams.clock.steady()
    const touchedAtMs = [...this.#touched.values(), ...this.#noting.values()].map(({ steadyMs }) => steadyMs)
    return isSensorSuspect({ instances: running, touchedAtMs: [...touchedAtMs, nowMs] }, nowMs)
  }

  /**
   * Somebody wants to enter an instance: answers the entry that taints it, for good. Unlike a
   * touch, it does not count where it can't be recorded.
   */
  async open(instance: ObservedInstance, by: string, message: string): Promise<RecordedEntry> {
    const subject = subjectOf(instance)
    const atMs = this.#seams.clock.now()
    const entry = await this.#seams.store.append(entryOf(subject, { atMs, kind: 'access.opened', by, message }))
    const touch: Touch = { kind: 'opened', layer: 'events', atMs, detail: openedWords(by, message) }
    const opened = givenUp(subject, touch.detail, { touches: [touch], isOpened: true, isHeld: true })
    this.#touched.set(instance.name, opened)
    return entry
  }

  /** Nobody is in it any more, and it ends. */
  release(instance: string): void {
    const touched = this.#touched.get(instance)
    if (touched) touched.isHeld = false
  }

  /** Another instance gets this name. */
  forget(instance: string): void {
    this.#touched.delete(instance)
  }

  /** Evidence of it is kept, or could not be had. */
  async noteCapture(instance: string, error: Error | undefined): Promise<void> {
    const touched = this.#touched.get(instance)
    if (!touched) return
    touched.failures += error ? 1 : 0
    if (error && touched.failures < mostAttempts) return
    touched.isCaptured = true
    if (error) await this.#append(touched.subject, 'evidence.missing', `destroyed without evidence: ${error.message}`)
    else this.reactions.noteCaptured(instance)
  }

  /** Somebody has looked: an escalation and a suspicion are over. Answers the instances that may now be replaced. */
  async acknowledge({ by, message, ...subject }: Acknowledgement): Promise<readonly string[]> {
    const atMs = this.#seams.clock.now()
    await this.#seams.store.append(entryOf(subject, { atMs, kind: 'taint.acknowledged', by, message }))
    return this.#acknowledged(subject)
  }

  #acknowledged({ stack, environment, service }: Subject): readonly string[] {
    for (const fleet of this.#histories.keys())
      if (fleet.startsWith(`${stack}/${environment}/`) && (service === undefined || fleet.endsWith(`/${service}`)))
        this.#histories.delete(fleet)
    if (service !== undefined) return []
    this.#suspicion = undefined
    const cordoned = [...this.#touched].filter(([, { isCordoned }]) => isCordoned).map(([instance]) => instance)
    for (const instance of cordoned) this.#touched.delete(instance)
    return cordoned
  }

  /** What earlier controllers put on record; answers the instances that are to be replaced since somebody has looked. */
  async recover(): Promise<ReadonlySet<string>> {
    const cleared = new Set<string>()
    for (const entry of await this.#seams.store.entries({ kinds: recoveredKinds })) this.#recall(entry, cleared)
    return cleared
  }

  #recall(entry: RecordedEntry, cleared: Set<string>): void {
    const { kind, instance, atMs, message } = entry
    if (kind === 'sensor.suspected') this.#suspicion = { atMs, message }
    if (kind === 'taint.acknowledged') for (const name of this.#acknowledged(entry)) cleared.add(name)
    if (instance === undefined) return
    if (kind === 'create.intent') {
      this.forget(instance)
      cleared.delete(instance)
    }
    const subject = recordedSubject(entry, instance)
    if (kind === 'instance.tainted') this.#historyOf(subject).push(atMs)
    if (kind === 'instance.tainted' || kind === 'instance.cordoned')
      this.#touched.set(instance, givenUp(subject, `touched: ${message}`, { isCordoned: kind === 'instance.cordoned' }))
    if (kind === 'access.opened')
      this.#touched.set(instance, givenUp(subject, openedWords(entry.by, message), { isOpened: true }))
    const touched = this.#touched.get(instance)
    if (touched && (kind === 'capture.done' || kind === 'evidence.missing')) touched.isCaptured = true
  }

  #historyOf(key: FleetKey): number[] {
    const history = this.#histories.get(fleetName(key)) ?? []
    this.#histories.set(fleetName(key), history)
    return history
  }

  #policyOf(key: FleetKey) {
    return this.#policies(key)?.escalation ?? defaultEscalation
  }
}

function openedWords(by: string, reason: string): string {
  return `opened by ${by}: ${reason}`
}

type TaintSubject = Touched['subject']

/** Without `more`, it is part of no crowd. */
function givenUp(subject: TaintSubject, reason: string, more: Partial<Touched>): Touched {
  const nothingYet = { touches: [], isCordoned: false, steadyMs: -Infinity, isCaptured: false, failures: 0 }
  return { subject, reason, ...nothingYet, ...more }
}

function subjectOf({ stack, environment, service, name, claimed }: ObservedInstance): TaintSubject {
  return { stack, environment, service, instance: name, version: claimed }
}

function recordedSubject(
  { stack = '', environment = '', service = '', version = '' }: RecordedEntry,
  instance: string,
): TaintSubject {
  return { stack, environment, service, instance, version }
}

const recoveredKinds = [
  'access.opened',
  'instance.tainted',
  'instance.cordoned',
  'sensor.suspected',
  'taint.acknowledged',
  'capture.done',
  'evidence.missing',
  'create.intent',
]
