/**
 * A proxy in memory: its routes, its servers and the requests in flight. It outlives the routers that drive it, as
 * HAProxy outlives the controller; simulated clients send requests to it, and tests do to it what befalls one.
 */
import type { Address } from '../../model/address.ts'
import type { Clock } from '../../system/clock.ts'
import {
  type Answered,
  type AnswerClass,
  answerClasses,
  type Figures,
  type Lane,
  type LaneCounts,
  type PoolName,
  type RoutedService,
  type RouterEvent,
} from '../router.ts'
import { MemorySplits } from './memory-splits.ts'
import { matchRoute, sameListener, type Target } from './route-match.ts'

export interface MemoryServer {
  readonly pool: PoolName
  readonly instance: string
  readonly address: Address
  lane: Lane
  draining: boolean
  readonly sessions: Set<MemorySession>
  /** When it last got a request, as a count of requests. */
  lastPick: number
}

/** A request or an upgraded connection that an instance is busy with. */
export interface MemorySession {
  readonly pool: PoolName
  readonly instance: string
  readonly address: Address
  readonly lane: Lane
  readonly arrivedMs: number
  /** Whether the router has cut it, so that its client got no whole answer. */
  readonly cut: boolean
  /** The instance has answered, with `status` or else 200. */
  end(status?: number): void
}

/** `refused`: nobody listens there. */
export type Pick =
  | { readonly kind: 'refused' }
  | { readonly kind: 'no-route' }
  | { readonly kind: 'no-instance' }
  | { readonly kind: 'picked'; readonly session: MemorySession }

const holdAttempts = 30
const holdStepMs = 200

export class MemoryProxy {
  services: readonly RoutedService[] = []
  readonly servers = new Map<string, MemoryServer>()
  /** Servers whose pool is gone, with the requests that they still have. */
  readonly retired = new Map<string, MemoryServer>()
  /** Ports that something else listens on. */
  readonly occupiedPorts = new Set<number>()
  /** Certificate and key files that can't be used. */
  readonly badFiles = new Set<string>()
  /** Certificates that are not yet served as their files have them. */
  readonly renewedFiles = new Set<string>()
  readonly splits = new MemorySplits()
  readonly #clock: Clock
  readonly #answers: (address: Address) => boolean
  readonly #listeners = new Set<(event: RouterEvent) => void>()
  readonly #counts = new Map<string, LaneCounts>()
  readonly #measurers = new Set<(figures: Figures) => void>()
  #change = Promise.withResolvers<void>()
  #picks = 0

  /** `answers`: whether something serves at an address; a server where nothing does is `down`. */
  constructor(clock: Clock, answers: (address: Address) => boolean = () => true) {
    this.#clock = clock
    this.#answers = answers
  }

  /**
   * The instance for a request: in its lane the one with the fewest requests, and of these the one that waited longest.
   * Where there is none, that is the answer.
   */
  pick(target: Target): Pick {
    return this.#pick(target, this.#clock.steady())
  }

