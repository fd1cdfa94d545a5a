/** `repave serve`: the controller, in the foreground or, with a hidden flag, in the background. */
import { closeSync, writeSync } from 'node:fs'
import { createApi } from '../api/api.ts'
import { whileClaimed } from '../api/claim.ts'
import { engineAddress, prepareHome, socketPath, stateFolder } from '../api/home.ts'
import { type Exposition, exposition } from '../api/exposition.ts'
import { serveMetrics } from '../api/metrics-server.ts'
import { serveApi } from '../api/server.ts'
import { terminalServer } from '../api/terminal-server.ts'
import { repaveVersion } from '../api/version.ts'
import { composeController, type Wrap } from '../compose.ts'
import { asRepaveError } from '../errors.ts'
import { logLine } from './controller-log.ts'
import { exitDone, exitOfError } from './exit.ts'
import { readyVerdict, verdictDescriptor } from './start-controller.ts'

/** A controller in the background that has had nothing to keep for so long ends. */
const idleMs = 30_000
const idleLookMs = 5_000

export interface ServeOptions {
  /** Started by another command: says on a descriptor how its start went, and ends when nothing is left to do. */
  readonly background?: boolean
  /** Where metrics are served over TCP, `127.0.0.1:9464`; else where REPAVE_METRICS says, or nowhere. */
  readonly metrics?: string
  /** What a test puts around the controller. */
  readonly wrap?: Wrap
}

/** Serves until a signal, or until idle. Instances and router go on without it. */
export async function serve({ background = false, metrics, wrap }: ServeOptions): Promise<number> {
  const places = { metrics: metrics ?? (process.env['REPAVE_METRICS'] || undefined), background }
  if (!background) return serveUntilEnd(places, () => {}, wrap)
  try {
    return await serveUntilEnd(places, () => sayVerdict(readyVerdict))
  } catch (error) {
    const known = asRepaveError(error)
    sayVerdict(JSON.stringify(known.report()))
    return exitOfError(known)
  }
}

interface Places {
  readonly background: boolean
  readonly metrics: string | undefined
}

async function serveUntilEnd(places: Places, onReady: () => void, wrap?: Wrap): Promise<number> {
  const home = stateFolder()
  // Whatever the controller and its router write is nobody else's.
  process.umask(0o077)
  prepareHome(home)
  await whileClaimed(home, () => serveHome(home, places, onReady, wrap))
  return exitDone
}

async function serveHome(
  home: string,
  { background, metrics }: Places,
  onReady: () => void,
  wrap?: Wrap,
): Promise<void> {
  const socket = socketPath(home)
  const log = (line: string) => logLine(line, home, background)
  const ended = signalled()
  const composition = composeController(home, { pid: process.pid, socket, engine: engineAddress() }, log, wrap)
  const { controller } = composition
  // Before anything is done: a controller that can't be watched as it was told to does not start.
  const metricsServer = metrics === undefined ? undefined : await serveMetrics(metrics, () => expose(controller))
  await controller.start()
  const api = createApi(controller, repaveVersion())
  const server = await serveApi(api, socket, undefined, terminalServer(controller))
  if (metricsServer) log(`metrics are served at http://${metricsServer.address}/metrics`)
  log(`Repave ${repaveVersion()}, pid ${process.pid}, listens at ${socket}`)
  onReady()
  const isIdle = () => controller.isIdle() && server.busy() === 0
  log(`ends: ${await Promise.race([ended, ...(background ? [idle(isIdle)] : [])])}; instances and router serve on`)
  // First: whoever is in an instance is told.
  await controller.endAccess()
  await Promise.all([server.close(), metricsServer?.close()])
  await composition.close()
}

async function expose(controller: ReturnType<typeof composeController>['controller']): Promise<Exposition> {
  return exposition(await controller.metrics())
}

function sayVerdict(verdict: string): void {
  writeSync(verdictDescriptor, verdict)
  closeSync(verdictDescriptor)
}

function signalled(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => resolve(signal))
  })
}

function idle(isIdle: () => boolean): Promise<string> {
  let sinceMs = Date.now()
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (!isIdle()) sinceMs = Date.now()
      if (Date.now() - sinceMs < idleMs) return
      clearInterval(timer)
      resolve('nothing is declared')
    }, idleLookMs)
    // The server keeps the process alive; a controller that was told to end must not stay for this.
    timer.unref()
  })
}
