/** What follows when instances of a service are touched again and again: it is held at a version that is known to be good. */
import { own } from '../model/own.ts'
import { defaultEscalation, type FleetKey, fleetName } from '../model/stack.ts'
import { versionName } from '../model/version.ts'
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

/** Takes a running rollout back; where there is none, and the service says so, goes back to the version before. */
export async function escalate({ seams, decisions, rollouts }: Parts, key: FleetKey, message: string): Promise<void> {
  const [rollout, record] = [rollouts.of(key), decisions.of(key)]
  const current = own(record?.release.services, key.service)
  if (!record || !current) return
  const reason = `escalated: ${message}`
  if (rollout) return void (await decisions.takeBack(rollout, record, { reason, logs: [] }))
  if ((current.guard?.escalation ?? defaultEscalation).action !== 'rollback') return
  const { store } = seams
  const past = { history: await store.releases(record.release), versions: await store.versions(key) }
  const previous = provenReleases(key.service, past).find(
    (each) => each.version !== current.version && !decisions.isRefused(key, each.version),
  )
  if (!previous) return seams.log(`${fleetName(key)}: ${reason}, and there is no other proven version`)
  const services = { ...record.release.services, [key.service]: { ...previous, replicas: current.replicas } }
  const release = { ...record.release, services }
  const back = `back to ${versionName(key.service, previous.version)}: ${reason}`
  await decisions.take({ release, decision: 'rollback', reason: back, by: itself })
}
