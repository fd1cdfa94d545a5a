/** One simulated world: a machine, a router, a store, people and mishaps, and one controller after the other. */
import { Controller } from '../../src/controller/controller.ts'
import { MemoryEngine } from '../../src/engine/memory/memory-engine.ts'
import { MemoryMachine } from '../../src/engine/memory/memory-machine.ts'
import type { EngineEvent } from '../../src/engine/engine.ts'
import type { Release } from '../../src/model/release.ts'
import { scopeName } from '../../src/model/stack.ts'
import { MemoryProbe } from '../../src/probe/memory/memory-probe.ts'
import { MemoryProxy, type MemorySession } from '../../src/router/memory/memory-proxy.ts'
import { MemoryRouter } from '../../src/router/memory/memory-router.ts'
import type { RouterServer } from '../../src/router/router.ts'
import { createMemoryStore } from '../../src/store/memory/memory-store.ts'
import type { ReleaseRecord, Store } from '../../src/store/store.ts'
import { seededRandom } from '../../src/system/random.ts'
import { VirtualClock } from '../../src/system/virtual-clock.ts'
import { fillImages } from './catalogue.ts'
import { fleetsOf, type WorldTruth } from './fleet-truth.ts'
import { Hazards } from './hazards.ts'
import type { Command, Mishap } from './history.ts'
import { ViolationError, type Disturbance, type Violation } from './invariants/invariant.ts'
import { Monitors } from './invariants/monitors.ts'
import { Life } from './life.ts'
import { People, type Answer } from './people.ts'
import { aroundEngine, aroundRouter, aroundStore, type Call } from './seams.ts'
import { actionWords, Story } from './story.ts'
import { sendRequests } from './traffic.ts'

const startMs = Date.UTC(2026, 0, 1)
const timings = { createMs: 15, removeMs: 10, observeMs: 2 }
const pulseMs = 500
const restartRetryMs = 1_000

interface Reign {
  readonly life: Life
  readonly controller: Controller
  readonly started: Promise<void>
}

/** Replaces a seam of the controller by one that is broken, to show that the simulation notices. */
export type Tamper = (seams: ControllerSeams) => ControllerSeams
type ControllerSeams = ConstructorParameters<typeof Controller>[0]

export class World {
  readonly clock = new VirtualClock(startMs)
  readonly story = new Story(this.clock)
  readonly hazards = new Hazards()
  readonly machine = new MemoryMachine(this.clock)
  readonly proxy = new MemoryProxy(this.clock, (address) => this.machine.answer(address) !== 'refused')
  readonly #people: People
  readonly #monitors = new Monitors(this.machine)
  readonly #tamper: Tamper
  readonly #releases = new Map<string, Release>()
  readonly #decisions: ReleaseRecord[] = []
  readonly #store: Store
  readonly #probe = new MemoryProbe(this.clock, this.machine)
  readonly #leaving = new Map<string, number>()
  readonly #ended = new AbortController()
  #reign: Reign | undefined
  #violation: Violation | undefined
  #dirty = false
  /** Calls so far that change instances or routes. */
  acts = 0
  /** Commands that have no answer yet. */
  pending = 0
  readonly startedAtMs = startMs

