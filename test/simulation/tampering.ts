/** How the seams of a controller are replaced by broken ones. */
import type { Release, ServiceRelease } from '../../src/model/release.ts'
import type { ReleaseRecord } from '../../src/store/store.ts'
import type { ControllerSeams } from './succession.ts'
import type { Tamper } from './world.ts'

type Change<Seam extends 'engine' | 'router' | 'store'> = (seams: ControllerSeams) => Partial<ControllerSeams[Seam]>

export function withEngine(change: Change<'engine'>): Tamper {
  return (seams) => ({ ...seams, engine: { ...seams.engine, ...change(seams) } })
}

export function withRouter(change: Change<'router'>): Tamper {
  return (seams) => ({ ...seams, router: { ...seams.router, ...change(seams) } })
}

export function withStore(change: Change<'store'>): Tamper {
  return (seams) => ({ ...seams, store: { ...seams.store, ...change(seams) } })
}

/** Believes that something else was decided of each service than what is on record. */
export function deciding(change: (service: ServiceRelease) => ServiceRelease): Tamper {
  const changed = (record: ReleaseRecord) => ({ ...record, release: eachService(record.release, change) })
  return withStore(({ store }) => ({
    decide: async (decision) => {
      const decided = await store.decide(decision)
      return { ...decided, record: changed(decided.record) }
    },
    currentReleases: async () => (await store.currentReleases()).map(changed),
  }))
}

export function eachService(release: Release, change: (service: ServiceRelease) => ServiceRelease): Release {
  const services = Object.entries(release.services).map(([name, service]) => [name, change(service)] as const)
  return { ...release, services: Object.fromEntries(services) }
}
