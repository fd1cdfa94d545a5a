/** A store that lasts as long as its object: for the simulator, and the measure for the real ones. */
import { fleetName, type Scope, scopeName } from '../../model/stack.ts'
import type {
  EventFilter,
  HistoryEvent,
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
  const versions = new Map<string, VersionRecord>()
  const events: HistoryEvent[] = []
  const newestFirst = (scope: Scope) =>
    releases.filter(({ release }) => scopeName(release) === scopeName(scope)).toReversed()

  const begin = ({ release, atMs }: ReleaseRecord, start: RolloutStart): RolloutRecord => {
    const { stack, environment } = release
    const rollout: RolloutRecord = {
      stack,
      environment,
      ...start,
      id: rollouts.length + 1,
      state: 'running',
      startedAtMs: atMs,
    }
    rollouts.push(rollout)
    return rollout
  }
  const end = (ended: RolloutEnd) => {
    const index = rollouts.findIndex(({ id }) => id === ended.id)
    const rollout = rollouts[index]
    if (rollout) rollouts[index] = { ...rollout, ...ended }
  }

  return {
    async decide({ ends, starts, ...decision }) {
      const record = { ...decision, sequence: releases.length + 1 }
      ends.forEach(end)
      releases.push(record)
      return { record, started: starts.map((start) => begin(record, start)) }
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

    async endRollout(rollout) {
      end(rollout)
    },
    async runningRollouts() {
      return rollouts.filter(({ state }) => state === 'running')
    },
    async rollouts(key, limit) {
      return rollouts
        .filter((rollout) => fleetName(rollout) === fleetName(key))
        .toReversed()
        .slice(0, limit)
    },

    async saveVersion(version) {
      const name = `${fleetName(version)}@${version.version}`
      const firstRunAtMs = versions.get(name)?.firstRunAtMs ?? version.firstRunAtMs
      versions.set(name, { ...version, firstRunAtMs })
    },
    async versions(scope, service) {
      const mine = [...versions.values()].filter((version) => scopeName(version) === scopeName(scope))
      return mine
        .filter((version) => service === undefined || version.service === service)
        .toSorted((a, b) => b.lastRunAtMs - a.lastRunAtMs || (a.version < b.version ? -1 : 1))
    },

    async append(event) {
      const stored = { ...event, sequence: (events.at(-1)?.sequence ?? 0) + 1 }
      events.push(stored)
      return stored
    },
    async events(filter) {
      const matching = events.filter((event) => matches(event, filter))
      return filter.last === undefined ? matching : matching.slice(Math.max(0, matching.length - filter.last))
    },

    async close() {},
  }
}

function matches(event: HistoryEvent, filter: EventFilter): boolean {
  return (
    (filter.stack === undefined || event.stack === filter.stack) &&
    (filter.environment === undefined || event.environment === filter.environment) &&
    (filter.service === undefined || event.service === filter.service) &&
    (filter.kinds === undefined || filter.kinds.includes(event.kind)) &&
    event.sequence > (filter.after ?? 0)
  )
}
