/** Carries one effect out: intent recorded, effect, outcome recorded. Small and dumb. */
import { type FleetKey, fleetName } from '../model/stack.ts'
import type { ServiceRelease } from '../model/release.ts'
import type { FleetInstance } from '../plan/fleet.ts'
import type { Effect } from '../plan/reconcile.ts'
import type { Evidence } from '../model/evidence.ts'
import type { Touch } from '../model/touch.ts'
import { poolName } from '../router/router.ts'
import { entryOf, recorded } from './records.ts'
import type { Seams } from './seams.ts'

export interface Order {
  readonly key: FleetKey
  readonly effect: Effect
  /** What the effect is about, as it was seen when it was decided; absent for a create. */
  readonly instance?: FleetInstance
  /** Of a create: what is to be made. */
  readonly service?: ServiceRelease
  /** Of an isolation: how the instance was touched. */
  readonly touches?: readonly Touch[]
}

/** Carries out `order`; throws the engine's or router's error after that is recorded too. */
export async function act(order: Order, seams: Seams, onIntent: () => void): Promise<void> {
  const { effect, key, instance } = order
  if (effect.kind === 'destroy' && instance?.phase === 'exited') await recordExit(order, seams)
  const version = effect.kind === 'create' ? effect.version : instance?.version
  const subject = { ...key, instance: effect.instance, ...(version && { version }) }
  const { reason } = effect
  await recorded(seams, subject, { kind: recordedKind(effect), reason, onIntent }, () => carryOut(order, seams))
  if (effect.kind === 'create' && !effect.isAhead)
    await recorded(seams, subject, { kind: 'start', reason }, () => seams.engine.start(effect.instance))
  if (effect.kind === 'isolate') await capture(order, seams)
}

/** A cut comes beside an `unroute` that still gives time. */
function recordedKind(effect: Effect): string {
  return effect.kind === 'unroute' && effect.isCut ? 'cut' : effect.kind
}

/** What is in an isolated instance is kept, under the digest that the record has. */
async function capture({ key, instance, service, touches = [] }: Order, seams: Seams): Promise<void> {
  if (!instance) return
  const { name, version } = instance
  const subject = { ...key, instance: name, version }
  const found = seams.engine.collect(name, service?.guard?.memory ? { memory: true } : {})
  const work = () => seams.locker.keep({ ...subject, touches, atMs: seams.clock.now() }, found)
  await recorded(seams, subject, { kind: 'capture', reason: 'it was touched', wordsOf: evidenceWords }, work)
}

async function carryOut({ key, effect, instance, service }: Order, { engine, router }: Seams): Promise<void> {
  switch (effect.kind) {
    case 'create':
      if (service) await engine.create({ ...key, name: effect.instance, version: effect.version, spec: service.spec })
      return
    case 'start':
      return engine.start(effect.instance)
    case 'route':
      if (instance?.address) await router.add(poolName(key), effect.instance, instance.address, effect.lane)
      return
    case 'unroute':
      await router.remove(poolName(key), effect.instance, effect.drainMs)
      return
    case 'isolate':
      return engine.isolate(effect.instance)
    case 'destroy':
      return engine.destroy(effect.instance, effect.graceMs)
  }
}

function evidenceWords({ digest, bytes }: Evidence): string {
  return `${digest}, ${bytes} bytes`
}

const keptLogLines = 20

/** The end of an instance is on the record before the instance is gone. */
async function recordExit({ key, instance }: Order, seams: Seams): Promise<void> {
  if (!instance) return
  const lines = await lastWords(instance.name, seams)
  const { name, version, detail = 'exited' } = instance
  const subject = { ...key, instance: name, version }
  await seams.store.append(
    entryOf(subject, { atMs: seams.clock.now(), kind: 'instance.exited', message: detail, lines }),
  )
  seams.log(`${fleetName(key)}: ${name} ${detail}`)
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
