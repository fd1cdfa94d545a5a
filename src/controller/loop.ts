/**
 * The loop: observe, decide, act, record. Level-triggered: each pass derives what to do from what is seen now;
 * events only wake it, and a full look happens on a timer too. Its start is its recovery.
 */
import { asRepaveError, type ErrorCode, RepaveError } from '../errors.ts'
import type { EngineEvent, ObservedInstance } from '../engine/engine.ts'
import { type FleetKey, fleetName, type Scope, scopeName } from '../model/stack.ts'
import { type Fleet, groupOf } from '../plan/fleet.ts'
import { reconcile } from '../plan/reconcile.ts'
import { wantedSplit } from '../plan/split.ts'
import type { CrashLoop } from '../rollout/backoff.ts'
import type { RecordedEntry, ReleaseRecord } from '../store/store.ts'
import type { Touch } from '../model/touch.ts'
import type { Order } from './act.ts'
import { Ages } from './ages.ts'
import { Decisions, type HealthRule } from './decisions.ts'
import { escalate } from './escalate.ts'
import { Dispatcher } from './dispatcher.ts'
import { HealthWatch } from './health.ts'
import { Figures } from './figures.ts'
import { Gates } from './gates.ts'
import { mustWait, rememberedBy } from './memory.ts'
import { Recollection } from './recollection.ts'
import { Rehearsals } from './rehearsals.ts'
import { Retention } from './retention.ts'
import { Rollouts } from './rollouts.ts'
import type { Seams } from './seams.ts'
import { type Acknowledgement, Taints } from './taints.ts'
import { Upkeep } from './upkeep.ts'
import { Verdicts } from './verdicts.ts'
import { hastyMoves, nothingSeen, possible, serverName, visibleTouch, withDeaths } from './sight.ts'
import { type Remembered, type ScopeView, type Sight, type UnderWay, viewScopes } from './views.ts'
import { own } from '../model/own.ts'

type TouchedEvent = EngineEvent & { readonly kind: 'touched' }

/** A look at everything, even if nothing happened. */
const fullLookMs = 10_000
const retryLookMs = 1_000

/** An instance that someone removed before it was started, and a record that could not be written. */
const saysNothingOfVersions: ReadonlySet<ErrorCode> = new Set(['INSTANCE_UNKNOWN', 'STORE_FAILED'])

/** What an engine says of an instance that it could make or start if it were another version. */
const saysFaultOfVersion: ReadonlySet<ErrorCode> = new Set(['INSTANCE_CANNOT_RUN', 'IMAGE_INVALID'])

export interface LoopListener {
  /** A pass has ended. */
  onPass(): void
  /** An effect has ended. */
  onEffect(order: Order, error: RepaveError | undefined): void
}

export class Loop {
  readonly #seams: Seams
  readonly #listener: LoopListener
  readonly #stop = new AbortController()
  readonly #health: HealthWatch
  readonly #dispatcher: Dispatcher
  readonly #upkeep: Upkeep
  readonly #verdicts: Verdicts
  readonly #figures: Figures
  readonly #gates: Gates
  readonly #retention: Retention
  readonly #rehearsals: Rehearsals
  readonly remembered: Remembered
  readonly recollection: Recollection
  readonly rollouts: Rollouts
  readonly decisions: Decisions
  readonly taints: Taints
  readonly ages: Ages

  #views: readonly ScopeView[] = []
  #sight: Sight | undefined
  /** Since when engine or router can't be seen, and why. */
  #blind: { readonly sinceMs: number; readonly error: RepaveError } | undefined
  #fresh = true
  #hasAdopted = false
  #lookedAtMs = Number.NEGATIVE_INFINITY
  #isLooking = false
  /** An effect has ended since the last look. */
  #isOutOfDate = true
  /** Of instances since the last look, by the engine's clock. */
  readonly #deaths = new Map<string, number>()
  /** Of instances that no look has shown yet. */
  #unplacedTouches: TouchedEvent[] = []
  /** What was taken out of rotation since the look that is under way began. */
  #cutMeanwhile: UnderWay[] = []
  /** What moves requests, until it has. */
  #moves: Promise<unknown> = Promise.resolve()
  #woken = false
  #rest = new AbortController()
  #ended: Promise<unknown> = Promise.resolve()

