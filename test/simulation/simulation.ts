/** One seed, one world: its history, then quiet, then the question whether all is as it should be. */
import { seededRandom } from '../../src/system/random.ts'
import { refusalOf } from '../../src/guard/refusals.ts'
import { scopeName, type Scope } from '../../src/model/stack.ts'
import { shortVersion } from '../../src/model/version.ts'
import { becomesHealthy, imagesOf, scopes, type StackChoice } from './catalogue.ts'
import { drawFinale, drawHistory } from './draw.ts'
import type { FaultName } from './faults.ts'
import { divergence, leftovers, routeWords } from './fleet-truth.ts'
import type { MilestoneName } from './milestones.ts'
import { isCommand, type Action, type Command, type History, type Profile } from './history.ts'
import type { InvariantName, Violation } from './invariants/invariant.ts'
import type { Answer } from './people.ts'
import { World, type Tamper } from './world.ts'

export interface SimulationOptions {
  readonly seed: number
  readonly steps?: number
  readonly history?: History
  readonly tamper?: Tamper
  /** The one promise that is looked at; absent: all. */
  readonly only?: InvariantName
  /** Whether it is not compared with the same world without crashes. */
  readonly isAlone?: boolean
}

export interface Outcome {
  readonly seed: number
  readonly profile: Profile
  readonly history: History
  readonly violation?: Violation
  readonly story: readonly string[]
  /** Timers that fired. */
  readonly steps: number
  /** Effects that were asked for. */
  readonly acts: number
  /** Effects and records that were asked for: the moments at which a crash may strike. */
  readonly moments: number
  /** Controllers that were started after another one had died. */
  readonly recoveries: number
  readonly virtualMs: number
  /** How often each kind of mishap struck. */
  readonly struck: ReadonlyMap<FaultName, number>
  /** How far its rollouts and people came. */
  readonly reached: ReadonlyMap<MilestoneName, number>
  /** What runs in the end: fleet by fleet, version and number. */
  readonly ending: string
}

export const defaultSteps = 6

export async function simulate(options: SimulationOptions): Promise<Outcome> {
  const { seed, steps = defaultSteps } = options
  const history = options.history ?? drawHistory(seededRandom(seed), steps)
  const outcome = await live(history, options)
  if (outcome.violation || !isCompared(history, options)) return outcome
  const undisturbed = await live({ ...history, isShort: true, actions: history.actions.filter(isCommand) }, options)
  if (undisturbed.violation) return undisturbed
  const message = `it ends as ${outcome.ending}, and without crashes as ${undisturbed.ending}`
  return undisturbed.ending === outcome.ending ? outcome : { ...outcome, violation: failed('kill anything', message) }
}

async function live(history: History, options: SimulationOptions): Promise<Outcome> {
  const { seed, tamper, only } = options
  const world = new World(seed, tamper, only)
  const simulation = new Simulation(world, drawFinale(seededRandom(seed + 1)))
  const violation = await simulation.run(history, only)
  await world.end()
  return {
    seed,
    profile: history.profile,
    history,
    ...(violation && { violation }),
    story: world.story.lines,
    steps: world.steps,
    acts: world.acts,
    moments: world.moments,
    recoveries: world.recoveries,
    virtualMs: world.clock.now() - world.startedAtMs,
    struck: world.hazards.struck,
    reached: await world.milestones(),
    ending: simulation.ending,
  }
}

/** Where only crashes are left to chance, and no image is of the doubtful kind, a run without them must end alike. */
function isCompared({ patient, actions }: History, { isAlone, only }: SimulationOptions): boolean {
  if (isAlone || (only && only !== 'kill anything')) return false
  const choices = actions.flatMap((action) => (action.kind === 'up' ? [action.choice] : []))
  return patient && choices.every(isForeseeable)
}

/** Of services that go back together, which were proven before that is a matter of moments. */
function isForeseeable(choice: StackChoice): boolean {
  const images = Object.values(choice).map(({ image }) => image)
  const are = (quality: 'good' | 'bad') => images.every((image) => imagesOf(quality).includes(image))
  return are('good') || are('bad')
}

class Simulation {
  readonly #world: World
  readonly #finale: StackChoice
  /** What ran when the history had ended and all had come to rest. */
  ending = ''

  constructor(world: World, finale: StackChoice) {
    this.#world = world
    this.#finale = finale
  }

