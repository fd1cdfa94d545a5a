/** What the controller remembers from pass to pass. All of it can be lost: the next passes find their way without. */
import type { ObservedInstance } from '../engine/engine.ts'
import { identityOf } from '../model/identity.ts'
import { type FleetKey, fleetName } from '../model/stack.ts'
import type { VersionId } from '../model/version.ts'
import type { EffectKind } from '../plan/fleet.ts'
import { afterEarlyDeath, type CrashLoop, noCrashLoop, provenAfterMs } from '../rollout/backoff.ts'
import type { Trouble } from '../rollout/verdict.ts'
import type { ReleaseRecord } from '../store/store.ts'
import type { HealthState, HealthWatch } from './health.ts'
import { exitWords } from './views.ts'

interface FleetTrouble extends Trouble {
  readonly fleet: string
  readonly version: VersionId
}

export class Recollection {
  readonly #healthWatch: HealthWatch
  readonly #condemned = new Set<string>()
  readonly #ending = new Set<string>()
  /** By fleet name, and then by version. */
  readonly #crashLoops = new Map<string, Map<VersionId, CrashLoop>>()
  readonly #cannotRun = new Map<string, FleetTrouble>()
  readonly #drainMs = new Map<string, number>()
  readonly #mourned = new Set<string>()

  constructor(healthWatch: HealthWatch) {
    this.#healthWatch = healthWatch
  }

  health(instance: ObservedInstance): HealthState {
    return this.#healthWatch.of(instance)
  }

  /** Someone asked for a clean instance in its place. */
  condemn(instance: string): void {
    this.#condemned.add(instance)
  }

  isCondemned(instance: string): boolean {
    return this.#condemned.has(instance)
  }

  /**
   * Takes in an effect that is about to be carried out, or that an earlier controller may have: once an instance may
   * have been told to end, it ends, and one that is made is another one than any of its name before.
   */
  noteIntent(kind: EffectKind, instance: string): void {
    if (kind === 'destroy') this.#ending.add(instance)
    if (kind !== 'create') return
    this.#ending.delete(instance)
    this.#condemned.delete(instance)
  }

  isEnding(instance: string): boolean {
    return this.#ending.has(instance)
  }

  noteCannotRun(key: FleetKey, version: VersionId, instance: string, trouble: Trouble, nowMs: number): void {
    this.#cannotRun.set(instance, { fleet: fleetName(key), version, ...trouble })
    this.#noteEarlyDeath(key, version, trouble.words, nowMs)
  }

  /** The name may belong to another instance by now. */
  noteRuns(instance: string): void {
    this.#cannotRun.delete(instance)
  }

  cannotRun(instance: string): string | undefined {
    return this.#cannotRun.get(instance)?.words
  }

  /** Why any instance of this version could not be made or started. */
  versionCannotRun(key: FleetKey, version: VersionId): Trouble | undefined {
    return this.#cannotRun.values().find((trouble) => trouble.fleet === fleetName(key) && trouble.version === version)
  }

  /** Another try, with another release, is judged afresh. */
  forgive(key: FleetKey): void {
    this.#crashLoops.delete(fleetName(key))
    for (const [instance, trouble] of this.#cannotRun)
      if (trouble.fleet === fleetName(key)) this.#cannotRun.delete(instance)
  }

  crashLoop(key: FleetKey, version: VersionId): CrashLoop {
    return this.#crashLoops.get(fleetName(key))?.get(version) ?? noCrashLoop
  }

  createAfterMs(key: FleetKey): ReadonlyMap<VersionId, number> {
    const loops = [...(this.#crashLoops.get(fleetName(key)) ?? [])]
    return new Map(loops.map(([version, { createAfterMs }]) => [version, createAfterMs]))
  }

  #noteEarlyDeath(key: FleetKey, version: VersionId, words: string, nowMs: number): void {
    const loops = this.#crashLoops.get(fleetName(key)) ?? new Map<VersionId, CrashLoop>()
    this.#crashLoops.set(
      fleetName(key),
      loops.set(version, afterEarlyDeath(this.crashLoop(key, version), words, nowMs)),
    )
  }

  rememberDrain({ release }: ReleaseRecord): void {
    for (const [service, { drainMs }] of Object.entries(release.services))
      this.#drainMs.set(fleetName({ ...release, service }), drainMs)
  }

  endedDrainMs(key: FleetKey): number {
    return this.#drainMs.get(fleetName(key)) ?? 0
  }

  /**
   * Takes in, once for each, what ended or stopped serving; must be called before the health watch moves on. The end
   * of an instance that is not wanted, or was told to end, is no sign of a crash loop.
   */
  mourn(
    instances: readonly ObservedInstance[],
    isWanted: (instance: ObservedInstance) => boolean,
    nowMs: number,
  ): void {
    for (const instance of instances) {
      const health = this.health(instance)
      if (!isWanted(instance) || this.isEnding(instance.name)) this.#mourned.add(identityOf(instance))
      else if (instance.phase === 'exited' || health.state === 'unhealthy') this.#mournOnce(instance, health, nowMs)
      else if (health.healthySinceMs !== undefined && nowMs - health.healthySinceMs >= provenAfterMs)
        this.#crashLoops.get(fleetName(instance))?.delete(instance.claimed)
    }
    this.#forgetAllBut(instances)
  }

  #mournOnce(instance: ObservedInstance, health: HealthState, nowMs: number): void {
    if (this.#mourned.has(identityOf(instance))) return
    this.#mourned.add(identityOf(instance))
    const servedMs = health.healthySinceMs === undefined ? 0 : nowMs - health.healthySinceMs
    if (servedMs >= provenAfterMs) return
    const words = exitWords(instance) ?? health.answer ?? 'unhealthy'
    this.#noteEarlyDeath(instance, instance.claimed, words, nowMs)
  }

  #forgetAllBut(instances: readonly ObservedInstance[]): void {
    const present = new Set(instances.map(identityOf))
    for (const identity of this.#mourned) if (!present.has(identity)) this.#mourned.delete(identity)
  }
}
