/** Nothing grows old (promise 5): which instances are due, by their release, and by how long replacements take here. */
import type { ObservedInstance } from '../engine/engine.ts'
import { beginnings, deadlineMs } from '../guard/lifetime.ts'
import { identityOf } from '../model/identity.ts'
import type { ServiceRelease } from '../model/release.ts'
import { defaultLifetime, type FleetKey, fleetName, resolveQuantity } from '../model/stack.ts'
import type { VersionId } from '../model/version.ts'
import { type Fleet, type FleetInstance, isReady } from '../plan/fleet.ts'
import { entryOf } from './records.ts'
import type { Seams } from './seams.ts'

/** Until one was seen. */
const assumedPaceMs = 5_000
/** Beyond the time that it may take to be replaced. */
const graceMs = 10_000
const sample = 10

export class Ages {
  readonly #seams: Pick<Seams, 'clock' | 'store' | 'log'>
  readonly #released: (key: FleetKey) => ServiceRelease | undefined
  readonly #warm: (key: FleetKey) => VersionId | undefined
  /** By identity, on the steady clock: the time of day may jump. */
  readonly #births = new Map<string, number>()
  /** By fleet name, how long the newest instances took from being made until they were healthy. */
  readonly #paces = new Map<string, number[]>()
  /** When this controller made an instance, on the steady clock; by name. */
  readonly #made = new Map<string, number>()
  readonly #overdue = new Set<string>()
  /** Those that it made and that have not been healthy yet. */
  readonly #unproven = new Set<string>()
  #nextAtMs: number | undefined

  constructor(
    seams: Pick<Seams, 'clock' | 'store' | 'log'>,
    released: (key: FleetKey) => ServiceRelease | undefined,
    warm: (key: FleetKey) => VersionId | undefined,
  ) {
    this.#seams = seams
    this.#released = released
    this.#warm = warm
  }

  /** Those of a fleet whose time has come. */
  due(key: FleetKey, instances: readonly ObservedInstance[]): ReadonlySet<string> {
    const service = this.#released(key)
    if (!service) return new Set()
    const nowMs = this.#seams.clock.steady()
    const due = new Set<string>()
    const warm = this.#warm(key)
    const rule = this.#rule(key, service)
    const aged = (each: ObservedInstance) => ({
      name: each.name,
      bornAtMs: this.#bornAtMs(each),
      identity: identityOf(each),
    })
    const replaced = instances.filter(({ claimed }) => claimed !== warm).map(aged)
    // Nothing is made in the place of what is only kept warm.
    const aside = instances.filter(({ claimed }) => claimed === warm).map(aged)
    const ends = aside.map((each) => [each.name, deadlineMs(each, rule)] as const)
    for (const [name, beginMs] of [...beginnings(replaced, rule), ...ends]) {
      if (beginMs <= nowMs) due.add(name)
      else this.#nextAtMs = Math.min(this.#nextAtMs ?? Infinity, beginMs)
    }
    return due
  }

  #rule(key: FleetKey, { lifetime = defaultLifetime, rollout, replicas, standby = 0 }: ServiceRelease) {
    const slots =
      resolveQuantity(rollout.maxSurge, replicas, 'up') + resolveQuantity(rollout.maxUnavailable, replicas, 'down')
    return { ...lifetime, paceMs: this.#paceMs(key), slots: Math.max(1, slots, standby) }
  }

  /**
   * Since this controller made it; else as old as the time of day says when it is first seen. The engine's clock may be
   * another one.
   */
  #bornAtMs(instance: Born): number {
    const { clock } = this.#seams
    const known = this.#births.get(identityOf(instance))
    const ageMs = () => Math.max(0, clock.now() - instance.createdAtMs)
    const bornAtMs = known ?? this.#made.get(instance.name) ?? clock.steady() - ageMs()
    this.#births.set(identityOf(instance), bornAtMs)
    return bornAtMs
  }

  /** In milliseconds. */
  ageOf(instance: Born): number {
    return this.#seams.clock.steady() - this.#bornAtMs(instance)
  }

  #paceMs(key: FleetKey): number {
    const spans = this.#paces.get(fleetName(key)) ?? []
    return spans.length === 0 ? assumedPaceMs : Math.max(...spans) * 1.5 + 1_000
  }

  noteMaking(instance: string): void {
    this.#unproven.add(instance)
    this.#made.set(instance, this.#seams.clock.steady())
  }

  #noteHealthy(key: FleetKey, instance: string): void {
    const madeAtMs = this.#made.get(instance)
    if (madeAtMs === undefined || !this.#unproven.delete(instance)) return
    const spans = [...(this.#paces.get(fleetName(key)) ?? []), this.#seams.clock.steady() - madeAtMs]
    this.#paces.set(fleetName(key), spans.slice(-sample))
  }

  /** Those that should have been replaced by now. */
  overdue({ key, instances, target }: Fleet): readonly string[] {
    const { lifetime = defaultLifetime } = this.#released(key) ?? {}
    const mostMs = lifetime.maxMs + target.drainMs + 2 * this.#paceMs(key) + graceMs
    return instances.filter((each) => isThere(each) && this.ageOf(each) > mostMs).map(({ name }) => name)
  }

  /** The age of the oldest that serves: for so long may whoever got in unseen have stayed. */
  exposureMs({ instances, target }: Fleet): number | undefined {
    const ages = instances.filter((each) => isReady(each, target)).map((each) => this.ageOf(each))
    return ages.length === 0 ? undefined : Math.max(0, ...ages)
  }

  /** Forgets all but these. */
  #keep(fleets: readonly Fleet[]): void {
    const present = new Set(fleets.flatMap(({ instances }) => instances.map(identityOf)))
    for (const identity of this.#births.keys()) if (!present.has(identity)) this.#births.delete(identity)
    const names = new Set(fleets.flatMap(({ instances }) => instances.map(({ name }) => name)))
    for (const name of this.#made.keys()) if (!names.has(name)) this.#forget(name)
  }

  #forget(name: string): void {
    this.#made.delete(name)
    this.#unproven.delete(name)
  }

  /** Puts each on the record once that is overdue. */
  async tell(fleets: readonly Fleet[]): Promise<void> {
    this.#keep(fleets)
    for (const { key, instances } of fleets)
      for (const { name, health } of instances) if (health === 'healthy') this.#noteHealthy(key, name)
    const overdue = fleets.flatMap((fleet) => this.overdue(fleet).map((instance) => ({ key: fleet.key, instance })))
    for (const { key, instance } of overdue) if (!this.#overdue.has(instance)) await this.#tellOf(key, instance)
    const names = new Set(overdue.map(({ instance }) => instance))
    for (const name of this.#overdue) if (!names.has(name)) this.#overdue.delete(name)
  }

  async #tellOf(key: FleetKey, instance: string): Promise<void> {
    this.#overdue.add(instance)
    const what = { atMs: this.#seams.clock.now(), kind: 'instance.overdue', message: 'it is older than it may be' }
    const entry = entryOf({ ...key, instance }, what)
    await this.#seams.store.append(entry).catch((error: unknown) => this.#seams.log(`${instance}: ${String(error)}`))
  }

  /** When the next one is due, in milliseconds from now; asked after each look. */
  takeNextMs(): number | undefined {
    const nextMs = this.#nextAtMs
    this.#nextAtMs = undefined
    return nextMs === undefined ? undefined : Math.max(0, nextMs - this.#seams.clock.steady())
  }
}

type Born = Pick<FleetInstance, 'name' | 'createdAtMs'>

function isThere({ phase, busy }: FleetInstance): boolean {
  return phase === 'running' && busy !== 'create'
}
