/** What effects make of instances, and when, where each takes the time that it usually took. Pure. */
import type { VersionId } from '../model/version.ts'
import type { EffectKind, FleetInstance } from './fleet.ts'
import type { Effect } from './reconcile.ts'

/** How long effects on the instances of a service take. */
export interface EffectTimes {
  /** Until the engine has made one. */
  readonly makeMs: number
  /** Until it has made and started one. */
  readonly createMs: number
  /** From then on until it is healthy. */
  readonly healthyMs: number
  /** Until its requests are done. */
  readonly drainMs: number
  readonly destroyMs: number
}

export interface Consequence {
  readonly afterMs: number
  /** Undefined: it is gone. */
  readonly become: (instance: FleetInstance) => FleetInstance | undefined
}

/** In their order; by the second one the effect is over. */
export function consequences(effect: Effect, times: EffectTimes): readonly Consequence[] {
  switch (effect.kind) {
    case 'create':
      if (!effect.isAhead) return started(effect.kind, times.createMs, times)
      return [
        { afterMs: 0, become: busyWith(effect.kind) },
        { afterMs: times.makeMs, become: idle },
      ]
    case 'start':
      return started(effect.kind, times.createMs - times.makeMs, times)
    case 'route':
      return [{ afterMs: 0, become: (instance) => ({ ...instance, rotation: 'in', lane: effect.lane }) }]
    case 'unroute':
      return [
        { afterMs: 0, become: (instance) => ({ ...instance, rotation: 'draining', busy: 'unroute' }) },
        { afterMs: Math.min(effect.drainMs, times.drainMs), become: drained },
      ]
    case 'isolate':
      return [{ afterMs: 0, become: captured }]
    case 'destroy':
      return [
        { afterMs: 0, become: (instance) => ({ ...instance, ending: true, busy: 'destroy' }) },
        { afterMs: times.destroyMs, become: () => undefined },
      ]
  }
}

function started(kind: EffectKind, afterMs: number, { healthyMs }: EffectTimes): readonly Consequence[] {
  return [
    { afterMs: 0, become: busyWith(kind) },
    { afterMs, become: (instance) => ({ ...idle(instance), phase: 'running', health: 'starting' }) },
    { afterMs: afterMs + healthyMs, become: healthy },
  ]
}

/** An instance that is only just being made. */
export function unmade(name: string, version: VersionId): FleetInstance {
  return {
    name,
    version,
    intact: true,
    phase: 'created',
    health: 'starting',
    rotation: 'out',
    createdAtMs: Number.MAX_SAFE_INTEGER,
    condemned: false,
    ending: false,
  }
}

export function idle({ busy: _busy, ...instance }: FleetInstance): FleetInstance {
  return instance
}

export function healthy(instance: FleetInstance): FleetInstance {
  return instance.health === 'starting' ? { ...instance, health: 'healthy' } : instance
}

function busyWith(kind: EffectKind): (instance: FleetInstance) => FleetInstance {
  return (instance) => ({ ...instance, busy: kind })
}

function captured(instance: FleetInstance): FleetInstance {
  return instance.taint ? { ...instance, taint: { ...instance.taint, isCaptured: true } } : instance
}

/** What the router alone knew is gone with that. */
function drained({ lane: _lane, ...instance }: FleetInstance): FleetInstance | undefined {
  return instance.phase === 'gone' ? undefined : { ...idle(instance), rotation: 'out' }
}