  constructor(seams: Seams, listener: LoopListener) {
    this.#seams = seams
    this.#listener = listener
    this.#health = new HealthWatch(seams.clock, seams.probe, () => this.wake())
    this.rollouts = new Rollouts(seams.clock)
    this.recollection = new Recollection(this.#health)
    this.decisions = new Decisions(seams, this.rollouts, this.recollection, () => this.#noteChange())
    const { clock } = seams
    const { recollection, decisions, rollouts } = this
    this.#rehearsals = new Rehearsals(seams, decisions, rollouts)
    this.taints = new Taints(seams, (key) => decisions.service(key)?.guard)
    this.ages = new Ages(
      seams,
      (key) => decisions.service(key),
      (key) => this.remembered.warm(key),
    )
    const [rehearsals, taints, ages] = [this.#rehearsals, this.taints, this.ages]
    this.remembered = rememberedBy({ clock, recollection, decisions, rollouts, rehearsals, taints, ages })
    this.#figures = new Figures(seams)
    this.#gates = new Gates(seams, () => this.wake())
    this.#retention = new Retention(seams, () => this.wake())
    const [figures, gates] = [this.#figures, this.#gates]
    this.#verdicts = new Verdicts({ seams, rollouts, recollection, decisions, figures, gates })
    this.#dispatcher = new Dispatcher(seams, {
      onIntent: (order) => this.#noteIntent(order),
      onEnd: (order, error) => this.#noteEnd(order, error),
    })
    this.#upkeep = new Upkeep(seams, () => {
      this.#isOutOfDate = true
      this.wake()
    })
  }

  /** Recovers what was decided, and then keeps the fleets until `stop`. Resolves when everything was seen once. */
  async start(): Promise<void> {
    await this.decisions.recover()
    for (const instance of await this.taints.recover()) this.recollection.condemn(instance)
    const { signal } = this.#stop
    const watches = [
      this.#seams.engine.watch((event) => this.#noteEvent(event), signal),
      this.#seams.router.watch(() => this.wake(), signal),
    ]
    await this.#pass()
    this.#ended = Promise.all([this.#run(), ...watches])
  }

  /** Stops looking and acting. Instances and router go on. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.wake()
    await this.#ended
    // Not before: a pass that is still at work would take every instance for one that never became healthy.
    this.#health.stop()
    this.#figures.stop()
    this.#gates.stop()
  }

  wake(): void {
    this.#woken = true
    this.#rest.abort('woken')
  }

  /** Before anything was ever seen: what was decided, and nothing of it. */
  get views(): readonly ScopeView[] {
    return this.#sight ? this.#views : viewScopes(this.decisions.current(), nothingSeen, this.remembered)
  }

  get sight(): Sight | undefined {
    return this.#sight
  }

  view(scope: Scope): ScopeView | undefined {
    return this.views.find((view) => scopeName(view.scope) === scopeName(scope))
  }

