/** Controllers that are broken on purpose in what they owe to strategies, to those who steer, and to refusals. */
import type { EngineState, InstanceOrder } from '../../src/engine/engine.ts'
import { RepaveError } from '../../src/errors.ts'
import type { Refusal } from '../../src/model/refusal.ts'
import type { Release, ServiceRelease } from '../../src/model/release.ts'
import { versionId } from '../../src/model/version.ts'
import { allRequests } from '../../src/rollout/stage.ts'
import { poolName, type Figures } from '../../src/router/router.ts'
import type { Decided, ReleaseDecision, RolloutRecord, Store } from '../../src/store/store.ts'
import type { Mutation } from './mutations.ts'
import { deciding, eachService, withEngine, withRouter, withStore } from './tampering.ts'
import type { Tamper } from './world.ts'

export const strategyMutations: readonly Mutation[] = [
  {
    flaw: 'forgets who is tainted when it starts anew',
    breaks: 'touched is dead',
    tamper: withStore(({ store }) => ({
      entries: async (filter) => {
        if (!filter.kinds?.includes('instance.tainted')) return store.entries(filter)
        return (await store.entries(filter)).filter(({ kind }) => kind !== 'instance.tainted')
      },
    })),
  },
  {
    flaw: 'lets what is touched serve on',
    breaks: 'touched is dead',
    tamper: withRouter(({ router }) => ({
      remove: async (pool, instance, timeoutMs) =>
        timeoutMs === 0 ? 'drained' : router.remove(pool, instance, timeoutMs),
    })),
  },
  {
    flaw: 'knows no deadline of an instance',
    breaks: 'nothing grows old',
    tamper: withStore(({ store }) => ({
      decide: async (decision) => {
        const outcome = await store.decide(decision)
        const endless = { lifetime: { maxMs: Number.MAX_SAFE_INTEGER, jitter: 0 } }
        const services = Object.entries(outcome.record.release.services).map(
          ([name, service]) => [name, { ...service, ...endless }] as const,
        )
        const release = { ...outcome.record.release, services: Object.fromEntries(services) }
        return { ...outcome, record: { ...outcome.record, release } }
      },
    })),
  },
  {
    flaw: 'alters instances that run',
    breaks: 'nothing is altered',
    tamper: withEngine(({ engine }) => {
      const orders = new Map<string, Mutable<InstanceOrder>>()
      return {
        create: (order) => {
          const own = { ...order }
          orders.set(order.name, own)
          return engine.create(own)
        },
        start: async (name) => {
          await engine.start(name)
          const order = orders.get(name)
          if (order) order.spec = { ...order.spec, user: '0' }
        },
      }
    }),
  },
  {
    flaw: 'says that it did not decide what it has decided',
    breaks: 'refused changes nothing',
    tamper: withStore(({ store }) => ({
      decide: async (decision) => {
        await store.decide(decision)
        throw new RepaveError('STORE_FAILED', 'the disk is full', { hint: 'make room' })
      },
      currentRelease: async () => undefined,
    })),
  },
  {
    flaw: 'decides twice what was asked once',
    breaks: 'on the record',
    tamper: withStore(({ store }) => ({
      decide: async (decision) => {
        await store.decide(decision)
        return store.decide(decision)
      },
    })),
  },
  {
    flaw: 'gives a canary all requests at once',
    breaks: 'shares as staged',
    tamper: withRouter(({ router }) => ({ split: (pool, toB) => router.split(pool, toB < 500 ? allRequests : 0) })),
  },
  {
    flaw: 'skips the steps of a canary',
    breaks: 'shares as staged',
    tamper: decidingRollout((rollout) => (rollout.strategy === 'canary' ? { ...rollout, steps: [] } : rollout)),
  },
  {
    flaw: 'flips before the new fleet is ready',
    breaks: 'shares as staged',
    tamper: deciding((service) => ({ ...service, replicas: Math.min(1, service.replicas) })),
  },
  {
    flaw: 'overlaps versions that must not overlap',
    breaks: 'one version at a time',
    tamper: decidingRollout((rollout) =>
      rollout.strategy === 'recreate' ? { ...rollout, strategy: 'rolling', ...oneByOne } : rollout,
    ),
  },
  {
    flaw: 'puts those that stand by into rotation',
    breaks: 'standby stands by',
    tamper: deciding(({ standby = 0, ...service }) => ({ ...service, replicas: service.replicas + standby })),
  },
  {
    flaw: 'lets nobody step in for the dead',
    breaks: 'standby stands by',
    tamper: unaware,
  },
  {
    flaw: 'keeps no warm fleet',
    breaks: 'warm for its time',
    tamper: decidingRollout((rollout) => ('keepWarmMs' in rollout ? { ...rollout, keepWarmMs: 0 } : rollout)),
  },
  {
    flaw: 'lets go of a warm fleet before its time',
    breaks: 'warm for its time',
    tamper: decidingRollout((rollout) =>
      'keepWarmMs' in rollout ? { ...rollout, keepWarmMs: rollout.keepWarmMs / 2 } : rollout,
    ),
  },
  {
    flaw: 'goes on with paused rollouts when it starts',
    breaks: 'paused stays',
    tamper: withStore(({ store }) => ({
      runningRollouts: async () =>
        (await store.runningRollouts()).map(({ pausedAtMs: _paused, ...rollout }): RolloutRecord => rollout),
    })),
  },
  {
    flaw: 'gives up a paused rollout too early',
    breaks: 'aborted for a cause',
    tamper: decidingRollout((rollout) => ({ ...rollout, maxPauseMs: 1_000 })),
  },
  {
    flaw: 'waits for nothing that a service depends on',
    breaks: 'dependencies first',
    tamper: deciding(({ dependsOn: _dependsOn, ...service }) => service),
  },
  {
    flaw: 'goes on with a version that it has taken back',
    breaks: 'aborts are final',
    tamper: afterAborts((_release, before) => before),
  },
  {
    flaw: 'makes anew what survived an aborted rollout',
    breaks: 'aborted ends whole',
    tamper: afterAborts((release) => eachService(release, asAnother)),
  },
  {
    flaw: 'lets a refused version run',
    breaks: 'refused never runs',
    tamper: withStore(({ store }) => ({
      decide: async (decision) => ({ ...(await store.decide(decision)), refused: [] }),
      refuse: async (refusal, entry) => asLifted(await store.refuse(refusal, entry)),
      refusals: async () => [],
    })),
  },
  {
    flaw: 'promotes without answers',
    breaks: 'judged by its answers',
    tamper: decidingRollout(({ verdict: _verdict, ...rollout }) => rollout),
  },
  {
    flaw: 'takes every answer for a good one',
    breaks: 'judged by its answers',
    tamper: withRouter(({ router }) => ({
      measure: (listener, signal) => router.measure((figures) => listener(asGood(figures)), signal),
    })),
  },
  {
    flaw: 'says of a version that was tried and can run that it can not',
    breaks: 'rehearsed aside',
    tamper: withStore(({ store }) => ({
      saveRehearsal: (version, rehearsal, entry) =>
        store.saveRehearsal(version, { ...rehearsal, passed: false }, { ...entry, kind: 'rehearsal.failed' }),
    })),
  },
  {
    flaw: 'gives requests to whatever it starts',
    breaks: 'rehearsed aside',
    tamper: ({ engine, router, ...seams }) => ({
      ...seams,
      router,
      engine: {
        ...engine,
        start: async (name) => {
          await engine.start(name)
          const instance = (await engine.observe()).instances.find((each) => each.name === name)
          if (instance?.address) await router.add(poolName(instance), name, instance.address, 'a')
        },
      },
    }),
  },
  {
    flaw: 'takes for done what a dead one was in the middle of',
    breaks: 'kill anything',
    tamper: withStore(({ store }) => ({
      runningRollouts: async () => {
        for (const rollout of await store.runningRollouts()) await calledDone(rollout, store)
        return []
      },
    })),
  },
]

