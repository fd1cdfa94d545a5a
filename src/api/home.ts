/** The state folder: where one controller keeps everything that it owns. */
import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { RepaveError } from '../errors.ts'
import { errorCode } from '../system/error-code.ts'

/** The longest path that Linux takes for a unix socket (`sun_path`, less the final zero). */
const maxSocketPathBytes = 107

/** What the choice of a state folder depends on. */
export interface HomeSource {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The user id of the process. */
  readonly uid: number
  readonly workingDirectory: string
}

/** The absolute path of the state folder: `REPAVE_HOME`, else `/var/lib/repave` for root, else XDG state. */
export function stateFolder(source: HomeSource = ofThisProcess()): string {
  const { REPAVE_HOME: chosen, XDG_STATE_HOME: xdg } = source.environment
  if (chosen) return resolve(source.workingDirectory, chosen)
  if (source.uid === 0) return '/var/lib/repave'
  return join(xdg?.startsWith('/') ? xdg : join(source.environment.HOME ?? homedir(), '.local/state'), 'repave')
}

/** The engine that a controller started now would use. */
export function engineAddress(environment: NodeJS.ProcessEnv = process.env): string {
  return environment.DOCKER_HOST || 'unix:///var/run/docker.sock'
}

/** Where the controller of `home` listens. */
export function socketPath(home: string): string {
  const path = join(home, 'controller.sock')
  const bytes = Buffer.byteLength(path)
  if (bytes <= maxSocketPathBytes) return path
  throw new RepaveError('USAGE', `the path of the controller's socket is too long: ${path} has ${bytes} bytes`, {
    hint: `Linux allows ${maxSocketPathBytes}; set REPAVE_HOME to a folder with a shorter path`,
  })
}

/** Makes the state folder, for its owner only; refuses one that others could write to. */
export function prepareHome(home: string, uid: number = ownUid()): void {
  createPrivately(home)
  refuseUnfit(home, uid)
}

/** Throws NOT_PERMITTED for an existing state folder that is not safely this user's, or can't be written to. */
export function refuseUnfit(home: string, uid: number = ownUid(), access: typeof accessSync = accessSync): void {
  const found = statSync(home)
  const { uid: owner, mode } = found
  if (!found.isDirectory()) {
    throw new RepaveError('NOT_PERMITTED', `the state folder ${home} is not a folder`, {
      hint: 'set REPAVE_HOME to a folder, or to a path where one can be made',
    })
  }
  if (owner !== uid && uid !== 0) {
    throw new RepaveError('NOT_PERMITTED', `the state folder ${home} belongs to another user (uid ${owner})`, {
      hint: 'run as that user, or set REPAVE_HOME to a folder of your own',
    })
  }
  if ((mode & 0o022) !== 0) {
    throw new RepaveError('NOT_PERMITTED', `others may write to the state folder ${home}`, {
      hint: `run \`chmod 700 ${home}\``,
    })
  }
  refuseUnwritable(home, access)
}

/** Throws NOT_PERMITTED for a folder in which this process can't make files. */
export function refuseUnwritable(folder: string, access: typeof accessSync = accessSync): void {
  try {
    access(folder, constants.W_OK | constants.X_OK)
  } catch (cause) {
    const isReadOnly = errorCode(cause) === 'EROFS'
    const reason = isReadOnly ? 'its file system is read-only' : (errorCode(cause) ?? String(cause))
    const remedy = isReadOnly ? 'mount that writable' : `run \`chmod u+rwx ${folder}\``
    throw new RepaveError('NOT_PERMITTED', `can't write to ${folder}: ${reason}`, {
      hint: `${remedy}, or set REPAVE_HOME to a folder that you may write to`,
      cause,
    })
  }
}

function createPrivately(home: string): void {
  try {
    makeFolders(home)
  } catch (error) {
    throw translate(error, home)
  }
}

/** Node's own `recursive` never returns where a parent refuses with ENOENT, as /proc does. */
function makeFolders(folder: string): void {
  if (existsSync(folder)) return
  makeFolders(dirname(folder))
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  }
}

function translate(cause: unknown, home: string): RepaveError {
  const code = errorCode(cause)
  const hint = 'set REPAVE_HOME to a folder that you may write to'
  if (code === 'ENOSPC')
    return new RepaveError('DISK_FULL', `no space left to make the state folder ${home}`, { hint, cause })
  return new RepaveError('NOT_PERMITTED', `can't make the state folder ${home}: ${code ?? String(cause)}`, {
    hint,
    cause,
  })
}

function ofThisProcess(): HomeSource {
  return { environment: process.env, uid: ownUid(), workingDirectory: process.cwd() }
}

function ownUid(): number {
  return process.getuid?.() ?? 0
}
