/** What must not run, as the store has it, kept at hand: the loop asks in every pass. */
import { RepaveError } from '../errors.ts'
import { type Refusable, refusalOf } from '../guard/refusals.ts'
import { canonicalJson } from '../model/canonical.ts'
import type { Entry } from '../model/entry.ts'
import { isHolding, type Lifted, type NewRefusal, type Refusal, refusedName } from '../model/refusal.ts'
import type { ServiceRelease } from '../model/release.ts'
import { type FleetKey, type Scope, scopeName } from '../model/stack.ts'
import { type ImageDigest, versionName } from '../model/version.ts'
import { type Examined, type ImagesInUse, Inventory } from './inventory.ts'
import { answered } from './record-decision.ts'
import type { Seams } from './seams.ts'

/** A refusal that could not be held against a service: its image does not say what it holds. */
export interface Unjudged {
  readonly service: string
  readonly refusal: Refusal
  readonly why: string
}

export class Refusals {
  readonly #seams: Pick<Seams, 'store' | 'clock' | 'engine'>
  readonly #inventory: Inventory
  /** By scope name, newest first, lifted ones too. */
  #all: ReadonlyMap<string, readonly Refusal[]> = new Map()

  constructor(seams: Pick<Seams, 'store' | 'clock' | 'engine'>) {
    this.#seams = seams
    this.#inventory = new Inventory(seams.engine)
  }

  async recover(): Promise<void> {
    this.#all = Map.groupBy(await this.#seams.store.refusals(), scopeName)
  }

  /** Newest first, lifted ones too. */
  all(scope: Scope): readonly Refusal[] {
    return this.#all.get(scopeName(scope)) ?? []
  }

  /** Why `released` must not run in a fleet; undefined where it may. */
  of(key: FleetKey, released: Refusable): Refusal | undefined {
    return refusalOf(key, released, this.all(key))
  }

  /** One that says all that `refusal` does. */
  same(refusal: NewRefusal): Refusal | undefined {
    return this.all(refusal).find(
      (each) =>
        !each.lifted && isSameContent(each, refusal) && hasFound(each, refusal) && (each.isRecall || !refusal.isRecall),
    )
  }

  /** With what is known of those of these images that the engine has. */
  examine(refusal: NewRefusal, images: ImagesInUse): Promise<Examined> {
    return this.#inventory.examine(refusal, images)
  }

  /**
   * Throws VERSION_REFUSED for the first of these services that must not run. Images that no refusal of a base or a
   * package knows are looked into; which could not be judged is answered.
   */
  async admit(scope: Scope, services: Readonly<Record<string, ServiceRelease>>): Promise<readonly Unjudged[]> {
    const unjudged: Unjudged[] = []
    for (const [service, released] of Object.entries(services)) {
      const refusal = this.of({ ...scope, service }, released)
      if (refusal) throw versionRefused(service, released, refusal)
      unjudged.push(...(await this.#lookInto(scope, service, released)))
    }
    return unjudged
  }

  async #lookInto(scope: Scope, service: string, released: ServiceRelease): Promise<readonly Unjudged[]> {
    const unjudged: Unjudged[] = []
    for (const refusal of this.all(scope).filter((each) => !each.lifted && mayConcern(each, service))) {
      const holding = await this.#inventory.judge(released.spec.image, refusal)
      if (holding?.kind === 'holds') throw versionRefused(service, released, refusal, holding.what)
      if (holding?.kind === 'unknown') unjudged.push({ service, refusal, why: holding.why })
    }
    return unjudged
  }

  /** Takes in what was recorded with a decision. */
  note(refused: readonly Refusal[]): void {
    for (const refusal of refused) {
      const others = this.all(refusal).filter(({ id }) => id !== refusal.id)
      this.#all = new Map(this.#all).set(
        scopeName(refusal),
        [refusal, ...others].toSorted((a, b) => b.id - a.id),
      )
    }
  }

  async refuse(refusal: NewRefusal, entry: Entry): Promise<Refusal> {
    const recorded = await this.#written(
      () => this.#seams.store.refuse(refusal, entry),
      () => this.same(refusal),
    )
    this.note([recorded])
    return recorded
  }

  async lift(refusal: Refusal, lifted: Lifted, entry: Entry): Promise<Refusal> {
    const recorded = await this.#written(
      async () => this.#seams.store.lift(refusal.id, lifted, entry).then(() => ({ ...refusal, lifted })),
      () => this.all(refusal).find((each) => each.id === refusal.id && each.lifted),
    )
    this.note([recorded])
    return recorded
  }

  /** A store that fails may have recorded it all the same: what it has then counts. */
  async #written(write: () => Promise<Refusal>, find: () => Refusal | undefined): Promise<Refusal> {
    try {
      return await write()
    } catch (error) {
      await answered(() => this.recover(), this.#seams.clock)
      const recorded = find()
      if (recorded) return recorded
      throw error
    }
  }
}

/** Which images it was found to be about is no part of that. */
export function isSameContent(a: Pick<Refusal, 'what' | 'service'>, b: Pick<Refusal, 'what' | 'service'>): boolean {
  return a.service === b.service && contentText(a) === contentText(b)
}

function contentText({ what }: Pick<Refusal, 'what'>): string {
  return canonicalJson(isHolding(what) ? { ...what, found: {} } : what)
}

function hasFound({ what }: Pick<Refusal, 'what'>, { what: wanted }: Pick<Refusal, 'what'>): boolean {
  if (!isHolding(what) || !isHolding(wanted)) return true
  return Object.keys(wanted.found).every((image) => Object.hasOwn(what.found, image))
}

function mayConcern(refusal: Refusal, service: string): boolean {
  return refusal.service === undefined || refusal.service === service
}

function versionRefused(
  service: string,
  { version, spec }: ServiceRelease,
  refusal: Refusal,
  found = foundIn(refusal, spec.image),
): RepaveError {
  const { id, by, reason, atMs } = refusal
  const name = versionName(service, version)
  const refused = refusedName(refusal)
  const what = refused === name ? 'it' : refused
  const holds = found === undefined ? '' : `; its image holds ${found}`
  return new RepaveError(
    'VERSION_REFUSED',
    `${name} must not run in ${scopeName(refusal)}: ${by} refused ${what} at ${new Date(atMs).toISOString()}: ${reason}${holds}`,
    {
      hint: `bring up another version; \`repave refuse --lift ${id} --reason …\` lets this one run again`,
      about: ['services', service],
    },
  )
}

function foundIn({ what }: Refusal, image: ImageDigest): string | undefined {
  return isHolding(what) ? what.found[image] : undefined
}