const oneByOne = {
  maxSurge: { kind: 'count', count: 1 },
  maxUnavailable: { kind: 'count', count: 0 },
} as const

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] }

function decidingRollout(change: (rollout: ServiceRelease['rollout']) => ServiceRelease['rollout']): Tamper {
  return deciding((service) => ({ ...service, rollout: change(service.rollout) }))
}

/** Believes that an abort leads to something else. */
function afterAborts(change: (release: Release, before: Release) => Release): Tamper {
  return withStore(({ store }) => ({
    decide: async (decision) => {
      const before = await store.currentRelease(decision.release)
      const decided = await store.decide(decision)
      return before ? afterAbort(decided, decision, change(decided.record.release, before.release)) : decided
    },
  }))
}

function afterAbort(decided: Decided, { decision }: ReleaseDecision, release: Release): Decided {
  return decision === 'abort' ? { ...decided, record: { ...decided.record, release } } : decided
}

/** The same, and yet of another name. */
function asAnother(service: ServiceRelease): ServiceRelease {
  const spec = { ...service.spec, user: '0' }
  return { ...service, spec, version: versionId(spec) }
}

function asLifted(refusal: Refusal): Refusal {
  return { ...refusal, lifted: { by: 'nobody', reason: 'none', atMs: refusal.atMs } }
}

function asGood(figures: Figures): Figures {
  if (figures.kind === 'lost') return figures
  return { ...figures, answers: figures.answers.map((answer) => ({ ...answer, status: 200 })) }
}

/** Sees nobody die. */
function unaware({ engine, router, ...seams }: Parameters<Tamper>[0]): ReturnType<Tamper> {
  return {
    ...seams,
    engine: {
      ...engine,
      observe: async (options) => withoutEnds(await engine.observe(options)),
      watch: (_listener, signal) => engine.watch(() => undefined, signal),
    },
    router: {
      ...router,
      observe: async () => {
        const state = await router.observe()
        return { ...state, servers: state.servers.map((each) => ({ ...each, state: 'in' as const })) }
      },
    },
    probe: { probe: async () => ({ healthy: true, answer: 'HTTP 200' }) },
  }
}

function withoutEnds(state: EngineState): EngineState {
  const instances = state.instances.map(({ exit: _exit, ...instance }) => ({
    ...instance,
    ...(instance.phase === 'exited' && { phase: 'running' as const }),
  }))
  return { ...state, instances }
}

function calledDone({ id, startedAtMs, stack, environment, service }: RolloutRecord, store: Store): Promise<void> {
  const entry = { atMs: startedAtMs, kind: 'rollout.succeeded', by: 'repave', message: '', stack, environment, service }
  return store.endRollout({ id, state: 'succeeded', endedAtMs: startedAtMs }, entry)
}
