/** The haproxy program: which version it is, whether it takes a configuration, and how it is started. */
import { execFile, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { RepaveError } from '../../errors.ts'
import { errorCode } from '../../system/error-code.ts'
import { prefer } from '../../system/priority.ts'
import { programPath } from '../../system/program-path.ts'
import { masterSocketName } from './master-socket.ts'

const oldest = [2, 6]
export const logName = 'haproxy.log'
const mostLogBytes = 1024 * 1024
const checkTimeoutMs = 30_000
/** What waits for the CPU for longer than a connection may take sees servers down that are well. */
const masterNice = -10

const execute = promisify(execFile)

function run(binary: string, parameters: readonly string[], options: { cwd?: string; timeout?: number } = {}) {
  return execute(binary, parameters, { ...options, env: environment() })
}

/** Nothing of the controller's environment is HAProxy's business: it may hold credentials, or rules for memory. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: programPath() }
}

export async function haproxyVersion(binary: string): Promise<string> {
  const { stdout } = await translated(binary, run(binary, ['-v']))
  const version = /version (\d+)\.(\d+)[^\s]*/.exec(stdout)
  const [major, minor] = [Number(version?.[1]), Number(version?.[2])]
  if (major > oldest[0]! || (major === oldest[0] && minor >= oldest[1]!)) return version![0].slice('version '.length)
  throw new RepaveError('ROUTER_MISSING', `${binary} is not HAProxy ${oldest.join('.')} or newer`, {
    hint: 'apt-get install haproxy, of Debian 12 or newer',
  })
}

/** ROUTER_FAILED, with HAProxy's own words, when it would not start with `configFile`. */
export async function checkConfig(binary: string, folder: string, configFile: string): Promise<void> {
  await translated(binary, run(binary, ['-c', '-f', configFile], { cwd: folder, timeout: checkTimeoutMs }))
}

/** HAProxy's own words, in one line, for why it would not start with `configFile`; undefined when it would. */
export async function refusalOf(binary: string, folder: string, configFile: string): Promise<string | undefined> {
  try {
    await run(binary, ['-c', '-f', configFile], { cwd: folder, timeout: checkTimeoutMs })
    return undefined
  } catch (cause) {
    const isRefused = cause instanceof Error && 'stderr' in cause && 'code' in cause && typeof cause.code === 'number'
    return isRefused ? firstAlert(String(cause.stderr)) : translated(binary, Promise.reject(cause))
  }
}

/** `[ALERT] (PID) : config : parsing [FILE:LINE] : 'bind ADDRESS' in section 'frontend' : WORDS 'FILE'.` */
function firstAlert(stderr: string): string {
  const alert = stderr.split('\n').find((line) => line.startsWith('[ALERT]')) ?? stderr.trim()
  return (alert.split(' : ').at(-1) ?? alert).replace(/ '[^']*'\.?$/, '').trim()
}

/**
 * Starts a master that outlives this process. Its working directory is `folder`: the paths in its configuration
 * are relative, since a socket's address has room for 107 bytes only.
 */
export function startMaster(binary: string, folder: string, configFile: string): { readonly exited: Promise<Error> } {
  const log = openSync(join(folder, logName), 'a', 0o600)
  try {
    const child = spawn(binary, ['-W', '-f', configFile, '-S', `unix@${masterSocketName},mode,600`], {
      cwd: folder,
      detached: true,
      env: environment(),
      stdio: ['ignore', log, log],
    })
    prefer(child.pid, masterNice)
    child.unref()
    const exited = new Promise<Error>((resolve) => {
      child.once('error', resolve)
      child.once('exit', (code, signal) => resolve(new Error(`haproxy ended with ${signal ?? code}`)))
    })
    return { exited }
  } finally {
    closeSync(log)
  }
}

/** Empties HAProxy's log where it has grown: a line or two for each server that ever came or went. */
export async function trimLog(folder: string): Promise<void> {
  const path = join(folder, logName)
  const { size } = await stat(path).catch(() => ({ size: 0 }))
  if (size > mostLogBytes) await truncate(path)
}

/** The last lines that HAProxy has written. */
export async function lastWords(folder: string): Promise<string> {
  const log = await readFile(join(folder, logName), 'utf8').catch(() => '')
  return log.trim().split('\n').slice(-5).join('\n')
}

async function translated<T>(binary: string, running: Promise<T>): Promise<T> {
  try {
    return await running
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT' || errorCode(cause) === 'EACCES')
      throw new RepaveError('ROUTER_MISSING', `there is no HAProxy at ${binary}`, {
        hint: 'apt-get install haproxy',
        cause,
      })
    const words = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : String(cause)
    throw new RepaveError('ROUTER_FAILED', `HAProxy refuses its configuration: ${words}`, {
      hint: 'this is a defect of Repave, or of the certificate named there',
      cause,
    })
  }
}
