/** What fleets share: the router's routes, and each environment's network and namespaces. */
import { asRepaveError, type RepaveError } from '../errors.ts'
import { type Scope, scopeName } from '../model/stack.ts'
import { Retries } from './retries.ts'
import { sameRoutes, wantedRoutes } from './routes.ts'
import type { Seams } from './seams.ts'
import type { ScopeView, Sight } from './views.ts'

/** Each namespace that is kept ahead costs some memory. */
const mostSpares = 32
/** In a small fleet, while one instance is made, the namespace of the one before it is still being given back. */
const mostDoubled = 8

export class Upkeep {
  readonly #seams: Seams
  readonly #onEnd: () => void
  readonly #underWay = new Set<string>()
  readonly #retries = new Retries()
  readonly #reserved = new Map<string, number>()

  constructor(seams: Seams, onEnd: () => void) {
    this.#seams = seams
    this.#onEnd = onEnd
  }

  troubles(): readonly RepaveError[] {
    return this.#retries.errors()
  }

  nextRetryAtMs(nowMs: number): number | undefined {
    return this.#retries.nextTimeMs(nowMs)
  }

  /** What was made ahead may be lost or used up: there, or everywhere. */
  forget(scope?: Scope): void {
    if (scope) this.#reserved.delete(scopeName(scope))
    else this.#reserved.clear()
  }

  isDone(view: ScopeView, views: readonly ScopeView[], sight: Sight): boolean {
    if (this.#underWay.has('routes') || this.#underWay.has(`retire ${scopeName(view.scope)}`)) return false
    return sameRoutes(wantedRoutes(views, sight.router), sight.router.services) && !isHollow(view, sight)
  }

  tend(views: readonly ScopeView[], sight: Sight, isSettled: (scope: Scope) => boolean): void {
    this.#tendRoutes(views, sight)
    for (const view of views) {
      if (isHollow(view, sight)) this.#retire(view.scope)
      else if (isWanted(view) && isSettled(view.scope)) this.#reserve(view)
    }
    const known = new Set(views.map(({ scope }) => scopeName(scope)))
    const occupied = new Set(sight.engine.instances.map(scopeName))
    for (const scope of sight.engine.scopes)
      if (!known.has(scopeName(scope)) && !occupied.has(scopeName(scope))) this.#retire(scope)
  }

  #tendRoutes(views: readonly ScopeView[], sight: Sight): void {
    const wanted = wantedRoutes(views, sight.router)
    if (sameRoutes(wanted, sight.router.services)) this.#retries.forget('routes')
    else this.#attempt('routes', () => this.#seams.router.configure(wanted))
  }

  #retire(scope: Scope): void {
    this.#reserved.delete(scopeName(scope))
    this.#attempt(`retire ${scopeName(scope)}`, () => this.#seams.engine.retire(scope))
  }

  #reserve({ scope, fleets }: ScopeView): void {
    const surge = Math.max(0, ...fleets.map(({ target }) => target.surge))
    const count = Math.min(mostSpares, Math.max(surge, Math.min(2 * surge, mostDoubled)))
    const name = scopeName(scope)
    if (this.#reserved.get(name) === count) return
    this.#attempt(`reserve ${name}`, async () => {
      // Noted first: what is used up meanwhile is forgotten, and made again.
      this.#reserved.set(name, count)
      await this.#seams.engine.reserve(scope, count).catch((error: unknown) => {
        this.#reserved.delete(name)
        throw error
      })
    })
  }

  #attempt(name: string, work: () => Promise<void>): void {
    if (this.#underWay.has(name) || !this.#retries.isDue(name, this.#seams.clock.steady())) return
    this.#underWay.add(name)
    void this.#run(name, work)
  }

  async #run(name: string, work: () => Promise<void>): Promise<void> {
    const error = await work().then(() => undefined, asRepaveError)
    this.#underWay.delete(name)
    this.#retries.note(name, error, this.#seams.clock.steady())
    if (error) this.#seams.log(`${name} failed: ${error.message}`)
    this.#onEnd()
  }
}

function isWanted({ record }: ScopeView): boolean {
  return Object.keys(record.release.services).length > 0
}

/** Nothing is wanted and nothing runs, and the engine still holds something for it. */
function isHollow(view: ScopeView, { engine }: Sight): boolean {
  if (isWanted(view) || view.fleets.some(({ instances }) => instances.length > 0)) return false
  return engine.scopes.some((scope) => scopeName(scope) === scopeName(view.scope))
}
