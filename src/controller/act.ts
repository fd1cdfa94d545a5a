/** Carries one effect out: intent recorded, effect, outcome recorded. Small and dumb. */
import { asRepaveError } from '../errors.ts'
import { type FleetKey, fleetName } from '../model/stack.ts'
import type { ServiceRelease } from '../model/release.ts'
import type { FleetInstance } from '../plan/fleet.ts'
import type { Effect } from '../plan/reconcile.ts'
import { poolName } from '../router/router.ts'
import type { Seams } from './seams.ts'

export interface Order {
  readonly key: FleetKey
  readonly effect: Effect
  /** What the effect is about, as it was seen when it was decided; absent for a create. */
  readonly instance?: FleetInstance
  /** What the fleet should be; absent for a service that goes away. */
  readonly service?: ServiceRelease
}

/**
 * Carries out `order`; throws the engine's or router's error after that is recorded too. `onIntent` is called once the
 * intent is on record, and before anything is done.
 */
export async function act(order: Order, seams: Seams, onIntent: () => void): Promise<void> {
  const { effect } = order
  if (effect.kind === 'destroy' && order.instance?.phase === 'exited') await recordExit(order, seams)
  await recorded(order, effect.kind, seams, () => {
    onIntent()
    return carryOut(order, seams)
  })
  if (effect.kind === 'create') await recorded(order, 'start', seams, () => seams.engine.start(effect.instance))
}

async function carryOut({ key, effect, instance, service }: Order, { engine, router }: Seams): Promise<void> {
  switch (effect.kind) {
    case 'create':
      if (service) await engine.create({ ...key, name: effect.instance, version: effect.version, spec: service.spec })
      return
    case 'start':
      return engine.start(effect.instance)
    case 'route':
      if (instance?.address) await router.add(poolName(key), effect.instance, instance.address)
      return
    case 'unroute':
      await router.remove(poolName(key), effect.instance, effect.drainMs)
      return
    case 'destroy':
      return engine.destroy(effect.instance, effect.graceMs)
  }
}

async function recorded(order: Order, kind: string, { store, clock }: Seams, work: () => Promise<void>): Promise<void> {
  const { key, effect, instance } = order
  const version = effect.kind === 'create' ? effect.version : instance?.version
  const record = (outcome: string, message: string) =>
    store.append({
      ...key,
      atMs: clock.now(),
      instance: effect.instance,
      ...(version && { version }),
      kind: `${kind}.${outcome}`,
      message,
    })
  await record('intent', effect.reason)
  try {
    await work()
  } catch (error) {
    await record('failed', asRepaveError(error).message)
    throw error
  }
  await record('done', effect.reason)
}

const keptLogLines = 20

/** The end of an instance is on the record before the instance is gone. */
async function recordExit({ key, instance }: Order, seams: Seams): Promise<void> {
  if (!instance) return
  const logs = await lastWords(instance.name, seams)
  const message = [instance.detail ?? 'exited', ...logs].join('\n')
  const { name, version } = instance
  await seams.store.append({
    ...key,
    atMs: seams.clock.now(),
    instance: name,
    version,
    kind: 'instance.exited',
    message,
  })
  seams.log(`${fleetName(key)}: ${name} ${instance.detail ?? 'exited'}`)
}

/** The last lines that an instance wrote; none where the engine can't tell any more. */
export async function lastWords(instance: string, { engine }: Pick<Seams, 'engine'>): Promise<readonly string[]> {
  const lines: string[] = []
  try {
    for await (const line of engine.logs(instance, { tail: keptLogLines })) lines.push(line.text)
  } catch {
    // Its output is a help to people, not a condition for anything.
  }
  return lines.slice(-keptLogLines)
}
