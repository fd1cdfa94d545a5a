/** What must not run, as the store has it, kept at hand: the loop asks in every pass. */
import { RepaveError } from '../errors.ts'
import { type Refusable, refusalOf } from '../guard/refusals.ts'
import { canonicalJson } from '../model/canonical.ts'
import type { Entry } from '../model/entry.ts'
import { type Lifted, type NewRefusal, type Refusal, refusedName } from '../model/refusal.ts'
import type { ServiceRelease } from '../model/release.ts'
import { type FleetKey, type Scope, scopeName } from '../model/stack.ts'
import { versionName } from '../model/version.ts'
import { answered } from './record-decision.ts'
import type { Seams } from './seams.ts'

export class Refusals {
  readonly #seams: Pick<Seams, 'store' | 'clock'>
  /** By scope name, newest first, lifted ones too. */
  #all: ReadonlyMap<string, readonly Refusal[]> = new Map()

  constructor(seams: Pick<Seams, 'store' | 'clock'>) {
    this.#seams = seams
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
      (each) => !each.lifted && isSameContent(each, refusal) && (each.isRecall || !refusal.isRecall),
    )
  }

  /** Throws VERSION_REFUSED for the first of these services that must not run. */
  admit(scope: Scope, services: Readonly<Record<string, ServiceRelease>>): void {
    for (const [service, released] of Object.entries(services)) {
      const refusal = this.of({ ...scope, service }, released)
      if (refusal) throw versionRefused(versionName(service, released.version), service, refusal)
    }
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

export function isSameContent(a: Pick<Refusal, 'what' | 'service'>, b: Pick<Refusal, 'what' | 'service'>): boolean {
  return a.service === b.service && canonicalJson(a.what) === canonicalJson(b.what)
}

function versionRefused(name: string, service: string, refusal: Refusal): RepaveError {
  const { id, by, reason, atMs } = refusal
  const refused = refusedName(refusal)
  const what = refused === name ? 'it' : refused
  return new RepaveError(
    'VERSION_REFUSED',
    `${name} must not run in ${scopeName(refusal)}: ${by} refused ${what} at ${new Date(atMs).toISOString()}: ${reason}`,
    {
      hint: `bring up another version; \`repave refuse --lift ${id} --reason …\` lets this one run again`,
      about: ['services', service],
    },
  )
}
