/** Commands that answer what a test scripts, and remember what they were asked. */
import { Readable } from 'node:stream'
import type { Commands, UpRequest } from '../controller/commands.ts'
import type { LogLine } from '../engine/engine.ts'
import { emptyLock } from '../image/lock.ts'
import type { EvidenceReport, ProgressReport, RefusalReport } from '../model/report.ts'
import type { RecordedEntry } from '../store/store.ts'

type Script<T> = Iterable<T> | AsyncIterable<T>

interface Scripts {
  readonly up?: (client?: AbortSignal) => Script<ProgressReport>
  readonly rollback?: () => Script<ProgressReport>
  readonly logs?: (signal: AbortSignal) => Script<LogLine>
  readonly events?: (filter: unknown, follow: boolean, signal: AbortSignal) => Script<RecordedEntry>
  readonly status?: Commands['status']
  readonly metrics?: Commands['metrics']
}

export interface ScriptedCommands extends Commands {
  readonly calls: (readonly [string, unknown])[]
}

export function scripted(scripts: Scripts): ScriptedCommands {
  const calls: (readonly [string, unknown])[] = []
  const called = async function* <T>(name: string, request: unknown, script: Script<T> = []): AsyncIterable<T> {
    calls.push([name, request])
    yield* script
  }
  return {
    calls,
    info: () => ({ pid: 7, socket: '/s' }),
    plan: async (request) => {
      calls.push(['plan', request])
      return { plan: { stack: 'shop', environment: 'default', services: [], changes: 0 }, lock: emptyLock }
    },
    up: (request, client) => called('up', request, scripts.up?.(client)),
    rollback: (request) => called('rollback', request, scripts.rollback?.()),
    refuse: async (request) => {
      calls.push(['refuse', request])
      return { ok: true, changed: true, refusal: aRefusal, runs: [] }
    },
    lift: async (request) => {
      calls.push(['lift', request])
      return { ok: true, changed: true, refusal: aRefusal, others: [] }
    },
    refusals: async (scope) => ({ ...scope, refusals: [aRefusal] }),
    recall: (request) => called('recall', request),
    replace: (request) => called('replace', request),
    repave: (request) => called('repave', request),
    acknowledge: async (request) => {
      calls.push(['acknowledge', request])
      return { ok: true, changed: true, escalated: ['web'], replaced: [] }
    },
    access: async (request) => void calls.push(['access', request]),
    accesses: async () => [],
    down: (request) => called('down', request),
    steer: (request) => called('steer', request),
    status: scripts.status ?? (async () => []),
    versions: async () => [],
    drift: async ({ stack, environment }) => ({ stack, environment, findings: [] }),
    evidence: async () => [anEvidence],
    readEvidence: async (digest) => {
      calls.push(['readEvidence', digest])
      return Readable.from([Buffer.from('a bundle')])
    },
    logs: (request, signal) => called('logs', request, scripts.logs?.(signal)),
    metrics: scripts.metrics ?? (async () => []),
    events: (filter, follow, signal) => called('events', filter, scripts.events?.(filter, follow, signal)),
  }
}

export const anEvidence: EvidenceReport = {
  digest: `sha256:${'a'.repeat(64)}`,
  stack: 'shop',
  environment: 'default',
  service: 'web',
  instance: 'shop-default-web-4f9a1c2b-1',
  version: 'web@4f9a1c2b',
  at: '2026-11-24T08:00:00.000Z',
  bytes: 10_240,
  touches: [{ kind: 'exec', layer: 'events', atMs: 1_795_507_200_000, detail: 'exec /bin/sh' }],
  missing: [],
}

export const aRefusal: RefusalReport = {
  id: 1,
  kind: 'version',
  what: 'web@4f9a1c2b',
  service: 'web',
  reason: 'it leaks',
  by: 'ada',
  at: '2026-11-24T08:00:00.000Z',
}

export const anEntry: RecordedEntry = {
  sequence: 1,
  atMs: 1,
  stack: 'shop',
  environment: 'default',
  kind: 'decision.up',
  by: 'ada',
  message: 'up',
}

export const upRequest: UpRequest = {
  by: 'ann',
  lock: emptyLock,
  stack: {
    stack: 'shop',
    environment: 'default',
    services: {
      web: {
        image: { kind: 'reference', reference: 'web:1' },
        environment: { LOG_LEVEL: 'info' },
        port: 8080,
        routes: [{ listen: { address: '127.0.0.1', port: 8080 }, path: '/' }],
        health: { kind: 'tcp', intervalMs: 1000, timeoutMs: 1000, healthyAfter: 1, unhealthyAfter: 3 },
        resources: { cpuMillis: 500, memoryBytes: 1 << 27, pids: 64 },
        tmpfs: ['/tmp'],
        replicas: 3,
        rollout: {
          strategy: 'rolling',
          maxSurge: { kind: 'share', share: 0.25 },
          maxUnavailable: { kind: 'count', count: 0 },
          deadlineMs: 60_000,
        },
        drainMs: 10_000,
      },
    },
  },
}