  async run({ actions, patient, isShort }: History, only: InvariantName | undefined): Promise<Violation | undefined> {
    const history = [() => this.#play(actions, patient), () => this.#rest()]
    const finale = [
      () => this.#bringUpWell(),
      () => this.#bringUpAgain(),
      () => this.#goBack(),
      () => this.#takeDown(),
      () => this.#audit(),
    ]
    for (const stage of [...history, ...(isShort ? [] : finale)]) {
      const violation = await stage()
      // What was broken on the way says more than what then did not come about.
      if (this.#world.violation) return this.#world.violation
      if (violation && (!only || violation.invariant === only)) return violation
    }
    return undefined
  }

  async #play(actions: readonly Action[], patient: boolean): Promise<undefined> {
    for (const action of actions) {
      // Who steers is about what is not done yet.
      if (patient && isCommand(action) && action.kind !== 'steer') await this.#until(() => this.#obstacle(), patienceMs)
      await this.#world.runUntil(this.#world.clock.now() + action.afterMs)
      if (this.#world.violation) return
      if (isCommand(action)) void this.#world.give(action)
      else this.#world.suffer(action)
    }
  }

  /** The mishaps stop: what was decided last must come about, unless it can't. */
  async #rest(): Promise<Violation | undefined> {
    this.#world.calm()
    // Whatever is left as it is waits for people.
    for (const scope of scopes)
      if (this.#world.truth().releases.has(scopeName(scope))) await this.#answered({ kind: 'acknowledge', scope })
    const obstacle = await this.#until(() => this.#obstacle(), restMs)
    if (this.#world.violation) return this.#world.violation
    const reason = this.#unjudged() ?? (this.#isDoubtful() ? undefined : obstacle)
    if (reason) return failed('converges', reason)
    this.ending = await this.#picture()
    return undefined
  }

  /** A good version after all of that must come up, and be told to have. */
  async #bringUpWell(): Promise<Violation | undefined> {
    for (const scope of scopes) await this.#liftAll(scope)
    const answer = await this.#answered({ kind: 'up', scope: scopes[0]!, choice: this.#finale })
    if (!isOk(answer)) return failed('converges', `a good release does not come up: ${words(answer)}`)
    const obstacle = await this.#obstacleIn(scopeName(scopes[0]!))
    return obstacle ? failed('converges', `up is done, and ${obstacle}`) : undefined
  }

  async #liftAll(scope: Scope): Promise<void> {
    while (this.#world.isAnythingRefused(scope) && !this.#world.violation)
      if (!isOk(await this.#answered({ kind: 'lift', scope }))) return
  }

  async #bringUpAgain(): Promise<Violation | undefined> {
    const acts = this.#world.acts
    const isQuiet = !this.#isDoubtful() && !this.#isAnythingAside()
    const answer = await this.#answered({ kind: 'up', scope: scopes[0]!, choice: this.#finale })
    if (!isOk(answer) || answer.result.changed) return failed('converges', `a second up is not idle: ${words(answer)}`)
    if (!isQuiet || this.#world.acts === acts) return undefined
    return failed('converges', 'a second up does something')
  }

  /** Any version that was proven and is not refused can be had again, if its image can be relied on. */
  async #goBack(): Promise<Violation | undefined> {
    const [scope] = scopes
    const current = this.#world.truth().releases.get(scopeName(scope!))?.services ?? {}
    const refusals = await this.#world.store.refusals()
    const target = (await this.#world.store.versions(scope!)).find(
      (record) =>
        record.state === 'proven' &&
        becomesHealthy(record.service, record.imageName) &&
        current[record.service]?.version !== record.version &&
        !refusalOf(record, record, refusals),
    )
    if (!target) return undefined
    const to = `${target.service}@${shortVersion(target.version)}`
    const answer = await this.#answered({ kind: 'rollback', scope: scope!, to })
    if (!isOk(answer)) return failed('a way back', `a rollback to ${to} does not come about: ${words(answer)}`)
    const isBack = this.#world.truth().releases.get(scopeName(scope!))?.services[target.service]?.version
    if (isBack !== target.version) return failed('a way back', `the rollback to ${to} is done, and that is not wanted`)
    const obstacle = await this.#obstacleIn(scopeName(scope!))
    return obstacle ? failed('a way back', `the rollback to ${to} is done, and ${obstacle}`) : undefined
  }

  async #takeDown(): Promise<Violation | undefined> {
    for (const scope of scopes) {
      if (!this.#world.truth().releases.has(scopeName(scope))) continue
      const answer = await this.#answered({ kind: 'down', scope })
      if (!isOk(answer)) return failed('converges', `down fails: ${words(answer)}`)
    }
    const [instance] = this.#world.machine.instances
    if (instance) return failed('converges', `${instance.order.name} is still there after down`)
    const { services } = this.#world.proxy
    if (services[0] || this.#world.proxy.servers.size > 0)
      return failed('converges', 'the router has something after down')
    const held = this.#world.machine.scopes('controller')
    return held[0] ? failed('converges', `the engine holds something for ${scopeName(held[0])} after down`) : undefined
  }

  /** All of that is in the ledger, signed, and can be verified; and whoever is to be told of it was. */
  async #audit(): Promise<Violation | undefined> {
    const { clock } = this.#world
    for (const endMs = clock.now() + signMs; ;) {
      await this.#world.runUntil(clock.now() + lookEveryMs)
      const missing = (await this.#unpublished()) ?? (await this.#untold())
      // What could not be published or told for a while is so later.
      if (!missing || clock.now() >= endMs) return missing
    }
  }

  async #unpublished(): Promise<Violation | undefined> {
    const { report, recorded } = await this.#world.audit()
    if (report.ok && report.size === recorded) return undefined
    const [problem] = report.problems
    return failed(
      'on the record',
      problem?.message ?? `${recorded} entries are recorded, and ${report.size} are signed`,
    )
  }

  async #untold(): Promise<Violation | undefined> {
    const [untold] = await this.#world.untold()
    return untold === undefined ? undefined : failed('told', `nobody was told of ${untold}`)
  }

  async #answered(command: Command): Promise<Answer | undefined> {
    let answer: Answer | undefined
    void this.#world.give(command).then((given) => (answer = given))
    await this.#until(() => (answer ? undefined : 'no answer'), answerMs)
    return answer
  }

  /** Runs on until nothing is in the way any more; what still is after `ms`. */
  async #until(obstacle: () => string | undefined, ms: number): Promise<string | undefined> {
    const { clock } = this.#world
    for (const endMs = clock.now() + ms; ;) {
      await this.#world.runUntil(clock.now() + lookEveryMs)
      const found = obstacle()
      if (!found || this.#world.violation || clock.now() >= endMs) return found
    }
  }

  #obstacle(): string | undefined {
    const truth = this.#world.truth()
    const busy = this.#world.pending > 0 ? 'a command has no answer' : undefined
    const held = this.#world.machine.scopes('controller').map(scopeName)
    return (
      busy ??
      truth.fleets.map(divergence).find(Boolean) ??
      leftovers(truth, held, this.#world.proxy.services) ??
      this.#unjudged()
    )
  }

  #unjudged(): string | undefined {
    const fleet = this.#world.unjudged()
    return fleet && `the rollout of ${fleet} has no verdict`
  }