  constructor(seed: number, tamper: Tamper = (seams) => seams) {
    this.#tamper = tamper
    this.#store = this.#witnessed(createMemoryStore())
    fillImages(this.machine.images)
    this.machine.listen('controller', (event) => this.#onMachine(event))
    this.#people = new People(
      {
        controller: () => this.#ruler(),
        instances: ({ scope }) => this.#instancesOf(scopeName(scope)),
        decisions: ({ scope }) =>
          this.#decisions.filter(({ release }) => scopeName(release) === scopeName(scope)).length,
        condemn: (instance) => this.#monitors.condemn(instance),
      },
      this.story,
    )
    const random = seededRandom(seed ^ 0x5eed)
    void this.#pulse()
    void sendRequests(this.proxy, this.clock, random, this.#traffic, this.#ended.signal)
  }

  get violation(): Violation | undefined {
    return this.#violation
  }

  truth(): WorldTruth {
    return {
      nowMs: this.clock.now(),
      releases: this.#releases,
      fleets: fleetsOf(this.#releases.values(), this.machine.instances, this.#servers()),
      leaving: new Set(this.#leaving.keys()),
    }
  }

  async give(command: Command): Promise<Answer> {
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
      this.#check()
    }
    if (!this.#violation) await this.clock.runUntil(atMs)
  }

  /** No further mishap, and what was away is back. */
  calm(): void {
    this.story.tell('mishap', 'no more mishaps')
    this.hazards.disarm()
    this.machine.reachable = true
    for (const { order } of this.machine.instances) this.machine.force(order.name, undefined)
    void this.#ruler()
  }

  async end(): Promise<void> {
    this.#ended.abort()
    this.#reign?.life.end({ finishing: false })
    await this.clock.runUntil(this.clock.now())
  }

  suffer(mishap: Mishap): void {
    this.story.tell('mishap', actionWords({ ...mishap, afterMs: 0 }))
    this.hazards.count(mishap.kind)
    this.#strike(mishap)
    this.#dirty = true
  }

  #strike(mishap: Mishap): void {
    switch (mishap.kind) {
      case 'death':
        return this.#kill(mishap.pick, mishap.outOfMemory)
      case 'sickness':
        return void this.#sicken(mishap.pick, mishap.answer, mishap.forMs)
      case 'crash':
        if (mishap.calls > 0) return this.hazards.armCrash(mishap)
        return this.#reign?.life.end(mishap)
      case 'engine-calls':
        return this.hazards.armFaults('engine', mishap.fault, mishap.calls)
      case 'router-calls':
        return this.hazards.armFaults('router', mishap.fault, mishap.calls)
      case 'engine-away':
        return void this.#away((away) => (this.machine.reachable = !away), mishap.forMs)
      case 'router-away':
        return void this.#away((away) => (this.hazards.routerIsAway = away), mishap.forMs)
      case 'engine-restart':
        this.#disturb({ kind: 'all' })
        return this.machine.restart()
      case 'router-restart':
        this.#disturb({ kind: 'all' })
        return this.proxy.crash()
      case 'controller-restart':
        return void this.#restartController()
      case 'events':
        return void this.#garbleEvents(mishap.fault, mishap.forMs)
    }
  }

  #kill(pick: number, outOfMemory: boolean): void {
    const name = this.#pickRunning(pick)
    if (!name) return
    this.story.tell('mishap', `${name} dies`)
    this.#disturb({ kind: 'instance', instance: name })
    this.machine.die(name, { code: 137, outOfMemory })
  }

  async #sicken(pick: number, answer: 'unhealthy' | 'silent', forMs: number): Promise<void> {
    const name = this.#pickRunning(pick)
    if (!name) return
    this.story.tell('mishap', `${name} is ${answer}`)
    this.#disturb({ kind: 'instance', instance: name })
    this.machine.force(name, answer)
    await this.clock.sleep(forMs)
    this.machine.force(name, undefined)
  }

