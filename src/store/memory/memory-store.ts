/** A store that lasts as long as its object: for the simulator, and the measure for the real ones. */
import { isMatch } from '../entry-filter.ts'
import { type Entry, leafOf } from '../../model/entry.ts'
import { releaseId } from '../../model/release.ts'
import { fleetName, type Scope, scopeName } from '../../model/stack.ts'
import type { NewRefusal, Refusal } from '../../model/refusal.ts'
import type {
  RecordedEntry,
  ReleaseRecord,
  RolloutEnd,
  RolloutRecord,
  RolloutStart,
  Store,
  VersionRecord,
} from '../store.ts'

export function createMemoryStore(): Store {
  const releases: ReleaseRecord[] = []
  const rollouts: RolloutRecord[] = []
  const refusals: Refusal[] = []
  const versions = new Map<string, VersionRecord>()
  const entries: RecordedEntry[] = []
  const leaves: Uint8Array[] = []
  const enter = (entry: Entry, leaf = leafOf(entry)): RecordedEntry => {
    leaves.push(leaf)
    const recorded = { ...entry, sequence: entries.length + forgotten }
    entries.push(recorded)
    return recorded
  }
  let forgotten = 0
  const newestFirst = (scope: Scope) =>
    releases.filter(({ release }) => scopeName(release) === scopeName(scope)).toReversed()

  const begin = ({ release, sequence, atMs }: ReleaseRecord, start: RolloutStart): RolloutRecord => {
    const { stack, environment } = release
    const rollout: RolloutRecord = {
      stack,
      environment,
      ...start,
      id: rollouts.length + 1,
      sequence,
      state: 'running',
      startedAtMs: atMs,
    }
    rollouts.push(rollout)
    return rollout
  }
  const change = (id: number, changed: (rollout: RolloutRecord) => RolloutRecord) => {
    const index = rollouts.findIndex((rollout) => rollout.id === id)
    const rollout = rollouts[index]
    if (rollout) rollouts[index] = changed(rollout)
  }
  const end = (ended: RolloutEnd) =>
    change(ended.id, ({ reason: _reason, logs: _logs, warmUntilMs: _warm, ...rollout }) => ({ ...rollout, ...ended }))
  const refuse = (refusal: NewRefusal): Refusal => {
    const refused = { ...refusal, id: refusals.length + 1 }
    refusals.push(refused)
    return refused
  }

  const save = (version: VersionRecord) => {
    const name = `${fleetName(version)}@${version.version}`
    const { firstRunAtMs, labels, rehearsal } = versions.get(name) ?? version
    const kept = { ...(labels && { labels }), ...(rehearsal && { rehearsal }) }
    versions.set(name, { ...kept, ...version, firstRunAtMs })
  }

  return {
    async decide({ ends, starts, refuses = [], versions: known = [], entries: told, ...decision }) {
      const decided = { ...decision, sequence: releases.length + 1 }
      const toldLeaves = told.map(leafOf)
      ends.forEach(end)
      releases.push(decided)
      known.forEach(save)
      told.forEach((entry, index) => enter(entry, toldLeaves[index]))
      return {
        record: decided,
        started: starts.map((start) => begin(decided, start)),
        refused: refuses.map(refuse),
      }
    },
    async currentRelease(scope) {
      return newestFirst(scope)[0]
    },
    async currentReleases() {
      return [...new Map(releases.map((record) => [scopeName(record.release), record])).values()]
    },
    async releases(scope) {
      return newestFirst(scope)
    },

    async release(id) {
      return releases.find(({ release }) => releaseId(release) === id)?.release
    },

    async endRollout(rollout, entry) {
      enter(entry)
      end(rollout)
    },
    async changeRollout({ id, pausedAtMs, ...changes }, entry) {
      enter(entry)
      change(id, ({ pausedAtMs: since = null, ...rollout }) => {
        const paused = pausedAtMs === undefined ? since : pausedAtMs
        return { ...rollout, ...changes, ...(paused !== null && { pausedAtMs: paused }) }
      })
    },
    async coolRollout(id, entry) {
      enter(entry)
      change(id, ({ warmUntilMs: _warm, ...rollout }) => rollout)
    },
    async runningRollouts() {
      return rollouts.filter(({ state }) => state === 'running')
    },
    async warmRollouts() {
      return rollouts.filter(({ state, warmUntilMs }) => state === 'succeeded' && warmUntilMs !== undefined)
    },
    async rollouts(key, limit) {
      return rollouts
        .filter((rollout) => fleetName(rollout) === fleetName(key))
        .toReversed()
        .slice(0, limit)
    },

    async refuse(refusal, entry) {
      enter(entry)
      return refuse(refusal)
    },
    async lift(id, lifted, entry) {
      enter(entry)
      const index = refusals.findIndex((refusal) => refusal.id === id)
      const refusal = refusals[index]
      if (refusal) refusals[index] = { ...refusal, lifted }
    },
    async refusals() {
      return refusals.toReversed()
    },

    async saveVersion(version) {
      save(version)
    },
    async saveRehearsal(version, rehearsal, entry) {
      enter(entry)
      const name = `${fleetName(version)}@${version.version}`
      const known = versions.get(name)
      if (known) versions.set(name, { ...known, rehearsal })
    },
    async versions(scope, service) {
      const mine = [...versions.values()].filter((version) => scopeName(version) === scopeName(scope))
      return mine
        .filter((version) => service === undefined || version.service === service)
        .toSorted((a, b) => b.lastRunAtMs - a.lastRunAtMs || (a.version < b.version ? -1 : 1))
    },

    async append(entry) {
      return enter(entry)
    },
    async entries(filter) {
      const matching = entries.filter((entry) => isMatch(entry, filter))
      return filter.last === undefined ? matching : matching.slice(Math.max(0, matching.length - filter.last))
    },
    async openIntents() {
      const since = entries.findLastIndex(({ kind }) => kind === 'controller.started')
      const recent = entries.slice(since + 1)
      const closed = new Set(recent.map(({ operation }) => operation))
      return recent.filter(({ kind, sequence }) => kind.endsWith('.intent') && !closed.has(sequence))
    },
    async leaves(from, limit) {
      return from < forgotten ? [] : leaves.slice(from - forgotten, from - forgotten + limit)
    },
    async size() {
      return forgotten + entries.length
    },
    async forget(before) {
      const count = Math.max(0, Math.min(before - forgotten, entries.length - 1))
      entries.splice(0, count)
      leaves.splice(0, count)
      forgotten += count
    },

    async restart(entry) {
      entries.length = 0
      leaves.length = 0
      forgotten = 0
      enter(entry)
    },

    async close() {},
  }
}