  /** What keeps the loop from doing its work, for people. */
  problems(): readonly RepaveError[] {
    return [
      ...(this.#blind ? [this.#blind.error] : []),
      ...this.#upkeep.troubles(),
      ...this.#retention.troubles(),
      ...this.#dispatcher.troubles(),
      ...(this.#sight?.router.problems ?? []),
    ]
  }

  /** Why engine or router can't be seen; undefined where they are. */
  get blindness(): RepaveError | undefined {
    return this.#blind?.error
  }

  /** How long engine or router could not be seen. */
  blindMs(): number {
    return this.#blind ? this.#seams.clock.steady() - this.#blind.sinceMs : 0
  }

  /** What people are told of a crash loop: its next attempt as a time of day. */
  crashLoop(key: FleetKey): CrashLoop {
    const { clock } = this.#seams
    const version = own(this.decisions.of(key)?.release.services, key.service)?.version ?? ''
    const loop = this.recollection.crashLoop(key, version)
    return { ...loop, createAfterMs: clock.now() + loop.createAfterMs - clock.steady() }
  }

  /** Whether there is nothing left to do for the scope: all as decided, and nothing under way. */
  isSettled(scope: Scope): boolean {
    const view = this.view(scope)
    if (!view || !this.#sight || this.#blind || !this.decisions.isCurrent(view.record)) return false
    if (this.#upkeep.remaining(view, this.#views, this.#sight).length > 0) return false
    return view.fleets.every((fleet) => this.#isWhole(fleet))
  }

  /** Somebody has looked; answers the instances that are replaced since then. */
  async acknowledge(acknowledgement: Acknowledgement): Promise<readonly string[]> {
    const replaced = await this.taints.acknowledge(acknowledgement)
    for (const instance of replaced) this.recollection.condemn(instance)
    this.wake()
    return replaced
  }

  /** Gives an instance up for somebody to enter it: what is on record then is done at once. */
  async open(instance: ObservedInstance, by: string, reason: string): Promise<RecordedEntry> {
    const entry = await this.taints.open(instance, by, reason)
    this.#seams.log(`${fleetName(instance)}: ${instance.name} was opened by ${by}: ${reason}`)
    this.#noteChange()
    return entry
  }

  /** Whoever entered it is out. */
  release(instance: string): void {
    this.taints.release(instance)
    this.wake()
  }

  /** What is not done yet beside the fleets of the scope, in words. */
  remaining(scope: Scope): readonly string[] {
    const view = this.view(scope)
    return view && this.#sight ? this.#upkeep.remaining(view, this.#views, this.#sight) : []
  }

  #isWhole(fleet: Fleet): boolean {
    const { key, target, split } = fleet
    // Whoever is in one may stay for long, and all else is as it should be meanwhile.
    const instances = fleet.instances.filter(({ taint, rotation }) => !taint?.isHeld || rotation !== 'out')
    if (this.rollouts.of(key) || instances.some((instance) => instance.busy)) return false
    if (wantedSplit(fleet) !== split || reconcile(fleet, Number.MAX_SAFE_INTEGER).length > 0) return false
    const isComplete = target.groups.every(({ version, count, isKeptWhole }) => {
      return !isKeptWhole || instances.filter((instance) => instance.version === version).length === count
    })
    return isComplete && instances.every(({ version, health }) => groupOf(target, version) && health === 'healthy')
  }

  async #run(): Promise<void> {
    const { clock } = this.#seams
    while (!this.#stop.signal.aborted) {
      const beganAtMs = clock.steady()
      await this.#pass()
      // Half of the time at most goes into looking, however many events there are.
      await this.#sleep(clock.steady() - beganAtMs)
      if (!this.#woken && !this.#stop.signal.aborted) await this.#sleepUntilWoken(this.#nextTimeMs() - clock.steady())
    }
  }

  async #sleep(ms: number): Promise<void> {
    if (ms > 0) await this.#seams.clock.sleep(ms, this.#stop.signal).catch(() => {})
  }

  async #sleepUntilWoken(ms: number): Promise<void> {
    this.#rest = new AbortController()
    await this.#seams.clock.sleep(Math.max(1, ms), this.#rest.signal).catch(() => {})
  }

  async #pass(): Promise<void> {
    // A look would be in their way: the router does one thing at a time.
    await this.#moves
    this.#woken = false
    this.#isLooking = true
    try {
      this.#sight = await this.#observe()
      if (!this.#stop.signal.aborted) await this.#decide(this.#sight)
    } catch (error) {
      this.#noteBlind(asRepaveError(error))
    }
    this.#isLooking = false
    this.#listener.onPass()
  }

  /**
   * Moves requests at once for what an event or a decision has just told, where no look could tell anything else: a look
   * takes some milliseconds, and comes right after. All else, and what is to be remembered, is left to that.
   */
  #hasten(): void {
    if (!this.#sight || this.#blind || this.#stop.signal.aborted) return
    const sight = withDeaths(this.#sight, this.#deaths, this.#underWay())
    const views = viewScopes(this.decisions.current(), sight, this.remembered)
    const nowMs = this.#seams.clock.steady()
    const orders = views.flatMap((view) => view.fleets.flatMap((fleet) => this.#orders(fleet, nowMs)))
    const { touched, ended, routes } = hastyMoves(possible(orders, sight))
    if (this.#isLooking || this.#isOutOfDate) return this.#cut(touched, nowMs)
    // HAProxy sees for itself that a dead one does not answer; who answers and must not, and who steps in, it has to be
    // told.
    this.#moves = Promise.all([
      this.#upkeep.tendSplits(views, sight),
      this.#dispatcher.dispatch([...touched, ...routes], nowMs),
    ])
    void this.#dispatcher.dispatch(ended, nowMs)
  }

  /** That depends on nothing that a look could tell. One that is under way may still show how it was before. */
  #cut(touched: readonly Order[], nowMs: number): void {
    void this.#dispatcher.dispatch(touched, nowMs)
    const names = new Set(touched.map(({ effect }) => effect.instance))
    this.#cutMeanwhile.push(...this.#dispatcher.underWay().filter(({ instance }) => names.has(instance)))
  }

  async #observe(): Promise<Sight> {
    const { engine, router, clock } = this.#seams
    const mayHaveMissed = this.#fresh
    const fresh = mayHaveMissed || clock.steady() - this.#lookedAtMs >= fullLookMs
    this.#fresh = false
    this.#isOutOfDate = false
    this.#deaths.clear()
    this.#cutMeanwhile = []
    // Before engine and router are asked: what ends in between must still count as under way.
    const underWay = this.#underWay()
    const [engineState, routerState] = await Promise.all([engine.observe({ fresh }), router.observe()]).catch(
      (error: unknown) => {
        this.#fresh = true
        throw error
      },
    )
    if (fresh) this.#lookedAtMs = clock.steady()
    this.#noteSeeing()
    if (mayHaveMissed) this.rollouts.noteUnseen()
    const all = { underWay: [...underWay.underWay, ...this.#cutMeanwhile] }
    return { engine: engineState, router: routerState, ...underWay, ...all }
  }

  #underWay(): Pick<Sight, 'underWay' | 'splitting' | 'configuring'> {
    return { underWay: this.#dispatcher.underWay(), ...this.#upkeep.changing() }
  }

  async #decide(sight: Sight): Promise<void> {
    const nowMs = this.#seams.clock.steady()
    const { instances } = sight.engine
    await this.#noteTouches(instances)
    this.recollection.mourn(instances, (instance) => this.decisions.isWanted(instance), nowMs)
    this.#followHealth(sight)
    this.#views = viewScopes(this.decisions.current(), sight, this.remembered)
    const fleets = this.#views.flatMap((view) => view.fleets)
    this.taints.reactions.noteFleets(fleets)
    await this.ages.tell(fleets)
    this.#verdicts.listen(this.#views)
    await this.#rehearsals.tend(this.#views, (fleet) => this.#isWhole(fleet))
    if (await this.#verdicts.judge(this.#views, this.#seams.clock.now()))
      this.#views = viewScopes(this.decisions.current(), sight, this.remembered)
    const orders = this.#views.flatMap((view) => view.fleets.flatMap((fleet) => this.#orders(fleet, nowMs)))
    this.#dispatcher.forgetAllBut(orders, sight.underWay)
    void this.#dispatcher.dispatch(possible(orders, sight), nowMs)
    this.#upkeep.tend(this.#views, sight, (scope) => this.isSettled(scope))
    this.#retention.tend(this.decisions.current())
  }

  #orders(fleet: Fleet, nowMs: number): readonly Order[] {
    const byName = new Map(fleet.instances.map((instance) => [instance.name, instance]))
    return reconcile(fleet, nowMs).map((effect): Order => {
      const instance = byName.get(effect.instance)
      const version = effect.kind === 'create' ? effect.version : instance?.version
      const service = version === undefined ? undefined : this.decisions.released(fleet.key, version)
      const touches = effect.kind === 'isolate' && { touches: this.taints.touchesOf(effect.instance) }
      return { key: fleet.key, effect, ...(instance && { instance }), ...(service && { service }), ...touches }
    })
  }

  #followHealth({ engine, router }: Sight): void {
    const inRotation = new Set(
      router.servers.filter(({ state }) => state === 'in').map(({ pool, instance }) => `${pool}/${instance}`),
    )
    const subjects = engine.instances.flatMap((instance) => {
      const known = instance.phase === 'running' ? this.decisions.healthOf(instance) : undefined
      const served = inRotation.has(serverName(instance)) || this.#isAdopted(instance)
      return known ? [{ instance, ...known, trusted: served || this.#hasLived(instance, known) }] : []
    })
    this.#health.follow(subjects)
    this.#hasAdopted = true
  }

  /** Whether an earlier controller left it at work: without a router to ask, that is taken from what was decided. */
  #isAdopted(instance: ObservedInstance): boolean {
    return !this.#hasAdopted && this.decisions.isSettledUnrouted(instance)
  }

  /** Whether it ran long enough, before this controller looked, for one that nobody can ask more of. */
  #hasLived({ startedAtMs = Infinity }: ObservedInstance, { health }: HealthRule): boolean {
    const livedMs = this.#seams.clock.now() - startedAtMs
    return !this.#hasAdopted && health.kind === 'process' && livedMs >= health.intervalMs
  }

  #noteEvent(event: EngineEvent): void {
    if (event.kind === 'lost') this.#fresh = true
    if (event.kind === 'touched') return void this.#noteTouch(event)
    this.wake()
    if (event.kind !== 'changed' || event.action !== 'die') return
    this.#deaths.set(event.instance, event.atMs)
    this.#hasten()
  }

  /** Out of rotation at once; one that is new to the controller is looked for first. */
  async #noteTouch(event: TouchedEvent): Promise<void> {
    const instance = this.#sight?.engine.instances.find(({ name }) => name === event.instance)
    const noted = instance && this.#taint(instance, event.touch)
    if (!instance) this.#unplacedTouches.push(event)
    // At once, so that taint and intent are on record with one write.
    if (noted) this.#hasten()
    await noted
    this.wake()
  }

