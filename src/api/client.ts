/** The typed client of the controller's API. Loads nothing but `node:http`, since each command starts it. */
import { type IncomingMessage, request } from 'node:http'
import type {
  EventsRequest,
  LiftRequest,
  LogsRequest,
  PlanRequest,
  RefuseRequest,
  DownRequest,
  AcknowledgeRequest,
  RepaveRequest,
  DriftRequest,
  ReplaceRequest,
  RollbackRequest,
  SteerRequest,
  UpRequest,
  Commands,
} from '../controller/commands.ts'
import type { LogLine } from '../engine/engine.ts'
import { asRepaveError, type ErrorReport, fromReport, RepaveError } from '../errors.ts'
import type {
  AccessReport,
  ControllerStatus,
  DriftReport,
  EvidenceReport,
  ProgressReport,
  RefusalsReport,
  StatusReport,
  VersionsReport,
} from '../model/report.ts'
import type { Scope } from '../model/stack.ts'
import type { RecordedEntry } from '../store/store.ts'
import { readLines } from './lines.ts'
import { versionHeader } from './version.ts'

/** The commands over the socket; every method may fail with CONTROLLER_UNREACHABLE. */
export type Client = Omit<Commands, 'info' | 'metrics' | 'access'> & { info(): Promise<ControllerStatus> }

type Query = Readonly<Record<string, string | number | boolean | undefined>>

interface Call {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly query?: Query
  readonly body?: unknown
  readonly signal?: AbortSignal
  /** How long the head of the answer may take; absent: for ever, as work may. */
  readonly patienceMs?: number
}

/** A controller that lives says who it is at once. */
const infoPatienceMs = 5_000

