/** What every store must do; run against each implementation. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { leafOf } from '../model/entry.ts'
import type { NewRefusal } from '../model/refusal.ts'
import { type Release, releaseId } from '../model/release.ts'
import { defaultHardening, type VersionSpec } from '../model/version.ts'
import type { EntryFilter, RolloutChange, Store } from './store.ts'

const scope = { stack: 'shop', environment: 'production' }
const key = { ...scope, service: 'web' }
const release: Release = { ...scope, services: {} }
const asked = { atMs: 1_000, ...scope, kind: 'decision.up', by: 'ada', message: 'asked for' }
const decided = {
  release,
  decision: 'up',
  reason: 'asked for',
  by: 'ada',
  atMs: 1_000,
  starts: [],
  ends: [],
  entries: [asked],
} as const
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
      const { record, started } = await store.decide({ ...decided, starts: [{ service: 'web', from: null, to: 'b' }] })
      const began = { id: started[0]?.id, sequence: record.sequence, startedAtMs: 1_000 }
      const running = { ...key, ...began, from: null, to: 'b', state: 'running' }
      expect(started).toEqual([running])
      expect(await store.runningRollouts()).toEqual([running])
      const end = {
        id: started[0]!.id,
        state: 'aborted',
        reason: 'HTTP 503',
        logs: ['one', 'two'],
        endedAtMs: 9,
      } as const
      await store.endRollout(end, { ...asked, kind: 'rollout.aborted' })
      expect(await store.runningRollouts()).toEqual([])
      expect(await store.rollouts(key)).toEqual([{ ...running, ...end }])
      expect((await store.entries({})).map(({ kind }) => kind)).toEqual(['decision.up', 'rollout.aborted'])
    })

    test('a rollout keeps how far it has come, and what somebody wants of it', async () => {
      const start = { service: 'web', from: 'a', to: 'b', isSwitch: true } as const
      const { started } = await store.decide({ ...decided, starts: [start] })
      const [rollout] = started
      expect(rollout).toMatchObject({ isSwitch: true })
      const told = { ...asked, kind: 'rollout.changed' }
      const changed = async (change: Omit<RolloutChange, 'id'>) => {
        await store.changeRollout({ id: rollout!.id, ...change }, told)
        return (await store.runningRollouts())[0]
      }
      expect(await changed({ stage: 0 })).toEqual({ ...rollout, stage: 0 })
      expect(await changed({ pausedAtMs: 5 })).toEqual({ ...rollout, stage: 0, pausedAtMs: 5 })
      expect(await changed({ stage: 1 })).toEqual({ ...rollout, stage: 1, pausedAtMs: 5 })
      expect(await changed({ pausedAtMs: null, isPromoted: true })).toEqual({ ...rollout, stage: 1, isPromoted: true })
      expect(await store.entries({ kinds: ['rollout.changed'] })).toHaveLength(4)
    })

    test('a rollout that succeeded is warm until it is cooled, or ended anew', async () => {
      const services = ['api', 'web', 'worker']
      const starts = services.map((service) => ({ service, from: 'a', to: 'b' }))
      const { started } = await store.decide({ ...decided, starts })
      const [api, web, worker] = started
      const succeeded = { state: 'succeeded', endedAtMs: 9 } as const
      await store.endRollout({ id: api!.id, ...succeeded, warmUntilMs: 99 }, asked)
      await store.endRollout({ id: web!.id, ...succeeded, warmUntilMs: 99 }, asked)
      await store.endRollout({ id: worker!.id, ...succeeded }, asked)
      expect(await store.warmRollouts()).toEqual([
        { ...api, ...succeeded, warmUntilMs: 99 },
        { ...web, ...succeeded, warmUntilMs: 99 },
      ])
      await store.coolRollout(api!.id, { ...asked, kind: 'rollout.cooled' })
      expect((await store.warmRollouts()).map(({ service }) => service)).toEqual(['web'])
      expect(await store.rollouts({ ...scope, service: 'api' })).toEqual([{ ...api, ...succeeded }])
      await store.decide({ ...decided, ends: [{ id: web!.id, ...succeeded }] })
      expect(await store.warmRollouts()).toEqual([])
      expect(await store.entries({ kinds: ['rollout.cooled'] })).toHaveLength(1)
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

    test('a decision notes the versions that it is about with itself', async () => {
      const run = { ...version, firstRunAtMs: 1, lastRunAtMs: 1 }
      await store.decide({ ...decided, versions: [run, { ...run, service: 'api' }] })
      expect(await store.versions(scope, 'web')).toEqual([run])
      expect(await store.versions(scope)).toHaveLength(2)
    })

    test('a version keeps its labels and how its last rehearsal went', async () => {
      const run = { ...version, firstRunAtMs: 1, lastRunAtMs: 1 }
      const rehearsal = { atMs: 5, passed: false, message: 'HTTP 503' }
      const told = { ...asked, kind: 'rehearsal.failed' }
      await store.saveVersion({ ...run, labels: { team: 'shop' } })
      await store.saveRehearsal(version, rehearsal, told)
      await store.saveRehearsal({ ...version, version: 'b'.repeat(64) }, rehearsal, told)
      await store.saveVersion({ ...run, lastRunAtMs: 2 })
      expect(await store.versions(scope)).toEqual([{ ...run, lastRunAtMs: 2, labels: { team: 'shop' }, rehearsal }])
      await store.saveVersion({ ...run, labels: {} })
      expect(await store.versions(scope)).toEqual([{ ...run, labels: {}, rehearsal }])
      expect(await store.entries({ kinds: ['rehearsal.failed'] })).toHaveLength(2)
    })

    test('refusals come newest first, each with its number, and say when they were lifted', async () => {
      const refusal = { ...scope, reason: 'it leaks', by: 'ada', atMs: 1 }
      const [web, image, label]: readonly NewRefusal[] = [
        { ...refusal, service: 'web', what: { kind: 'version', version: 'a' }, isRecall: true },
        { ...refusal, what: { kind: 'image', digest: 'sha256:1111' } },
        { ...refusal, what: { kind: 'label', label: 'team', value: 'shop' } },
      ]
      const told = { ...asked, kind: 'decision.refuse' }
      const first = await store.refuse(web!, told)
      expect(first).toEqual({ ...web, id: first.id })
      const { refused } = await store.decide({ ...decided, refuses: [image!, label!] })
      const [second, third] = refused
      expect(refused).toEqual([
        { ...image, id: second?.id },
        { ...label, id: third?.id },
      ])
      expect(await store.refusals()).toEqual([third, second, first])
      const lifted = { by: 'grace', reason: 'mended', atMs: 9 }
      await store.lift(first.id, lifted, { ...asked, kind: 'decision.refusal-lifted' })
      expect(await store.refusals()).toEqual([third, second, { ...first, lifted }])
      expect((await store.entries({})).map(({ kind }) => kind)).toEqual([
        'decision.refuse',
        'decision.up',
        'decision.refusal-lifted',
      ])
    })

    test('a release is found by its id', async () => {
      await store.decide(decided)
      expect(await store.release(releaseId(release))).toEqual(release)
      expect(await store.release('none')).toBeUndefined()
    })

    test('entries come in order, filtered, and from any point on', async () => {
      const made = { atMs: 1, ...scope, kind: 'create.done', by: 'repave', message: 'made' }
      await store.append({ ...made, service: 'web', instance: 'web-1', version: 'abc' })
      await store.append({ ...made, atMs: 2, service: 'api', by: 'ada' })
      const third = await store.append({ ...made, atMs: 3, kind: 'instance.exited', service: 'web', lines: ['no!'] })
      const found = async (filter: EntryFilter) => (await store.entries(filter)).map(({ sequence }) => sequence)
      expect(await found({})).toEqual([0, 1, 2])
      expect(await found({ service: 'web' })).toEqual([0, 2])
      expect(await found({ kinds: ['instance.exited'] })).toEqual([2])
      expect(await found({ kinds: ['instance.exited', 'create.done'], service: 'web' })).toEqual([0, 2])
      expect(await found({ kinds: [] })).toEqual([])
      expect(await found({ instance: 'web-1' })).toEqual([0])
      expect(await found({ version: 'abc' })).toEqual([0])
      expect(await found({ version: 'ab' })).toEqual([0])
      expect(await found({ version: 'b' })).toEqual([])
      expect(await found({ by: 'ada' })).toEqual([1])
      expect(await found({ sinceMs: 2 })).toEqual([1, 2])
      expect(await found({ sinceMs: 1, untilMs: 2 })).toEqual([0, 1])
      expect(await found({ after: 0, stack: 'shop' })).toEqual([1, 2])
      expect(await found({ last: 2 })).toEqual([1, 2])
      expect(await store.entries({ after: 1 })).toEqual([third])
    })

    test('an entry is given back as it was recorded, but for what is not there', async () => {
      const whole = {
        ...asked,
        ...key,
        instance: 'web-1',
        version: 'a',
        operation: 0,
        release: 'b',
        before: 7,
        previous: 'a checkpoint',
        lines: ['one', ''],
      }
      expect(await store.append(whole)).toEqual({ ...whole, sequence: 0 })
      expect(await store.append(asked)).toEqual({ ...asked, sequence: 1 })
      expect(await store.entries({})).toEqual([
        { ...whole, sequence: 0 },
        { ...asked, sequence: 1 },
      ])
    })

    test('every entry has its leaf, and those that are forgotten still count', async () => {
      await store.decide(decided)
      const later = { ...asked, message: 'later' }
      for (let count = 0; count < 3; count += 1) await store.append(later)
      expect((await store.leaves(0, 2)).map(text)).toEqual([leafOf(asked), leafOf(later)].map(text))
      expect(await store.leaves(3, 10)).toHaveLength(1)
      expect(await store.leaves(4, 10)).toEqual([])
      await store.forget(2)
      expect(await store.size()).toBe(4)
      expect((await store.entries({})).map(({ sequence }) => sequence)).toEqual([2, 3])
      expect(await store.leaves(1, 10)).toEqual([])
      await store.forget(9)
      expect((await store.append(later)).sequence).toBe(4)
      expect((await store.entries({})).map(({ sequence }) => sequence)).toEqual([3, 4])
    })

    test('a ledger can be begun anew', async () => {
      await store.decide(decided)
      await store.append(asked)
      await store.restart({ ...asked, kind: 'ledger.restarted' })
      expect((await store.entries({})).map(({ sequence, kind }) => [sequence, kind])).toEqual([[0, 'ledger.restarted']])
      expect(await store.currentRelease(scope)).toMatchObject({ release })
    })

    test('an intent is open until its outcome, or until a controller has started after it', async () => {
      const intent = { ...asked, kind: 'create.intent', by: 'repave' }
      await store.append(intent)
      await store.append({ ...intent, kind: 'controller.started' })
      const open = await store.append(intent)
      const done = await store.append(intent)
      await store.append({ ...intent, kind: 'create.done', operation: done.sequence })
      expect(await store.openIntents()).toEqual([open])
      await store.append({ ...intent, kind: 'create.unknown', operation: open.sequence })
      expect(await store.openIntents()).toEqual([])
    })

    test('an entry that is no JSON is refused, and nothing of it is there', async () => {
      const lone = { ...asked, instance: '\ud800' }
      await expect(store.append(lone)).rejects.toThrow()
      const what = { kind: 'version', version: 'a' } as const
      const refusal: NewRefusal = { ...key, what, reason: 'it leaks', by: 'ada', atMs: 1 }
      await expect(store.decide({ ...decided, entries: [asked, lone], refuses: [refusal] })).rejects.toThrow()
      await expect(store.refuse(refusal, lone)).rejects.toThrow()
      expect(await store.size()).toBe(0)
      expect(await store.releases(scope)).toEqual([])
      expect(await store.refusals()).toEqual([])
    })

    test('what was written is there for the next controller', async (context) => {
      if (!reopen) return context.skip('a store in memory ends with its object')
      const { record: recorded } = await store.decide(decided)
      await store.append(asked)
      const next = await reopen()
      expect(await next.currentRelease(scope)).toEqual(recorded)
      expect(await next.entries({})).toHaveLength(2)
      expect(await next.size()).toBe(2)
      await next.close()
    })
  })
}

function text(leaf: Uint8Array): string {
  return Buffer.from(leaf).toString()
}