  /** What was told before there was anything to see of it, and what nobody told and can be seen. */
  async #noteTouches(instances: readonly ObservedInstance[]): Promise<void> {
    const byName = new Map(instances.map((instance) => [instance.name, instance]))
    for (const { instance, touch } of this.#unplacedTouches.splice(0)) {
      const placed = byName.get(instance)
      if (placed) await this.#taint(placed, touch)
    }
    for (const instance of instances) {
      const touch = visibleTouch(instance, this.#seams.clock.now())
      if (touch && this.taints.touchesOf(instance.name).length === 0) await this.#taint(instance, touch)
    }
  }

  /** Resolves once that is on record; undefined where it is nothing new. What is told to end has an end already. */
  #taint(instance: ObservedInstance, touch: Touch): Promise<void> | undefined {
    if (this.recollection.isEnding(instance.name)) return undefined
    const running = this.#sight?.engine.instances.filter(({ phase }) => phase === 'running').length ?? 0
    return this.taints.note(instance, touch, running)?.then((escalation) => {
      this.#seams.log(`${fleetName(instance)}: ${instance.name} was touched: ${touch.detail}`)
      const parts = { seams: this.#seams, decisions: this.decisions, rollouts: this.rollouts }
      if (escalation)
        void escalate(parts, instance, escalation.message).catch((error: unknown) => this.#seams.log(String(error)))
    })
  }

  /** Throws where what was decided may not be done any more. */
  #noteIntent({ effect }: Order): void {
    if (effect.kind === 'route' && this.taints.of(effect.instance)) throw touchedMeanwhile(effect.instance)
    this.recollection.noteIntent(effect.kind, effect.instance)
    if (effect.kind !== 'create') return
    this.taints.forget(effect.instance)
    this.ages.noteMaking(effect.instance)
  }

