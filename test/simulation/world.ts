/** One simulated world: a machine, a router, a store, people and mishaps, and one controller after the other. */
import { MemoryLocker } from '../../src/evidence/memory/memory-locker.ts'
import { MemoryGate } from '../../src/gate/memory/memory-gate.ts'
import { MemoryEngine } from '../../src/engine/memory/memory-engine.ts'
import { MemoryMachine } from '../../src/engine/memory/memory-machine.ts'
import type { EngineEvent } from '../../src/engine/engine.ts'
import { formatVerifierKey } from '../../src/ledger/key.ts'
import { memorySigner, openMemoryLedger } from '../../src/ledger/memory/memory-ledger.ts'
import { MemoryLedgerFiles } from '../../src/ledger/memory/memory-ledger-files.ts'
import type { LedgerReport } from '../../src/ledger/report.ts'
import { verifyLedger } from '../../src/ledger/verify.ts'
import { toldKinds } from '../../src/model/notification.ts'
import { scopeName, type Scope } from '../../src/model/stack.ts'
import type { ImageDigest } from '../../src/model/version.ts'
import { MemoryBookmarks } from '../../src/notify/memory/memory-bookmarks.ts'
import { MemoryProxy, type MemorySession } from '../../src/router/memory/memory-proxy.ts'
import { MemoryRouter } from '../../src/router/memory/memory-router.ts'
import type { RouterServer } from '../../src/router/router.ts'
import type { Entry } from '../../src/model/entry.ts'
import type { Store } from '../../src/store/store.ts'
import { systemClock } from '../../src/system/clock.ts'
import { seededRandom } from '../../src/system/random.ts'
import { VirtualClock } from '../../src/system/virtual-clock.ts'
import { Audience } from './audience.ts'
import { fillImages, goodManners, type Manners } from './catalogue.ts'
import { Decided, type Decree, type Rollout } from './decided.ts'
import { Departures } from './departures.ts'
import { costsTime } from './faults.ts'
import { fleetsOf, LazyTruth, type WorldTruth } from './fleet-truth.ts'
import { Hazards } from './hazards.ts'
import type { Command, Crash, Mishap } from './history.ts'
import { ViolationError, type Disturbance, type InvariantName, type Violation } from './invariants/invariant.ts'
import { Monitors } from './invariants/monitors.ts'
import type { Life } from './life.ts'
import { milestonesOf, type MilestoneName } from './milestones.ts'
import { Misfortune } from './misfortune.ts'
import { People, type Answer } from './people.ts'
import { aroundEngine, aroundLedger, aroundRouter, aroundStore, type Call } from './seams.ts'
import { SimulatedProbe } from './simulated-probe.ts'
import { actionWords, Story } from './story.ts'
import { Succession, type ControllerSeams } from './succession.ts'
import { sendRequests } from './traffic.ts'

const startMs = Date.UTC(2026, 0, 1)
const timings = { createMs: 15, removeMs: 10, observeMs: 2 }
const pulseMs = 500
/** Of every world: what it signs tells none of them apart. */
const signer = memorySigner()

/** Replaces a seam of the controller by one that is broken, to show that the simulation notices. */
export type Tamper = (seams: ControllerSeams) => ControllerSeams