  /** As `pick`, but a request for which there is no instance waits some six seconds for one. */
  async arrive(target: Target): Promise<Pick> {
    const arrivedMs = this.#clock.steady()
    for (let attempt = 0; attempt < holdAttempts && this.#lacksInstance(target); attempt++)
      await this.#clock.sleep(holdStepMs)
    return this.#pick(target, arrivedMs)
  }

  /** Serves these from here on. */
  serve(services: readonly RoutedService[]): void {
    this.services = services
    this.splits.keep(new Set(services.map(({ pool }) => pool)))
    this.changed()
  }

  answers(server: MemoryServer): boolean {
    return this.#answers(server.address)
  }

  /** It is killed: requests are cut without a word to those who measure, and nothing is left but the splits. */
  crash(): void {
    this.#end((server) => void drop(server))
    for (const listener of this.#listeners) listener({ kind: 'lost' })
    for (const measurer of this.#measurers) measurer({ kind: 'lost' })
  }

  empty(): void {
    this.#end((server) => this.cut(server))
    this.splits.keep(new Set())
  }

  cut(server: MemoryServer): void {
    for (const session of drop(server)) this.#tell(session, 0)
    this.changed()
  }

  listen(listener: (event: RouterEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Tells `measurer` of each request that ends. */
  measure(measurer: (figures: Figures) => void): () => void {
    this.#measurers.add(measurer)
    return () => this.#measurers.delete(measurer)
  }

  /** Wakes whoever waits for `nextChange`. */
  changed(): void {
    this.#change.resolve()
    this.#change = Promise.withResolvers()
  }

  /** Resolves when anything in it changes, a request's end included. */
  nextChange(): Promise<void> {
    return this.#change.promise
  }

  #pick(target: Target, arrivedMs: number): Pick {
    const routes = this.services.flatMap((service) => service.routes)
    if (!routes.some(({ listen }) => sameListener(listen, target.listen))) return { kind: 'refused' }
    const pool = matchRoute(this.services, target)
    if (pool === undefined) return { kind: 'no-route' }
    const lane = this.splits.next(pool)
    const server = this.#serverFor(pool, lane)
    this.splits.given(pool)
    if (server !== undefined) return { kind: 'picked', session: this.#begin(server, arrivedMs) }
    this.#tell({ pool, instance: null, lane, arrivedMs }, 503)
    return { kind: 'no-instance' }
  }

  #lacksInstance(target: Target): boolean {
    const pool = matchRoute(this.services, target)
    return pool !== undefined && this.#serverFor(pool, 'a') === undefined
  }

  /** In this lane, or else in the other one. */
  #serverFor(pool: PoolName, lane: Lane): MemoryServer | undefined {
    const usable = [...this.servers.values()].filter(
      (server) => server.pool === pool && !server.draining && this.answers(server),
    )
    const own = usable.filter((server) => server.lane === lane)
    return (own.length > 0 ? own : usable).toSorted(
      (a, b) => a.sessions.size - b.sessions.size || a.lastPick - b.lastPick,
    )[0]
  }

  #begin(server: MemoryServer, arrivedMs: number): MemorySession {
    const { pool, instance, address, lane } = server
    const end = (status = 200) => {
      if (!server.sessions.delete(session)) return
      this.#tell(session, status)
      this.changed()
    }
    const session: MemorySession = { pool, instance, address, lane, arrivedMs, cut: false, end }
    server.lastPick = ++this.#picks
    server.sessions.add(session)
    return session
  }

  #tell({ pool, instance, lane, arrivedMs }: Told, status: number): void {
    const answer = { pool, instance, lane, status, timeMs: this.#clock.steady() - arrivedMs }
    this.#count(answer)
    for (const measurer of this.#measurers) measurer({ kind: 'answers', answers: [answer] })
  }

  /** Lanes that nothing was asked of yet are not among them. */
  counts(): readonly LaneCounts[] {
    const sessions = [...this.servers.values(), ...this.retired.values()]
    return [...this.#counts.values()].map((counts) => {
      const own = sessions.filter(({ pool, lane }) => pool === counts.pool && lane === counts.lane)
      return { ...counts, open: own.reduce((sum, server) => sum + server.sessions.size, 0) }
    })
  }

  #count({ pool, lane, status, timeMs }: Answered): void {
    const known = this.#counts.get(`${pool} ${lane}`)
    const answers = { ...(known?.answers ?? noAnswers) }
    answers[classOf(status)] = (answers[classOf(status)] ?? 0) + 1
    this.#counts.set(`${pool} ${lane}`, { pool, lane, answers, waiting: 0, open: 0, meanMs: timeMs })
  }

  #end(part: (server: MemoryServer) => void): void {
    for (const server of [...this.servers.values(), ...this.retired.values()]) part(server)
    this.servers.clear()
    this.retired.clear()
    this.services = []
    this.changed()
  }
}

const noAnswers: LaneCounts['answers'] = Object.fromEntries(answerClasses.map((each) => [each, 0]))

function classOf(status: number): AnswerClass {
  return answerClasses.find((each) => each.startsWith(String(Math.floor(status / 100)))) ?? 'other'
}

type Told = Omit<Answered, 'status' | 'timeMs'> & { readonly arrivedMs: number }

/** The requests that were cut off from `server`. */
function drop(server: MemoryServer): readonly MemorySession[] {
  const sessions = [...server.sessions]
  for (const session of sessions) Object.assign(session, { cut: true })
  server.sessions.clear()
  return sessions
}
