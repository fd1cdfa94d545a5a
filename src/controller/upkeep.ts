/** What fleets share: the router's routes, and each environment's network and namespaces. */
import { asRepaveError, type RepaveError } from '../errors.ts'
import { routeUrl } from '../model/route.ts'
import { type FleetKey, type Scope, scopeName } from '../model/stack.ts'
import type { Fleet } from '../plan/fleet.ts'
import { wantedSplit } from '../plan/split.ts'
import { poolName, type PoolName, type RoutedService } from '../router/router.ts'
import { recorded, type Subject } from './records.ts'
import { Retries } from './retries.ts'
import { routesOf, sameRoutes, wantedRoutes } from './routes.ts'
import type { Seams } from './seams.ts'
import type { ScopeView, Sight } from './views.ts'

/** Each namespace that is kept ahead costs some memory. */
const mostSpares = 32
/** In a small fleet, while one instance is made, the namespace of the one before it is still being given back. */
const mostDoubled = 8

/** The environment, or the fleet, that an effect is about. */
type About = Scope & Partial<FleetKey>

export class Upkeep {
  readonly #seams: Seams
  readonly #onEnd: () => void
  readonly #underWay = new Set<string>()
  /** Of those, the splits: by name, which pool is to give how much to lane b. */
  readonly #splitting = new Map<string, readonly [PoolName, number]>()
  /** The pools that the router was given last. */
  #configuring: ReadonlySet<PoolName> = new Set()
  readonly #retries = new Retries()

  constructor(seams: Seams, onEnd: () => void) {
    this.#seams = seams
    this.#onEnd = onEnd
  }

