/** Controllers that are broken on purpose, each in one way, by a seam that is not what it should be. */
import type { EngineState } from '../../src/engine/engine.ts'
import type { ServiceRelease } from '../../src/model/release.ts'
import type { RouterServer } from '../../src/router/router.ts'
import type { ReleaseRecord, Store } from '../../src/store/store.ts'
import type { InvariantName } from './invariants/invariant.ts'
import type { ControllerSeams } from './succession.ts'
import { deciding, withEngine, withRouter, withStore } from './tampering.ts'
import type { Tamper } from './world.ts'

export interface Mutation {
  readonly flaw: string
  readonly breaks: InvariantName
  readonly tamper: Tamper
}

export const mutations: readonly Mutation[] = [
  {
    flaw: 'forgets what it was about to tell when it dies',
    breaks: 'told',
    tamper: (seams) => ({ ...seams, bookmarks: { read: async () => new Map(), write: async () => undefined } }),
  },
  {
    flaw: 'routes to instances before they are healthy',
    breaks: 'no request lost',
    tamper: (seams) => ({ ...seams, probe: { probe: async () => ({ healthy: true, answer: 'HTTP 200' }) } }),
  },
  {
    flaw: 'does not wait for requests to end',
    breaks: 'no request lost',
    tamper: withRouter(({ router }) => ({ remove: (pool, instance) => router.remove(pool, instance, 0) })),
  },
  {
    flaw: 'does not wait for the router to confirm',
    breaks: 'no request lost',
    tamper: withRouter(({ router }) => ({
      observe: seeingServers(router, (servers) => servers.filter(({ state }) => state !== 'draining')),
      remove: async (...removal) => {
        router.remove(...removal).catch(() => 'cut')
        return 'drained'
      },
    })),
  },
  {
    flaw: 'starts instances while the router still has the dead ones',
    breaks: 'no request lost',
    tamper: withRouter(({ router }) => ({
      observe: seeingServers(router, (servers) =>
        servers.map((server) => (server.state === 'down' ? { ...server, state: 'draining' } : server)),
      ),
    })),
  },
  {
    flaw: 'leaves the servers of dead instances to the router',
    breaks: 'converges',
    tamper: withRouter(({ router }) => ({
      observe: seeingServers(router, (servers) => servers.filter(({ state }) => state !== 'down')),
    })),
  },
  {
    flaw: 'leaves instances behind',
    breaks: 'converges',
    tamper: withEngine(({ engine }) => ({
      destroy: async () => undefined,
      observe: async (options) => withoutExited(await engine.observe(options)),
    })),
  },
  {
    flaw: 'makes something else than it says',
    breaks: 'named by content',
    tamper: withEngine(({ engine }) => ({
      create: (order) => engine.create({ ...order, spec: { ...order.spec, user: '0' } }),
    })),
  },
  {
    flaw: 'destroys two where one was meant',
    breaks: 'floor',
    tamper: withEngine(({ engine }) => ({
      destroy: async (name, graceMs) => {
        const { instances } = await engine.observe()
        const other = instances.find((instance) => instance.name !== name && instance.service === 'worker')
        if (other) await engine.destroy(other.name, graceMs)
        await engine.destroy(name, graceMs)
      },
    })),
  },
  {
    flaw: 'makes two instances for each that is wanted',
    breaks: 'surge',
    tamper: withEngine(({ engine }) => ({
      create: async (order) => {
        await engine.create(order)
        await engine.create({ ...order, name: order.name.replace(/(\d+)$/, '1$1') })
      },
    })),
  },
  {
    flaw: 'lets more go than may be unavailable',
    breaks: 'floor',
    tamper: deciding((service) => ({ ...service, rollout: lax(service) })),
  },
  {
    flaw: 'forgets what was decided when it dies',
    breaks: 'converges',
    tamper: withStore(() => ({ currentReleases: async () => [] })),
  },
  {
    flaw: 'forgets the running rollouts when it dies',
    breaks: 'converges',
    tamper: withStore(() => ({ runningRollouts: async () => [] })),
  },
  {
    flaw: 'takes the last decision once more when it starts',
    breaks: 'on the record',
    tamper: withStore(({ store }) => ({
      currentReleases: async () => {
        const records = await store.currentReleases()
        return Promise.all(records.map((record) => decidedAgain(record, store)))
      },
    })),
  },
  {
    flaw: 'takes back an instance that a dead one told to end',
    breaks: 'no request lost',
    tamper: withStore(({ store }) => ({
      entries: async (filter) => (await store.entries(filter)).filter(({ kind }) => kind !== 'destroy.intent'),
    })),
  },
  {
    flaw: 'acts before its intent is on record',
    breaks: 'on the record',
    tamper: appending((kind) => !kind.endsWith('.intent')),
  },
  {
    flaw: 'records no outcome',
    breaks: 'on the record',
    tamper: appending((kind) => !kind.endsWith('.done')),
  },
  {
    flaw: 'records as done what is still being done',
    breaks: 'on the record',
    tamper: withEngine(({ engine }) => ({
      destroy: async (...destruction) => void engine.destroy(...destruction).catch(() => undefined),
    })),
  },
  {
    flaw: 'takes back a version without the one before',
    breaks: 'aborted ends whole',
    tamper: withStore(({ store }) => ({
      decide: async (decision) => {
        const now = (await store.currentRelease(decision.release))?.release.services ?? {}
        const kept = Object.entries(decision.release.services).filter(
          ([name, { version }]) => decision.decision !== 'abort' || now[name]?.version === version,
        )
        return store.decide({ ...decision, release: { ...decision.release, services: Object.fromEntries(kept) } })
      },
    })),
  },
  {
    flaw: 'gives up a version that can run',
    breaks: 'aborted for a cause',
    tamper: deciding((service) => ({ ...service, rollout: hasty(service) })),
  },
  {
    flaw: 'measures its delays by a clock that jumps',
    breaks: 'converges',
    tamper: ({ clock, ...seams }) => ({
      ...seams,
      clock: { ...clock, steady: () => clock.now() },
    }),
  },
  {
    flaw: 'forgets which versions are proven',
    breaks: 'a way back',
    tamper: withStore(({ store }) => ({
      versions: async (...asked) =>
        (await store.versions(...asked)).map((version) => ({ ...version, version: `0${version.version.slice(1)}` })),
    })),
  },
  {
    flaw: 'never rests',
    breaks: 'rests between looks',
    tamper: ({ clock, ...seams }) => ({
      ...seams,
      clock: { ...clock, sleep: (ms, signal) => clock.sleep(Math.min(ms, 1), signal) },
    }),
  },
]

/** Records only what is of the kinds that `isKept` says; the rest is taken for recorded. */
function appending(isKept: (kind: string) => boolean): Tamper {
  return withStore(({ store }) => ({
    append: async (event) => (isKept(event.kind) ? store.append(event) : { ...event, sequence: 0 }),
  }))
}

async function decidedAgain(record: ReleaseRecord, store: Store): Promise<ReleaseRecord> {
  return (await store.decide({ ...record, ends: [], starts: [], entries: [] })).record
}

function lax({ rollout }: ServiceRelease): ServiceRelease['rollout'] {
  return { ...rollout, maxUnavailable: { kind: 'share', share: 1 } }
}

function hasty({ rollout }: ServiceRelease): ServiceRelease['rollout'] {
  return { ...rollout, deadlineMs: 1_000 }
}

function seeingServers(
  router: ControllerSeams['router'],
  see: (servers: readonly RouterServer[]) => readonly RouterServer[],
): ControllerSeams['router']['observe'] {
  return async () => {
    const state = await router.observe()
    return { ...state, servers: see(state.servers) }
  }
}

function withoutExited(state: EngineState): EngineState {
  return { ...state, instances: state.instances.filter(({ exit }) => !exit) }
}