  /** Something else was decided. */
  #noteChange(): void {
    this.#retention.invalidate()
    this.wake()
    this.#hasten()
  }

  #noteEnd(order: Order, error: RepaveError | undefined): void {
    const { key, effect } = order
    this.#isOutOfDate = true
    if (error) this.#seams.log(`${fleetName(key)}: ${effect.kind} ${effect.instance} failed: ${error.message}`)
    const isBirth = effect.kind === 'create' || effect.kind === 'start'
    if (isBirth && !error) this.recollection.noteRuns(effect.instance)
    if (effect.kind === 'unroute' && !error) this.taints.reactions.noteOut(effect.instance)
    if (effect.kind === 'isolate') void this.taints.noteCapture(effect.instance, error).then(() => this.wake())
    if (error && isBirth && !error.retryable && !saysNothingOfVersions.has(error.code)) {
      const version = effect.kind === 'create' ? effect.version : (order.instance?.version ?? '')
      const trouble = { words: error.message, isFault: saysFaultOfVersion.has(error.code) }
      this.recollection.noteCannotRun(key, version, effect.instance, trouble, this.#seams.clock.steady())
    }
    this.#listener.onEffect(order, error)
    this.wake()
  }

  #noteBlind(error: RepaveError): void {
    const sinceMs = this.#blind?.sinceMs ?? this.#seams.clock.steady()
    if (this.#blind?.error.message !== error.message) this.#seams.log(error.message)
    this.#blind = { sinceMs, error }
  }

  #noteSeeing(): void {
    if (!this.#blind) return
    this.rollouts.excuse(this.blindMs())
    this.#blind = undefined
  }

  #nextTimeMs(): number {
    const nowMs = this.#seams.clock.steady()
    if (this.#blind) return nowMs + retryLookMs
    const times = [
      this.#lookedAtMs + fullLookMs,
      this.#dispatcher.nextRetryAtMs(nowMs),
      this.#upkeep.nextRetryAtMs(nowMs),
      this.#retention.nextRetryAtMs(nowMs),
      this.#figures.nextTimeMs(),
      this.#rehearsals.nextTimeMs(this.#views, nowMs),
      nowMs + (this.ages.takeNextMs() ?? Infinity),
      ...this.#views.flatMap((view) => view.fleets.flatMap((fleet) => this.#fleetTimes(view.record, fleet, nowMs))),
    ]
    return Math.min(...times.filter((time) => time !== undefined))
  }

  #fleetTimes(record: ReleaseRecord, fleet: Fleet, nowMs: number): readonly number[] {
    const { key } = fleet
    const service = own(record.release.services, key.service)
    const isWaiting = mustWait(key, this.decisions, this.rollouts)
    const verdictMs = service && !isWaiting ? this.rollouts.nextTimeMs(key, service) : undefined
    const coolMs = this.decisions.coolAtMs(key)
    return [...fleet.createAfterMs.values(), fleet.heldUntilMs, verdictMs, coolMs]
      .filter((time) => time !== undefined)
      .filter((time) => time > nowMs)
  }
}

function touchedMeanwhile(instance: string): RepaveError {
  return new RepaveError('NOT_PERMITTED', `${instance} was touched, and gets no requests`, {
    hint: 'another one takes its place',
  })
}
