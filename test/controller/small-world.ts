/** A controller on an engine, a router and a store in memory, for tests that watch it in virtual time. */
import { MemoryLocker } from '../../src/evidence/memory/memory-locker.ts'
import { MemoryEngine } from '../../src/engine/memory/memory-engine.ts'
import { MemoryTerminals } from '../../src/engine/memory/memory-terminals.ts'
import { MemoryRecordings } from '../../src/recording/memory/memory-recordings.ts'
import { MemoryMachine } from '../../src/engine/memory/memory-machine.ts'
import { type Behaviour, goodBehaviour } from '../../src/engine/memory/memory-process.ts'
import { RepaveError } from '../../src/errors.ts'
import { emptyLock } from '../../src/image/lock.ts'
import type { ProgressReport, ResultReport } from '../../src/model/report.ts'
import type { ServiceSpec, Stack } from '../../src/model/stack.ts'
import { memorySigner, openMemoryLedger } from '../../src/ledger/memory/memory-ledger.ts'
import { MemoryLedgerFiles } from '../../src/ledger/memory/memory-ledger-files.ts'
import { MemoryGate } from '../../src/gate/memory/memory-gate.ts'
import { MemoryBookmarks } from '../../src/notify/memory/memory-bookmarks.ts'
import { type Listen, MemoryMessenger } from '../../src/notify/memory/memory-messenger.ts'
import { MemoryProbe } from '../../src/probe/memory/memory-probe.ts'
import { MemoryProxy } from '../../src/router/memory/memory-proxy.ts'
import { MemoryRouter } from '../../src/router/memory/memory-router.ts'
import { createMemoryStore } from '../../src/store/memory/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { VirtualClock } from '../../src/system/virtual-clock.ts'
import { Controller } from '../../src/controller/controller.ts'

export const scope = { stack: 'shop', environment: 'production' }
export const by = 'ada'

export const web: ServiceSpec = {
  image: { kind: 'reference', reference: 'web:1' },
  command: ['/web'],
  environment: {},
  port: 8080,
  routes: [{ listen: { address: '*', port: 8080 }, path: '/' }],
  health: { kind: 'http', path: '/', intervalMs: 1_000, timeoutMs: 500, healthyAfter: 1, unhealthyAfter: 3 },
  resources: { cpuMillis: 500, memoryBytes: 1 << 27, pids: 64 },
  tmpfs: [],
  replicas: 3,
  rollout: {
    strategy: 'rolling',
    maxSurge: { kind: 'count', count: 1 },
    maxUnavailable: { kind: 'count', count: 0 },
    deadlineMs: 20_000,
  },
  drainMs: 5_000,
}

export let clock: VirtualClock
/** How far the controller's wall clock is from that of the machine. */
export const wall = { offsetMs: 0 }
/** What a monitoring system gives, by query. */
export const numbers = new Map<string, number>()
export let machine: MemoryMachine
/** Of the newest controller. */
export let engine: MemoryEngine
export let proxy: MemoryProxy
export let store: Store
export let recordings: MemoryRecordings
export let ledgerFiles: MemoryLedgerFiles
export let bookmarks: MemoryBookmarks
/** What those do who are told; set by a test. */
export const ears: { listen: Listen } = { listen: () => {} }
export const ledgerSigner = memorySigner()
export let controller: Controller

/** An empty machine, and a controller on it. */
export async function openWorld(): Promise<void> {
  clock = new VirtualClock(1_000_000)
  wall.offsetMs = 0
  numbers.clear()
  machine = new MemoryMachine(clock)
  proxy = new MemoryProxy(clock, (address) => machine.answer(address) !== 'refused')
  store = createMemoryStore()
  recordings = new MemoryRecordings()
  ledgerFiles = new MemoryLedgerFiles()
  bookmarks = new MemoryBookmarks()
  ears.listen = () => {}
  image('web:1')
  await startController()
}

/** Another controller on the same machine. */
export async function startController(): Promise<Controller> {
  engine = new MemoryEngine(machine)
  const seams = {
    clock: {
      now: () => clock.now() + wall.offsetMs,
      steady: () => clock.steady(),
      sleep: (ms: number, signal?: AbortSignal) => clock.sleep(ms, signal),
    },
    engine,
    router: new MemoryRouter(proxy, clock),
    probe: new MemoryProbe(clock, machine),
    gate: new MemoryGate(clock, { answer: (query) => numbers.get(query.query) ?? 'none' }),
    store,
    locker: new MemoryLocker(),
    access: { terminals: new MemoryTerminals(machine), recordings },
    openLedger: () => openMemoryLedger(ledgerFiles, ledgerSigner),
    messenger: new MemoryMessenger((...told) => ears.listen(...told)),
    bookmarks,
    info: { pid: 1, socket: '/run/controller.sock' },
    log: () => {},
  }
  controller = new Controller(seams)
  await passing(controller.start())
  return controller
}

export function image(reference: string, behaviour: Partial<Behaviour> = {}, content = reference): void {
  const behaves = () => ({ ...goodBehaviour, healthyAfterMs: 200, ...behaviour })
  machine.images.add(reference, { command: ['/web'], behaviour: behaves }, content)
}

/** Lets virtual time run until `promise` is settled, for ten minutes at most. */
export async function passing<T>(promise: Promise<T>): Promise<T> {
  const state = { isSettled: false }
  const settled = () => void (state.isSettled = true)
  promise.then(settled, settled)
  const limitMs = clock.now() + 600_000
  for (await clock.advance(0); !state.isSettled && clock.now() < limitMs;) if (!(await clock.step())) break
  if (!state.isSettled) throw new Error(`still waiting at ${clock.now()}`)
  return promise
}

export const reports = (stream: AsyncIterable<ProgressReport>) => passing(Array.fromAsync(stream))

export async function result(stream: AsyncIterable<ProgressReport>): Promise<ResultReport> {
  const last = (await reports(stream)).at(-1)
  if (last?.kind === 'result') return last.result
  throw new Error(`ended with ${JSON.stringify(last)}`)
}

export async function error(stream: AsyncIterable<ProgressReport>) {
  const last = (await reports(stream)).at(-1)
  return last?.kind === 'error' ? last.error : undefined
}

export function stack(changes: Partial<ServiceSpec> = {}): Stack {
  return { ...scope, services: { web: { ...web, ...changes } } }
}

export const noRoom = () => Promise.reject(new RepaveError('DISK_FULL', 'no room', { hint: 'free some disk space' }))
export const version = (greeting: string) => stack({ environment: { GREETING: greeting } })
export const up = (declared: Stack) => controller.up({ stack: declared, lock: emptyLock, by })
export const superseded = (command: string) => ({
  kind: 'result',
  result: {
    ok: false,
    code: 'ROLLOUT_SUPERSEDED',
    message: `the up of shop/production was superseded: \`repave ${command}\` by ada took its place`,
  },
})
export const live = () => [...machine.instances].map(({ order }) => order.name).toSorted()
export const badImage: ServiceSpec['image'] = { kind: 'reference', reference: 'web:bad' }

export async function fleet() {
  const [status] = await controller.status({})
  return status?.services[0]
}