  async #away(turn: (away: boolean) => void, forMs: number): Promise<void> {
    turn(true)
    await this.clock.sleep(forMs)
    turn(false)
  }

  async #garbleEvents(fault: NonNullable<Hazards['events']>, forMs: number): Promise<void> {
    this.hazards.events = fault
    await this.clock.sleep(forMs)
    if (this.hazards.events === fault) this.hazards.events = undefined
  }

  async #restartController(): Promise<void> {
    const reign = this.#reign
    if (!reign || reign.life.isOver) return
    await Promise.race([reign.controller.stop(), reign.life.over])
    this.story.tell('controller', 'stopped')
    reign.life.end({ finishing: true })
  }

  /** The controller that lives, started where none does. */
  async #ruler(): Promise<{ readonly controller: Controller; readonly life: Life }> {
    if (!this.#reign || this.#reign.life.isOver) this.#reign = this.#enthrone()
    const reign = this.#reign
    await Promise.race([reign.started, reign.life.over])
    return reign.life.isOver ? this.#ruler() : reign
  }

  #enthrone(): Reign {
    const life = new Life(this.clock, this.hazards, this.story, {
      onCall: (call) => this.#onCall(call),
      onCallEnd: (call, outcome) => this.#onCallEnd(call, outcome),
    })
    const gone = life.gone.signal
    const engine = new MemoryEngine(this.machine, { timings, gone, lost: life.lost.signal })
    const router = new MemoryRouter(this.proxy, this.clock, gone)
    const seams = this.#tamper({
      clock: life.clock,
      engine: aroundEngine(engine, life.around, life.deliver),
      router: aroundRouter(router, life.around, life.deliver),
      store: aroundStore(this.#store, life.around),
      probe: { probe: (...question) => life.whileAlive(() => this.#probe.probe(...question)) },
      info: { pid: 1, socket: '/simulated' },
      log: (line) => life.isOver || this.story.tell('controller', line),
    })
    const controller = new Controller(seams)
    this.story.tell('controller', 'starts')
    void life.over.then(() => this.#mourn())
    return { life, controller, started: this.#start(controller, life) }
  }

  async #start(controller: Controller, life: Life): Promise<void> {
    await controller.start()
    if (!life.isOver) this.story.tell('controller', 'has started')
  }

  async #mourn(): Promise<void> {
    this.story.tell('controller', 'is dead')
    this.#leaving.clear()
    this.#disturb({ kind: 'controller' })
    await this.clock.sleep(restartRetryMs)
    if (!this.#ended.signal.aborted) await this.#ruler()
  }

  #pickRunning(pick: number): string | undefined {
    const names = [...this.machine.instances]
      .filter(({ process }) => process && !process.exit)
      .map(({ order }) => order.name)
    return names[Math.floor(pick * names.length)]
  }

  #servers(): readonly RouterServer[] {
    return [...this.proxy.servers.values()].map((server) => {
      const { pool, instance, address, draining, sessions } = server
      const state = draining ? 'draining' : this.proxy.answers(server) ? 'in' : 'down'
      return { pool, instance, address, state, sessions: sessions.size }
    })
  }

  #instancesOf(scope: string): readonly string[] {
    return [...this.machine.instances].filter(({ order }) => scopeName(order) === scope).map(({ order }) => order.name)
  }

  /** Keeps the truth about what was decided, whoever lives to hear of it. */
  #witnessed(store: Store): Store {
    return {
      ...store,
      decide: async (decision) => {
        const outcome = await store.decide(decision)
        const { record } = outcome
        this.#decisions.push(record)
        this.#releases.set(scopeName(record.release), record.release)
        this.story.tell('store', `${scopeName(record.release)}: ${record.decision}, ${record.reason}`)
        this.#watch(() => this.#monitors.onDecision(record, this.truth()))
        return outcome
      },
    }
  }

  #onCall(call: Call): void {
    if (call.verb !== 'reserve') this.acts++
    this.story.tell(call.on === 'engine' ? 'engine' : 'router', `${call.verb} ${call.subject}`)
    this.#watch(() => this.#monitors.onCall(call, this.truth()))
    if (takesOut(call)) this.#leaving.set(call.subject, (this.#leaving.get(call.subject) ?? 0) + 1)
  }

  #onCallEnd(call: Call, outcome: 'done' | 'failed'): void {
    if (outcome === 'failed') this.story.tell('engine', `${call.verb} ${call.subject} failed`)
    if (takesOut(call)) {
      const left = (this.#leaving.get(call.subject) ?? 1) - 1
      if (left > 0) this.#leaving.set(call.subject, left)
      else this.#leaving.delete(call.subject)
    }
    this.#dirty = true
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
      this.#violation ??= error.violation
    }
  }
}

/** Calls after which an instance is not meant to serve. */
function takesOut({ on, verb }: Call): boolean {
  return (on === 'engine' && verb === 'destroy') || (on === 'router' && verb === 'remove')
}
