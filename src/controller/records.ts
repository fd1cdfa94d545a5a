/** What the controller puts on record beside its decisions: events, and the versions that ran. */
import type { ServiceRelease } from '../model/release.ts'
import type { FleetKey, Scope } from '../model/stack.ts'
import type { VersionId } from '../model/version.ts'
import type { VersionRecord } from '../store/store.ts'
import type { Seams } from './seams.ts'

type Books = Pick<Seams, 'store' | 'clock'>

export async function recordEvent(
  { store, clock }: Books,
  { stack, environment, service }: Scope & { readonly service?: string },
  kind: string,
  message: string,
  version?: VersionId,
): Promise<void> {
  const subject = { stack, environment, ...(service && { service }), ...(version && { version }) }
  await store.append({ atMs: clock.now(), ...subject, kind, message })
}

/** A version that was proven once stays it, whatever a later rollout says; one that failed has to be proven anew. */
export async function saveVersion(
  { store, clock }: Books,
  { stack, environment, service }: FleetKey,
  { version, spec, imageName }: ServiceRelease,
  state: VersionRecord['state'],
): Promise<void> {
  const scope = { stack, environment }
  const known = (await store.versions(scope, service)).find((each) => each.version === version)
  const lasts = known?.state === 'proven' || (known?.state === 'failed' && state === 'unproven')
  const times = { firstRunAtMs: known?.firstRunAtMs ?? clock.now(), lastRunAtMs: clock.now() }
  await store.saveVersion({ ...scope, service, version, spec, imageName, ...times, state: lasts ? known.state : state })
}