  /** There is none once a command is done; what was kept warm may just be on its way out. */
  async #obstacleIn(scope: string): Promise<string | undefined> {
    const fleets = () => this.#world.truth().fleets.filter(({ key }) => scopeName(key) === scope)
    const isWarm = fleets().some(({ replaced }) => replaced !== undefined)
    const find = () => fleets().map(divergence).find(Boolean)
    return isWarm ? this.#until(find, coolMs) : find()
  }

  /** Whether something is to run that can't be relied on to. */
  #isDoubtful(): boolean {
    return this.#world
      .truth()
      .fleets.some(
        ({ key, wanted, isRefused }) => wanted && (isRefused || !becomesHealthy(key.service, wanted.imageName)),
      )
  }

  /** Whether something runs that is only kept ready, or tried: it may end at any time. */
  #isAnythingAside(): boolean {
    return this.#world
      .truth()
      .fleets.some(({ wanted, instances }) => instances.some(({ order }) => order.version !== wanted?.version))
  }

  /** What runs, what is routed to it, and what is on record of each version. */
  async #picture(): Promise<string> {
    const fleets = this.#world.truth().fleets.filter(({ wanted }) => wanted)
    const running = fleets.map(({ key, wanted, instances }) => {
      const own = instances.filter(({ order }) => order.version === wanted?.version)
      return `${scopeName(key)}/${key.service}: ${shortVersion(wanted?.version ?? '')} × ${own.length}`
    })
    const routed = this.#world.proxy.services.map(({ pool, routes }) => `${pool} at ${routeWords(routes)}`)
    const known = await Promise.all(scopes.map((scope) => this.#world.store.versions(scope)))
    const versions = known.flat().map(({ service, version, state }) => `${service}@${shortVersion(version)} ${state}`)
    return [running, routed, versions].map((lines) => lines.toSorted().join(', ')).join('; ')
  }
}

const restMs = 200_000
/** Longer than a deadline that a crash has begun anew, and another one. */
const patienceMs = 200_000
const answerMs = 240_000
const coolMs = 20_000
const lookEveryMs = 500
const signMs = 30_000

function isOk(answer: Answer | undefined): answer is Answer & { kind: 'result' } {
  return answer?.kind === 'result' && answer.result.ok
}

function words(answer: Answer | undefined): string {
  return answer ? JSON.stringify(answer) : 'no answer'
}

function failed(invariant: InvariantName, message: string): Violation {
  return { invariant, message }
}