  /** What is being changed of the router. */
  changing(): Pick<Sight, 'splitting' | 'configuring'> {
    const isConfiguring = this.#underWay.has(effectName('configure'))
    return { splitting: new Map(this.#splitting.values()), ...(isConfiguring && { configuring: this.#configuring }) }
  }

  troubles(): readonly RepaveError[] {
    return this.#retries.errors()
  }

  nextRetryAtMs(nowMs: number): number | undefined {
    return this.#retries.nextTimeMs(nowMs)
  }

  /** What this environment still lacks of what it shares with others, in words; what those lack is not waited for. */
  remaining(view: ScopeView, views: readonly ScopeView[], sight: Sight): readonly string[] {
    const [wanted, present] = [wantedRoutes(views, sight.router), sight.router.services]
    const areRoutesSame = sameRoutes(routesOf(wanted, view.scope), routesOf(present, view.scope))
    const isConfiguring = this.#underWay.has(effectName('configure')) || !areRoutesSame
    const isRetiring = this.#underWay.has(effectName('retire', view.scope)) || isHollow(view, sight)
    return [
      ...(isConfiguring ? ['the router is being given its routes'] : []),
      ...(isRetiring ? ['its network is being removed'] : []),
    ]
  }

  /** Gives each lane of each fleet the share of the requests that it should have now. Resolves once that is so. */
  async tendSplits(views: readonly ScopeView[], sight: Sight): Promise<void> {
    await Promise.all(views.flatMap(({ fleets }) => fleets.map((fleet) => this.#tendSplit(fleet, sight))))
  }

  tend(views: readonly ScopeView[], sight: Sight, isSettled: (scope: Scope) => boolean): void {
    this.#tendRoutes(views, sight)
    void this.tendSplits(views, sight)
    for (const view of views) {
      if (isHollow(view, sight)) this.#retire(view.scope)
      else if (isWanted(view) && isSettled(view.scope)) this.#reserve(view, sight)
    }
    const known = new Set(views.map(({ scope }) => scopeName(scope)))
    const occupied = new Set(sight.engine.instances.map(scopeName))
    for (const scope of sight.engine.scopes)
      if (!known.has(scopeName(scope)) && !occupied.has(scopeName(scope))) this.#retire(scope)
  }

  #tendRoutes(views: readonly ScopeView[], sight: Sight): void {
    const wanted = wantedRoutes(views, sight.router)
    const isSame = sameRoutes(wanted, sight.router.services)
    const reason = isSame ? 'a certificate was renewed, or another build configured the router' : routeWords(wanted)
    if (isSame && !sight.router.isOutdated) this.#retries.forget(effectName('configure'))
    else if (this.#attempt('configure', undefined, reason, () => this.#seams.router.configure(wanted)))
      this.#configuring = new Set(wanted.map(({ pool }) => pool))
  }

  async #tendSplit(fleet: Fleet, { router }: Sight): Promise<void> {
    const pool = poolName(fleet.key)
    const toB = wantedSplit(fleet)
    if (toB === fleet.split || !router.services.some((service) => service.pool === pool)) return
    const reason = `${toB} of 1000 requests go to lane b, after ${fleet.split}`
    const work = () => this.#seams.router.split(pool, toB)
    const begun = this.#attempt('split', fleet.key, reason, work)
    if (begun) this.#splitting.set(effectName('split', fleet.key), [pool, toB])
    await begun
  }

  #retire(scope: Scope): void {
    void this.#attempt('retire', scope, 'nothing of it is wanted any more', () => this.#seams.engine.retire(scope))
  }

  #reserve({ scope, fleets }: ScopeView, { engine }: Sight): void {
    const surge = Math.max(0, ...fleets.map(({ target }) => mostAhead(target)))
    const count = Math.min(mostSpares, Math.max(surge, Math.min(2 * surge, mostDoubled)))
    const spares = engine.scopes.find((each) => scopeName(each) === scopeName(scope))?.spares ?? 0
    const reason = `${count} network namespaces ahead of need`
    if (spares !== count) void this.#attempt('reserve', scope, reason, () => this.#seams.engine.reserve(scope, count))
  }

  /** Resolves once it has ended. Undefined where it is under way already, or not due yet. */
  #attempt(
    kind: string,
    about: About | undefined,
    reason: string,
    work: () => Promise<void>,
  ): Promise<void> | undefined {
    const name = effectName(kind, about)
    if (this.#underWay.has(name) || !this.#retries.isDue(name, this.#seams.clock.steady())) return undefined
    this.#underWay.add(name)
    const subject = subjectOf(about)
    return this.#run(name, () => recorded(this.#seams, subject, { kind, reason }, work))
  }

  async #run(name: string, work: () => Promise<void>): Promise<void> {
    const error = await work().then(() => undefined, asRepaveError)
    this.#underWay.delete(name)
    this.#splitting.delete(name)
    this.#retries.note(name, error, this.#seams.clock.steady())
    if (error) this.#seams.log(`${name} failed: ${error.message}`)
    this.#onEnd()
  }
}

function subjectOf(about: About | undefined): Subject {
  if (!about) return {}
  const { stack, environment, service } = about
  return { stack, environment, ...(service !== undefined && { service }) }
}

function effectName(kind: string, about?: About): string {
  if (!about) return kind
  return `${kind} ${scopeName(about)}${about.service === undefined ? '' : `/${about.service}`}`
}

function routeWords(services: readonly RoutedService[]): string {
  const urls = services.flatMap(({ routes }) => routes.map(routeUrl))
  return urls.length > 0 ? urls.join(', ') : 'no routes'
}

function isWanted({ record }: ScopeView): boolean {
  return Object.keys(record.release.services).length > 0
}

/** Where versions must not overlap, the next one is made beside the one that serves, and only started later. */
function mostAhead({ isApart, replicas, surge }: Fleet['target']): number {
  return isApart ? replicas : surge
}

/** Nothing is wanted and nothing runs, and the engine still holds something for it. */
function isHollow(view: ScopeView, { engine }: Sight): boolean {
  if (isWanted(view) || view.fleets.some(({ instances }) => instances.length > 0)) return false
  return engine.scopes.some((scope) => scopeName(scope) === scopeName(view.scope))
}