/** `onVersion` hears the controller's version with each answer. */
export function createClient(socket: string, onVersion: (version: string) => void = () => {}): Client {
  const send = async (call: Call): Promise<IncomingMessage> => {
    const response = await exchange(socket, call)
    const version = response.headers[versionHeader]
    if (typeof version === 'string') onVersion(version)
    if (response.statusCode === 200) return response
    throw await problem(response)
  }
  const get = async <T>(path: string, query: Query = {}): Promise<T> =>
    json<T>(await send({ method: 'GET', path, query }))
  const work = async function* (path: string, body: unknown): AsyncIterable<ProgressReport> {
    yield* untilVerdict(lines<ProgressReport>(await send({ method: 'POST', path, body })))
  }
  /** Ends quietly when the signal aborts. */
  const follow = async function* <T>(path: string, query: Query, signal: AbortSignal): AsyncIterable<T> {
    try {
      yield* lines<T>(await send({ method: 'GET', path, query, signal }))
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
  return {
    info: async () => json(await send({ method: 'GET', path: '/v1/controller', patienceMs: infoPatienceMs })),
    plan: async (body: PlanRequest) => json(await send({ method: 'POST', path: '/v1/plan', body })),
    up: (body: UpRequest) => work('/v1/up', body),
    rollback: (body: RollbackRequest) => work('/v1/rollback', body),
    refuse: async (body: RefuseRequest) => json(await send({ method: 'POST', path: '/v1/refuse', body })),
    lift: async (body: LiftRequest) => json(await send({ method: 'POST', path: '/v1/refuse/lift', body })),
    refusals: (scope: Scope) => get<RefusalsReport>('/v1/refusals', { ...scope }),
    recall: (body: RefuseRequest) => work('/v1/recall', body),
    replace: (body: ReplaceRequest) => work('/v1/replace', body),
    repave: (body: RepaveRequest) => work('/v1/repave', body),
    acknowledge: async (body: AcknowledgeRequest) =>
      json(await send({ method: 'POST', path: '/v1/acknowledge', body })),
    accesses: (scope: Scope) => get<readonly AccessReport[]>('/v1/accesses', { ...scope }),
    down: (body: DownRequest) => work('/v1/down', body),
    steer: (body: SteerRequest) => work('/v1/rollout', body),
    status: (filter: Partial<Scope>) => get<readonly StatusReport[]>('/v1/status', { ...filter }),
    versions: (scope: Scope, service?: string) => get<readonly VersionsReport[]>('/v1/versions', { ...scope, service }),
    drift: async (body: DriftRequest): Promise<DriftReport> =>
      json(await send({ method: 'POST', path: '/v1/drift', body })),
    evidence: (filter: Partial<Scope>) => get<readonly EvidenceReport[]>('/v1/evidence', { ...filter }),
    readEvidence: (digest: string) => send({ method: 'GET', path: '/v1/evidence/bundle', query: { digest } }),
    logs: (query: LogsRequest, signal: AbortSignal) => follow<LogLine>('/v1/logs', { ...query }, signal),
    events: (query: EventsRequest, goOn: boolean, signal: AbortSignal) =>
      follow<RecordedEntry>('/v1/events', { ...query, follow: goOn }, signal),
  }
}

/** Resolves with the answer's head; the connection ends with the answer. */
function exchange(socket: string, call: Call): Promise<IncomingMessage> {
  const text = call.body === undefined ? undefined : JSON.stringify(call.body)
  return new Promise((resolve, reject) => {
    const outgoing = request({
      socketPath: socket,
      agent: false,
      method: call.method,
      path: call.path + queryText(call.query ?? {}),
      headers: {
        host: 'controller',
        ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      },
      ...(call.signal && { signal: call.signal }),
    })
    outgoing.once('response', resolve)
    outgoing.on('error', (error) => reject(call.signal?.aborted ? error : unreachable(socket, error)))
    if (call.patienceMs !== undefined)
      outgoing.setTimeout(call.patienceMs, () => outgoing.destroy(new Error('no answer')))
    outgoing.end(text)
  })
}

function queryText(query: Query): string {
  const given = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) if (value !== undefined) given.set(key, String(value))
  return given.size === 0 ? '' : `?${given.toString()}`
}

async function json<T>(response: IncomingMessage): Promise<T> {
  let text = ''
  try {
    for await (const chunk of response.setEncoding('utf8')) text += String(chunk)
  } catch (error) {
    throw cutOff(error)
  }
  const value: T = JSON.parse(text)
  return value
}

/** The lines of an answer; a line that is an error report is thrown. */
async function* lines<T>(response: IncomingMessage): AsyncIterable<T> {
  try {
    for await (const line of readLines<T>(response)) {
      if (isErrorReport(line)) throw fromReport(line)
      yield line
    }
  } catch (error) {
    throw error instanceof RepaveError ? error : cutOff(error)
  } finally {
    response.destroy()
  }
}

/** Work ends with a verdict; an end without one means that the controller went away. */
async function* untilVerdict(reports: AsyncIterable<ProgressReport>): AsyncIterable<ProgressReport> {
  for await (const report of reports) {
    yield report
    if (report.kind === 'result' || report.kind === 'error') return
  }
  throw cutOff()
}

async function problem(response: IncomingMessage): Promise<RepaveError> {
  const report: unknown = await json(response)
  if (isErrorReport(report)) return fromReport(report)
  return asRepaveError(new Error(`the controller answered HTTP ${response.statusCode}`))
}

function isErrorReport(value: unknown): value is ErrorReport {
  return typeof value === 'object' && value !== null && 'ok' in value && value.ok === false && 'code' in value
}

function unreachable(socket: string, cause: Error): RepaveError {
  return new RepaveError('CONTROLLER_UNREACHABLE', `no controller answers at ${socket}`, {
    hint: 'start one with `repave serve`, or look with `repave doctor`',
    cause,
  })
}

function cutOff(cause?: unknown): RepaveError {
  return new RepaveError('CONTROLLER_UNREACHABLE', 'the controller went away before it had answered', {
    hint: 'run the command again: the next controller takes up what this one was doing',
    cause,
  })
}
