/** The controller: answers commands, and keeps what they decided through its loop. */
import type { Readable } from 'node:stream'
import type { LogLine } from '../engine/engine.ts'
import type {
  AccessReport,
  AcknowledgeReport,
  ControllerStatus,
  DriftReport,
  EvidenceReport,
  LiftReport,
  ProgressReport,
  RefusalsReport,
  RefuseReport,
  StatusReport,
  VersionsReport,
} from '../model/report.ts'
import type { MetricFamily } from '../model/metric.ts'
import { fleetName, type Scope } from '../model/stack.ts'
import type { RecordedEntry, RolloutRecord } from '../store/store.ts'
import { Access } from './access.ts'
import type {
  AccessLink,
  AccessRequest,
  AcknowledgeRequest,
  Commands,
  DownRequest,
  DriftRequest,
  EventsRequest,
  LogsRequest,
  PlanRequest,
  RepaveRequest,
  ReplaceRequest,
  RollbackRequest,
  LiftRequest,
  RefuseRequest,
  SteerRequest,
  UpRequest,
} from './commands.ts'
import { Desk } from './desk.ts'
import { down } from './down.ts'
import { drift } from './drift.ts'
import { listEvidence } from './evidence.ts'
import { followEvents } from './history.ts'
import { serviceLogs } from './logs.ts'
import { Notices } from './notices.ts'
import { Publication } from './publication.ts'
import { acknowledge } from './acknowledge.ts'
import { repave } from './repave.ts'
import { replace } from './replace.ts'
import { recall } from './recall.ts'
import { lift, listRefusals, refuse } from './refuse.ts'
import { rollback } from './rollback.ts'
import type { Seams } from './seams.ts'
import { Scrape } from './scrape.ts'
import { steer } from './steer.ts'
import { environmentStatus, type StatusFacts } from './status.ts'
import { planUp, up } from './up.ts'
import { versions } from './versions.ts'
import type { ScopeView } from './views.ts'

export class Controller implements Commands {
  readonly #seams: Seams
  readonly #desk: Desk
  readonly #publication: Publication
  readonly #notices: Notices
  readonly #scrape: Scrape
  readonly #access: Access

