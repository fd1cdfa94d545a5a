/** `repave doctor`: what this machine has and lacks, with the command that mends it. Works when nothing else does. */
import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { userInfo } from 'node:os'
import { createClient } from '../api/client.ts'
import { refuseUnfit, refuseUnwritable, socketPath, stateFolder } from '../api/home.ts'
import { asRepaveError } from '../errors.ts'
import { type Finding, renderFindings } from './render/doctor.ts'
import type { Session } from './session.ts'

const neededNodeMajor = 24
const scarceDiskBytes = 1024 ** 3

/** Exits 1 when something that Repave needs is missing. */
export async function doctor({ json, terminal }: Session): Promise<number> {
  const [engineFinding, routerFinding, controllerFinding] = await Promise.all([engine(), router(), controller()])
  const findings = [
    nodeVersion(),
    engineFinding,
    routerFinding,
    ...(await senses()),
    home(),
    disk(),
    user(),
    ports(),
    controllerFinding,
  ]
  const ok = findings.every(({ state }) => state !== 'lacks')
  if (json) terminal.printJson({ ok, checks: findings })
  else terminal.print(renderFindings(findings, terminal.style))
  return ok ? 0 : 1
}

function nodeVersion(): Finding {
  const detail = `${process.version} at ${process.execPath}`
  const isEnough = Number.parseInt(process.versions.node, 10) >= neededNodeMajor
  if (isEnough) return { name: 'Node.js', state: 'ok', detail }
  return { name: 'Node.js', state: 'lacks', detail, remedy: `npm install node@${neededNodeMajor}` }
}

function engine(): Promise<Finding> {
  return attempt('engine', async () => {
    const { composeEngine } = await import('../compose.ts')
    const { kind, version } = await versionOf(composeEngine(stateFolder()))
    return `${kind} ${version} answers`
  })
}

function router(): Promise<Finding> {
  return attempt('router', async () => {
    const { composeRouter } = await import('../compose.ts')
    const { kind, version } = await versionOf(composeRouter(stateFolder()))
    return `${kind} ${version}`
  })
}

/** What is not seen of touches here. */
async function senses(): Promise<readonly Finding[]> {
  const { composeSensor } = await import('../compose.ts')
  const sensor = composeSensor(() => {})
  try {
    return (await sensor.senses()).map(({ layer, state, detail, remedy }): Finding => {
      const name = `sees ${layer}`
      if (state === 'works') return { name, state: 'ok', detail }
      return { name, state: 'note', detail, ...(remedy !== undefined && { remedy }) }
    })
  } finally {
    await sensor.stop()
  }
}

async function versionOf(part: { readonly kind: string; version(): Promise<string> }) {
  return { kind: part.kind, version: await part.version() }
}

/** A check that passes with a detail, or lacks what its error says. */
async function attempt(name: string, check: () => Promise<string>): Promise<Finding> {
  try {
    return { name, state: 'ok', detail: await check() }
  } catch (error) {
    return lacking(name, error)
  }
}

function lacking(name: string, error: unknown): Finding {
  const { message, hint } = asRepaveError(error)
  return { name, state: 'lacks', detail: message, remedy: hint }
}

function home(): Finding {
  const name = 'state folder'
  try {
    const folder = stateFolder()
    socketPath(folder)
    const isThere = existsSync(folder)
    if (isThere) refuseUnfit(folder)
    else refuseUnwritable(nearestFolder(folder))
    return { name, state: 'ok', detail: `${folder} ${isThere ? 'is writable' : 'can be made'}` }
  } catch (error) {
    return lacking(name, error)
  }
}

function disk(): Finding {
  const folder = nearestFolder(stateFolder())
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  const detail = `${(free / 1024 ** 3).toFixed(1)} GiB free at ${folder}`
  if (free >= scarceDiskBytes) return { name: 'disk', state: 'ok', detail }
  return { name: 'disk', state: 'note', detail, remedy: 'docker system df   (shows what takes the space)' }
}

function nearestFolder(folder: string): string {
  return existsSync(folder) ? folder : nearestFolder(dirname(folder))
}

function user(): Finding {
  const uid = process.getuid?.() ?? 0
  if (uid === 0) return { name: 'user', state: 'ok', detail: 'root' }
  return {
    name: 'user',
    state: 'ok',
    detail: `${userName(uid)}; the engine check above shows whether it lets this user in`,
  }
}

function userName(uid: number): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${uid}`
  }
}

/** The first port that needs no privilege: ip(7). */
function ports(): Finding {
  const first = firstFreePort()
  if (process.getuid?.() === 0 || first <= 80) return { name: 'ports', state: 'ok', detail: 'all ports can be opened' }
  return {
    name: 'ports',
    state: 'note',
    detail: `ports below ${first} can't be opened by this user`,
    remedy: 'sudo sysctl net.ipv4.ip_unprivileged_port_start=80',
  }
}

function firstFreePort(): number {
  const file = '/proc/sys/net/ipv4/ip_unprivileged_port_start'
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 1024
}

async function controller(): Promise<Finding> {
  const name = 'controller'
  try {
    const { pid, socket } = await createClient(socketPath(stateFolder())).info()
    return { name, state: 'ok', detail: `pid ${pid} answers at ${socket}` }
  } catch {
    return { name, state: 'ok', detail: 'none runs; the next command that needs one starts it' }
  }
}
