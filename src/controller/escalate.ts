/** What follows when instances of a service are touched again and again, besides that clean ones come slowly. */
import { tightened } from '../guard/tighten.ts'
import type { ServiceRelease } from '../model/release.ts'
import { defaultEscalation, type FleetKey, fleetName } from '../model/stack.ts'
import { type Resources, versionName } from '../model/version.ts'
import type { Decision } from '../store/store.ts'
import type { Decisions } from './decisions.ts'
import { itself } from './records.ts'
import type { Rollouts } from './rollouts.ts'
import type { Seams } from './seams.ts'
import { provenReleases } from './way-back.ts'

interface Parts {
  readonly seams: Pick<Seams, 'store' | 'log'>
  readonly decisions: Decisions
  readonly rollouts: Rollouts
}

/** Takes a running rollout back, so that the service is held at what is known to be good; then does what it says itself. */
export async function escalate(parts: Parts, key: FleetKey, message: string): Promise<void> {
  const { decisions, rollouts } = parts
  const [rollout, record] = [rollouts.of(key), decisions.of(key)]
  const { action, limits = {} } = decisions.service(key)?.guard?.escalation ?? defaultEscalation
  const reason = `escalated: ${message}`
  if (rollout && record) await decisions.takeBack(rollout, record, { reason, logs: [] })
  if (action === 'rollback' && !rollout) await goBack(parts, key, reason)
  if (action === 'tighten') await tighten(parts, key, limits, reason)
}

async function goBack(parts: Parts, key: FleetKey, reason: string): Promise<void> {
  const { seams, decisions } = parts
  const current = decisions.service(key)
  const record = decisions.of(key)
  if (!current || !record) return
  const past = { history: await seams.store.releases(record.release), versions: await seams.store.versions(key) }
  const previous = provenReleases(key.service, past).find(
    (each) => each.version !== current.version && !decisions.isRefused(key, each.version),
  )
  if (!previous) return seams.log(`${fleetName(key)}: ${reason}, and there is no other proven version`)
  const next = { ...previous, replicas: current.replicas }
  const words = `back to ${versionName(key.service, previous.version)}: ${reason}`
  await replaceService(parts, key, next, { decision: 'rollback', words })
}

async function tighten(parts: Parts, key: FleetKey, limits: Partial<Resources>, reason: string): Promise<void> {
  const current = parts.decisions.service(key)
  const next = current && tightened(current, limits)
  if (next) await replaceService(parts, key, next, { decision: 'up', words: `with tighter limits: ${reason}` })
}

async function replaceService(
  { decisions }: Parts,
  key: FleetKey,
  next: ServiceRelease,
  { decision, words }: { readonly decision: Decision; readonly words: string },
): Promise<void> {
  const release = decisions.of(key)?.release
  if (!release || !decisions.service(key)) return
  const services = { ...release.services, [key.service]: next }
  await decisions.take({ release: { ...release, services }, decision, reason: words, by: itself })
}