  constructor(seams: Seams) {
    this.#seams = seams
    this.#publication = new Publication(seams)
    this.#desk = new Desk(seams, () => {
      this.#publication.wake()
      this.#notices.wake()
    })
    const { decisions } = this.#desk.loop
    this.#notices = new Notices(seams, () => decisions.current().map(({ release }) => release))
    this.#scrape = new Scrape(this.#desk, {
      published: () => this.#publication.published(),
      notices: () => this.#notices.figures(),
    })
    this.#access = new Access(this.#desk)
  }

  /** Recovery is the only way of starting. Throws LEDGER_BEHIND before anything is done. */
  async start(): Promise<void> {
    await this.#publication.start()
    await this.#notices.start()
    await this.#scrape.start()
    await this.#access.recover()
    await this.#desk.loop.start()
  }

  /** Ends this controller; instances and router serve on. */
  async stop(): Promise<void> {
    await this.endAccess()
    await this.#desk.loop.stop()
    await this.#notices.stop()
    await this.#publication.stop()
  }

  /** Closes all terminals. */
  async endAccess(): Promise<void> {
    await this.#access.stop()
  }

  /** Nothing is declared, nothing runs, and nobody waits for an answer or has to be told of something. */
  isIdle(): boolean {
    const { loop } = this.#desk
    const declared = loop.views.some(({ record }) => Object.keys(record.release.services).length > 0)
    if (this.#notices.figures().pending > 0) return false
    return !declared && !this.#desk.isBusy() && loop.sight?.engine.instances.length === 0
  }

  info(): ControllerStatus {
    return this.#seams.info
  }

  plan(request: PlanRequest) {
    return planUp(this.#desk, request)
  }

  up(request: UpRequest, client?: AbortSignal): AsyncIterable<ProgressReport> {
    return this.#desk.inTurn(request.stack, { command: 'up', client }, (turn) => up(this.#desk, request, turn))
  }

  rollback(request: RollbackRequest, client?: AbortSignal): AsyncIterable<ProgressReport> {
    return this.#desk.inTurn(request, { command: 'rollback', client }, (turn) => rollback(this.#desk, request, turn))
  }

  replace(request: ReplaceRequest, client?: AbortSignal): AsyncIterable<ProgressReport> {
    return this.#desk.inTurn(request, { command: 'replace', client }, (turn) => replace(this.#desk, request, turn))
  }

  repave(request: RepaveRequest, client?: AbortSignal): AsyncIterable<ProgressReport> {
    return this.#desk.inTurn(request, { command: 'now', client }, (turn) => repave(this.#desk, request, turn))
  }

  acknowledge(request: AcknowledgeRequest): Promise<AcknowledgeReport> {
    return acknowledge(this.#desk, request)
  }

  access(request: AccessRequest, link: AccessLink): Promise<void> {
    return this.#access.open(request, link)
  }

  accesses(scope: Scope): Promise<readonly AccessReport[]> {
    return this.#access.list(scope)
  }

  down(request: DownRequest, client?: AbortSignal): AsyncIterable<ProgressReport> {
    return this.#desk.inTurn(request, { command: 'down', client }, (turn) => down(this.#desk, request, turn))
  }

  steer(request: SteerRequest): AsyncIterable<ProgressReport> {
    return steer(this.#desk, request)
  }

  refuse(request: RefuseRequest): Promise<RefuseReport> {
    return refuse(this.#desk, request)
  }

  lift(request: LiftRequest): Promise<LiftReport> {
    return lift(this.#desk, request)
  }

  async refusals(scope: Scope): Promise<RefusalsReport> {
    return listRefusals(this.#desk, scope)
  }

  recall(request: RefuseRequest, client?: AbortSignal): AsyncIterable<ProgressReport> {
    return this.#desk.inTurn(request, { command: 'recall', client }, (turn) => recall(this.#desk, request, turn))
  }

  async status(filter: Partial<Scope>): Promise<readonly StatusReport[]> {
    this.#desk.assertKnown(filter)
    const views = this.#desk.loop.views.filter((view) => matches(view, filter))
    return Promise.all(
      views.map(async (view) => ({
        ...environmentStatus(view, await this.#facts(view)),
        controller: this.#seams.info,
      })),
    )
  }

  async versions(scope: Scope, service?: string): Promise<readonly VersionsReport[]> {
    return versions(this.#desk, scope, service)
  }

  async drift(request: DriftRequest): Promise<DriftReport> {
    return drift(this.#desk, request)
  }

  evidence(filter: Partial<Scope>): Promise<readonly EvidenceReport[]> {
    return listEvidence(this.#seams, filter)
  }

  readEvidence(digest: string): Promise<Readable> {
    return this.#seams.locker.read(digest)
  }

  logs(request: LogsRequest, signal: AbortSignal): AsyncIterable<LogLine> {
    return serviceLogs(this.#desk, request, signal)
  }

  events(request: EventsRequest, follow: boolean, signal: AbortSignal): AsyncIterable<RecordedEntry> {
    return followEvents(this.#desk, request, follow, signal)
  }

  metrics(): Promise<readonly MetricFamily[]> {
    return this.#scrape.families()
  }

  async #facts({ fleets }: ScopeView): Promise<StatusFacts> {
    const { loop } = this.#desk
    const last = await Promise.all(
      fleets.map(async ({ key }): Promise<[string, RolloutRecord | undefined]> => {
        return [fleetName(key), await this.#desk.newestRollout(key)]
      }),
    )
    return {
      nowMs: this.#seams.clock.now(),
      senses: await this.#desk.senses(),
      problems: [...loop.problems(), ...this.#publication.troubles(), ...this.#notices.troubles()],
      rollouts: new Map(last.filter((entry): entry is [string, RolloutRecord] => entry[1] !== undefined)),
      ...this.#desk.about(),
    }
  }
}

function matches({ scope, record, fleets }: ScopeView, filter: Partial<Scope>): boolean {
  const isPresent =
    Object.keys(record.release.services).length > 0 || fleets.some(({ instances }) => instances.length > 0)
  const isNamed = filter.stack !== undefined
  if (filter.stack !== undefined && scope.stack !== filter.stack) return false
  if (filter.environment !== undefined && scope.environment !== filter.environment) return false
  return isPresent || isNamed
}
