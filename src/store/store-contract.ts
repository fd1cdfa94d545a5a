/** What every store must do; run against each implementation. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Release } from '../model/release.ts'
import { defaultHardening, type VersionSpec } from '../model/version.ts'
import type { Store } from './store.ts'

const scope = { stack: 'shop', environment: 'production' }
const key = { ...scope, service: 'web' }
const release: Release = { ...scope, services: {} }
const decided = { release, decision: 'up', reason: 'asked for', by: 'ada', atMs: 1_000, starts: [], ends: [] } as const
const spec: VersionSpec = {
  image: 'sha256:1111',
  command: ['/web'],
  workingDirectory: '/',
  environment: {},
  user: '1000',
  port: null,
  health: { kind: 'process', intervalMs: 1_000, timeoutMs: 1_000, healthyAfter: 1, unhealthyAfter: 3 },
  resources: { cpuMillis: 500, memoryBytes: 1 << 27, pids: 64 },
  tmpfs: [],
  hardening: defaultHardening,
}
const version = {
  ...key,
  version: 'a'.repeat(64),
  spec,
  imageName: 'web:1',
  state: 'unproven',
} as const

/** `reopen` gives the store that a next controller would open on the same state. */
export function storeContract(name: string, setup: () => { store: Store; reopen?: () => Promise<Store> }): void {
  describe(`the store contract on ${name}`, () => {
    let store: Store
    let reopen: (() => Promise<Store>) | undefined
    beforeEach(() => {
      ;({ store, reopen } = setup())
    })
    afterEach(async () => store.close())

    test('the newest release of a scope is the current one, and older ones stay', async () => {
      const { record: first } = await store.decide(decided)
      const { record: second } = await store.decide({ ...decided, decision: 'rollback', atMs: 2_000 })
      await store.decide({ ...decided, release: { ...release, environment: 'staging' } })
      expect(await store.currentRelease(scope)).toEqual(second)
      expect(await store.releases(scope)).toEqual([second, first])
      expect((await store.currentReleases()).map((record) => record.release.environment).toSorted()).toEqual([
        'production',
        'staging',
      ])
      expect(await store.currentRelease({ stack: 'other', environment: 'production' })).toBeUndefined()
    })

    test('a rollout runs until it is ended, and keeps why', async () => {
      const { started } = await store.decide({ ...decided, starts: [{ service: 'web', from: null, to: 'b' }] })
      const running = { ...key, id: started[0]?.id, from: null, to: 'b', startedAtMs: 1_000, state: 'running' }
      expect(started).toEqual([running])
      expect(await store.runningRollouts()).toEqual([running])
      const end = {
        id: started[0]!.id,
        state: 'aborted',
        reason: 'HTTP 503',
        logs: ['one', 'two'],
        endedAtMs: 9,
      } as const
      await store.endRollout(end)
      expect(await store.runningRollouts()).toEqual([])
      expect(await store.rollouts(key)).toEqual([{ ...running, ...end }])
    })

    test('a decision ends and begins rollouts with its release; the newest rollout comes first', async () => {
      const { started } = await store.decide({ ...decided, starts: [{ service: 'web', from: 'a', to: 'b' }] })
      const ends = [{ id: started[0]!.id, state: 'superseded', endedAtMs: 2_000 }] as const
      await store.decide({ ...decided, atMs: 2_000, ends, starts: [{ service: 'web', from: 'a', to: 'c' }] })
      expect((await store.rollouts(key)).map(({ to, state }) => [to, state])).toEqual([
        ['c', 'running'],
        ['b', 'superseded'],
      ])
      expect((await store.rollouts(key, 1)).map(({ to }) => to)).toEqual(['c'])
    })

    test('a version that runs again keeps the time of its first run', async () => {
      await store.saveVersion({ ...version, firstRunAtMs: 1, lastRunAtMs: 1 })
      await store.saveVersion({ ...version, version: 'b'.repeat(64), firstRunAtMs: 2, lastRunAtMs: 2 })
      await store.saveVersion({ ...version, firstRunAtMs: 3, lastRunAtMs: 3, state: 'proven' })
      const versions = await store.versions(scope, 'web')
      expect(versions.map((each) => [each.version[0], each.firstRunAtMs, each.lastRunAtMs, each.state])).toEqual([
        ['a', 1, 3, 'proven'],
        ['b', 2, 2, 'unproven'],
      ])
      expect(await store.versions(scope, 'api')).toEqual([])
      expect(await store.versions(scope)).toHaveLength(2)
    })

    test('events come in order, filtered, and from any point on', async () => {
      const event = { atMs: 1, ...scope, kind: 'create.done', message: 'made' }
      await store.append({ ...event, service: 'web', instance: 'web-1', version: 'a' })
      await store.append({ ...event, service: 'api' })
      const third = await store.append({ ...event, kind: 'instance.exited', service: 'web' })
      const messages = async (filter: Parameters<Store['events']>[0]) =>
        (await store.events(filter)).map(({ sequence }) => sequence)
      expect(await messages({})).toEqual([1, 2, 3])
      expect(await messages({ service: 'web' })).toEqual([1, 3])
      expect(await messages({ kinds: ['instance.exited'] })).toEqual([3])
      expect(await messages({ kinds: ['instance.exited', 'create.done'], service: 'web' })).toEqual([1, 3])
      expect(await messages({ kinds: [] })).toEqual([])
      expect(await messages({ after: 1, stack: 'shop' })).toEqual([2, 3])
      expect(await messages({ last: 2 })).toEqual([2, 3])
      expect(await store.events({ after: 2 })).toEqual([third])
    })

    test('what was written is there for the next controller', async (context) => {
      if (!reopen) return context.skip('a store in memory ends with its object')
      const { record: recorded } = await store.decide(decided)
      await store.append({ atMs: 1, ...scope, kind: 'decision.up', message: 'asked for' })
      const next = await reopen()
      expect(await next.currentRelease(scope)).toEqual(recorded)
      expect(await next.events({})).toHaveLength(1)
      await next.close()
    })
  })
}