export class World {
  readonly clock = new VirtualClock(startMs)
  readonly story = new Story(this.clock)
  readonly hazards = new Hazards((fault) => costsTime(fault) && this.#disturb({ kind: 'trouble' }))
  readonly machine = new MemoryMachine(this.clock)
  readonly proxy = new MemoryProxy(this.clock, (address) => this.machine.answer(address) !== 'refused')
  readonly #people: People
  readonly #manners: ReadonlyMap<ImageDigest, Manners>
  readonly #tamper: Tamper
  readonly #only: InvariantName | undefined
  readonly #decided = new Decided({
    onDecision: (decree) => this.#onDecision(decree),
    onRolloutChange: (before, after) => this.#onRolloutChange(before, after),
    onEscalation: (scope) => this.#monitors.onEscalation(scope),
    onRepave: ({ stack = '', environment = '' }) => this.#monitors.onRepave({ stack, environment }, this.clock.now()),
    onTaint: (entry) => this.#onTaint(entry),
    onRefusal: (scope) => this.#monitors.onRefusal(scope, this.clock.now()),
  })
  readonly #monitors = new Monitors(this.machine, this.#decided, (name) => !this.#only || name === this.#only)
  readonly #succession: Succession
  readonly #misfortune: Misfortune
  readonly #ledgerFiles = new MemoryLedgerFiles()
  readonly #audience = new Audience()
  readonly #bookmarks = new MemoryBookmarks()
  readonly #probe = new SimulatedProbe(this.clock, this.machine, this.hazards)
  readonly #locker = new MemoryLocker()
  readonly #departures = new Departures(this.clock)
  readonly #ended = new AbortController()
  #violation: Violation | undefined
  #dirty = false
  #diedAtMs = -Infinity
  /** Timers that have fired so far. */
  steps = 0
  /** Calls so far that change instances or routes. */
  acts = 0
  /** Effects and records so far. */
  moments = 0
  /** Commands that have no answer yet. */
  pending = 0
  readonly startedAtMs = startMs

  /** With `only`, breaches of other promises go unheeded. */
  constructor(seed: number, tamper: Tamper = (seams) => seams, only?: InvariantName) {
    this.#tamper = tamper
    this.#only = only
    this.#manners = fillImages(this.machine.images)
    this.machine.listen('controller', (event) => this.#onMachine(event))
    this.#succession = this.#succeed()
    this.#misfortune = this.#tempt()
    this.#people = this.#populate()
    const random = seededRandom(seed ^ 0x5eed)
    void this.#pulse()
    void sendRequests(this.proxy, this.clock, random, this.#traffic, this.#ended.signal)
  }

  get violation(): Violation | undefined {
    return this.#violation
  }

  /** How many controllers were started after another one had died. */
  get recoveries(): number {
    return Math.max(0, this.#succession.lives - 1)
  }

  /** Whether something is refused in an environment. */
  isAnythingRefused(scope: Scope): boolean {
    return this.#decided.newestRefusal(scope) !== undefined
  }

  /** The fleet of a rollout that has no verdict. */
  unjudged(): string | undefined {
    return this.#decided.unjudged()
  }

  /** How far its rollouts and people have come. */
  async milestones(): Promise<ReadonlyMap<MilestoneName, number>> {
    return milestonesOf(this.#decided.rollouts, await this.store.entries({}))
  }

  /** What the store has, for whoever compares the ends of worlds. */
  get store(): Store {
    return this.#decided.store
  }

  /** As it is now; what is looked at later is as it is then. */
  truth(): WorldTruth {
    return new LazyTruth(this.clock.now(), this.#decided.releases, this.#departures, () =>
      fleetsOf(this.#decided, {
        instances: this.machine.instances,
        servers: this.#servers(),
        splits: this.proxy.splits.of(this.proxy.services.map(({ pool }) => pool)),
      }),
    )
  }

  async give(command: Command): Promise<Answer> {
    if (this.pending > 0) this.hazards.count('a command comes while another runs')
    if (this.clock.now() === this.#diedAtMs) this.hazards.count('a command comes as the controller dies')
    this.pending++
    try {
      return await this.#people.give(command)
    } finally {
      this.pending--
    }
  }

  /** Lets time pass until `atMs`, or until something is wrong. */
  async runUntil(atMs: number): Promise<void> {
    await this.clock.runUntil(this.clock.now())
    this.#check()
    while (!this.#violation && (this.clock.nextAtMs() ?? Infinity) <= atMs) {
      await this.clock.step()
      this.steps++
      this.#check()
    }
    if (!this.#violation) await this.clock.runUntil(atMs)
  }

  /** No further mishap, and what was away is back. */
  calm(): void {
    this.story.tell('mishap', 'no more mishaps')
    this.hazards.disarm()
    this.#probe.calm()
    this.machine.reachable = true
    this.machine.isUnreadable = false
    for (const { order } of this.machine.instances) this.machine.force(order.name, undefined)
    void this.#succession.ruler()
  }

  /** What somebody from outside finds who has the ledger's files and the public key, and how many entries there are. */
  async audit(): Promise<{ readonly report: LedgerReport; readonly recorded: number }> {
    const clock = { ...systemClock, sleep: async () => undefined }
    const report = await verifyLedger(this.#ledgerFiles, { key: formatVerifierKey(signer.key), clock })
    return { report, recorded: await this.#decided.store.size() }
  }

  /** What the machine's hook should have been told, and was not. */
  async untold(): Promise<readonly string[]> {
    const entries = await this.#decided.store.entries({ kinds: toldKinds })
    return entries
      .filter(({ sequence }) => !this.#audience.has(sequence))
      .map((entry) => `${entry.kind}: ${entry.message}`)
  }

  async end(): Promise<void> {
    this.#ended.abort()
    this.#succession.close()
    await this.clock.runUntil(this.clock.now())
    this.clock.close()
  }

  suffer(mishap: Mishap): void {
    this.story.tell('mishap', actionWords({ ...mishap, afterMs: 0 }))
    this.#misfortune.strike(mishap)
    this.#dirty = true
  }

  #tempt(): Misfortune {
    return new Misfortune({
      clock: this.clock,
      story: this.story,
      hazards: this.hazards,
      machine: this.machine,
      proxy: this.proxy,
      probe: this.#probe,
      succession: this.#succession,
      disturb: (disturbance) => this.#disturb(disturbance),
      isBusy: () => this.pending > 0,
    })
  }

  #populate(): People {
    return new People(
      {
        controller: () => this.#succession.ruler(),
        instances: ({ scope }) => this.#instancesOf(scopeName(scope)),
        decisions: ({ scope }) => this.#decided.countByPeople(scope),
        refusable: (command) => this.#decided.refusable(command),
        condemn: (instance) => this.#monitors.condemn(instance),
        onAsk: ({ scope }) => this.#monitors.onAsk(scopeName(scope)),
        onAnswer: (command, answer, decisions) =>
          this.#watch(() => this.#monitors.onAnswer(command, answer, decisions)),
      },
      this.story,
    )
  }

  #succeed(): Succession {
    const { clock, story, hazards } = this
    const realm = { clock, story, hazards, seams: (life: Life) => this.#seams(life) }
    return new Succession(realm, {
      onCall: (call) => this.#onCall(call),
      onLook: (call) => this.#onLook(call),
      onCallEnd: (call, outcome) => this.#onCallEnd(call, outcome),
      onDeath: (how) => this.#onDeath(how),
    })
  }

  #seams(life: Life): ControllerSeams {
    const gone = life.gone.signal
    const engine = new MemoryEngine(this.machine, { timings, gone, lost: life.lost.signal })
    const router = new MemoryRouter(this.proxy, this.clock, gone)
    return this.#tamper({
      clock: life.clock,
      gate: new MemoryGate(this.clock, { answer: () => 'none' }),
      engine: aroundEngine(engine, life.around, life.deliver),
      router: aroundRouter(router, life.around, life.deliver),
      store: aroundStore(this.#decided.store, life.around),
      locker: this.#locker,
      openLedger: () => life.whileAlive(async () => aroundLedger(await this.#openLedger(), life.around)),
      messenger: { send: (...told) => life.whileAlive(() => this.#audience.messenger.send(...told)) },
      bookmarks: {
        read: () => life.whileAlive(() => this.#bookmarks.read()),
        write: (...kept) => life.whileAlive(() => this.#bookmarks.write(...kept)),
      },
      probe: { probe: (...question) => life.whileAlive(() => this.#probe.probe(...question)) },
      info: { pid: 1, socket: '/simulated' },
      log: (line) => life.isOver || this.story.tell('controller', line),
    })
  }

  #openLedger(): ReturnType<ControllerSeams['openLedger']> {
    return openMemoryLedger(this.#ledgerFiles, signer)
  }

  #onDeath({ finishing, meanwhile }: Pick<Crash, 'finishing' | 'meanwhile'>): void {
    this.#diedAtMs = this.clock.now()
    this.#departures.abandon(finishing)
    this.#disturb({ kind: 'controller' })
    if (meanwhile && !this.#ended.signal.aborted) void this.give(meanwhile)
  }

  #servers(): readonly RouterServer[] {
    return [...this.proxy.servers.values()].map((server) => {
      const { pool, instance, address, lane, draining, sessions } = server
      const state = draining ? 'draining' : this.proxy.answers(server) ? 'in' : 'down'
      return { pool, instance, address, lane, state, sessions: sessions.size }
    })
  }

  #instancesOf(scope: string): readonly string[] {
    return [...this.machine.instances].filter(({ order }) => scopeName(order) === scope).map(({ order }) => order.name)
  }

  #onDecision(decree: Decree): void {
    this.story.tell('store', `${scopeName(decree.release)}: ${decree.decision}, ${decree.reason}`)
    this.#watch(() => this.#monitors.onDecision(decree, this.truth()))
  }

  #onRolloutChange(before: Rollout, after: Rollout): void {
    this.#dirty = true
    this.#watch(() => this.#monitors.onRolloutChange(before, after, this.truth()))
  }

  #onCall(call: Call): void {
    this.moments++
    if (call.nature === 'act') this.#tellAct(call)
    this.#watch(() => this.#monitors.onCall(call, this.truth()))
    if (takesOut(call)) this.#departures.begin(call.subject)
  }

  #onLook({ on, verb }: Call): void {
    if (on === 'engine' && verb === 'observe') this.#watch(() => this.#monitors.onLook(this.clock.now()))
  }

  #tellAct(call: Call): void {
    if (call.verb !== 'reserve' && call.verb !== 'retain') this.acts++
    this.story.tell(call.on, `${call.verb} ${call.subject}`)
  }

  #onCallEnd(call: Call, outcome: 'done' | 'failed'): void {
    if (outcome === 'failed') this.story.tell(call.on, `${call.verb} ${call.subject} failed`)
    this.#watch(() => this.#monitors.onCallEnd(call, outcome, this.truth()))
    if (takesOut(call)) this.#departures.end(call.subject)
    this.#dirty = true
  }

  #onTaint({ instance = '', message }: Entry): void {
    const tainted = this.machine.instance(instance)
    if (!tainted) return
    this.story.tell('store', `${instance} is tainted: ${message}`)
    tainted.isTainted = true
    this.#disturb({ kind: 'instance', instance })
  }

  #onMachine(event: EngineEvent): void {
    this.#dirty = true
    if (event.kind !== 'changed') return
    this.story.tell('machine', `${event.instance}: ${event.action}`)
    const instance = this.machine.instance(event.instance)
    if (event.action === 'create' && instance) this.#watch(() => this.#monitors.onCreated(instance, this.truth()))
  }

  readonly #traffic = {
    onRequest: (pool: string, session: MemorySession | undefined) =>
      this.#watch(() => this.#monitors.onRequest(pool, session, this.truth())),
    onEnd: (session: MemorySession) => this.#monitors.onEnd(session),
    manners: ({ address }: MemorySession) =>
      this.#manners.get(this.machine.holder(address)?.order.spec.image ?? 'sha256:') ?? goodManners,
    isJudged: (pool: string) => this.#decided.isJudged(pool),
  }

  #disturb(disturbance: Disturbance): void {
    this.#watch(() => this.#monitors.onDisturbance(disturbance, this.truth()))
  }

  /** Some instances change by themselves; they are looked at so often. */
  async #pulse(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      this.#dirty = true
      await this.clock.sleep(pulseMs, this.#ended.signal).catch(() => undefined)
    }
  }

  #check(): void {
    if (!this.#dirty) return
    this.#dirty = false
    this.#watch(() => this.#monitors.onStep(this.truth()))
  }

  #watch(look: () => void): void {
    try {
      look()
    } catch (error) {
      if (!(error instanceof ViolationError)) throw error
      if (!this.#only || error.violation.invariant === this.#only) this.#violation ??= error.violation
    }
  }
}

/** Calls after which an instance is not meant to serve. */
function takesOut({ on, verb }: Call): boolean {
  return (on === 'engine' && verb === 'destroy') || (on === 'router' && verb === 'remove')
}
