/** Starts the controller in the background, and waits until it answers or says why it can't. */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { claimHolder, claimHome } from '../api/claim.ts'
import { type ErrorReport, fromReport, RepaveError } from '../errors.ts'
import { fileFailure } from '../system/file-failure.ts'
import { prefer } from '../system/priority.ts'
import { controllerLog } from './controller-log.ts'

/** The descriptor on which a background controller says once how its start went. */
export const verdictDescriptor = 3
export const readyVerdict = 'ready'

/** It knows which Node.js and which flags the controller takes. */
const launcher = resolve(import.meta.dirname, '../../bin/repave')

/** How long another controller that is just starting may take to answer. */
const patienceMs = 20_000
const pollMs = 25
const shownLogLines = 10
/** It does little, and what it does can't wait. */
const controllerNice = -5

export async function startController(home: string, answers: () => Promise<boolean>): Promise<void> {
  const verdict = await spawnController(home)
  if (verdict === readyVerdict) return
  const error = verdict === '' ? died(home) : fromReport(parseReport(verdict))
  if (error.code !== 'CONTROLLER_RUNNING') throw error
  const deadlineMs = Date.now() + patienceMs
  while (!(await answers())) {
    if (Date.now() > deadlineMs) throw silent(home)
    await delay(pollMs)
  }
}

/** Tells the controller of `home` to end, and waits until it has given its claim to the folder back. */
export async function endController(home: string, pid: number): Promise<void> {
  const deadlineMs = Date.now() + patienceMs
  process.kill(pid, 'SIGTERM')
  while (isClaimed(home)) {
    if (Date.now() > deadlineMs)
      throw new RepaveError('CONTROLLER_UNREACHABLE', `the controller of ${home} (pid ${pid}) does not end`, {
        hint: `end it with \`kill -9 ${pid}\`; instances serve on, and the next command starts another`,
      })
    await delay(pollMs)
  }
}

function isClaimed(home: string): boolean {
  try {
    claimHome(home)[Symbol.dispose]()
    return false
  } catch (error) {
    if (error instanceof RepaveError && error.code === 'CONTROLLER_RUNNING') return true
    throw error
  }
}

/** Resolves with what the controller says of its start; empty when it died before it could. */
async function spawnController(home: string): Promise<string> {
  const log = openLog(controllerLog(home))
  const child = spawn(launcher, ['serve', '--background'], {
    detached: true,
    cwd: home,
    env: { ...process.env, REPAVE_HOME: home },
    stdio: ['ignore', log, log, 'pipe'],
  })
  closeSync(log)
  prefer(child.pid, controllerNice)
  try {
    return await textOf(child.stdio[verdictDescriptor])
  } finally {
    child.unref()
  }
}

function openLog(file: string): number {
  try {
    return openSync(file, 'a', 0o600)
  } catch (error) {
    throw fileFailure(file, error)
  }
}

async function textOf(stream: unknown): Promise<string> {
  if (!(stream instanceof Readable)) throw new TypeError('the controller has no descriptor for its verdict')
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) text += String(chunk)
  return text.trim()
}

function parseReport(text: string): ErrorReport {
  const report: ErrorReport = JSON.parse(text)
  return report
}

function died(home: string): RepaveError {
  const log = controllerLog(home)
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-shownLogLines)
  return new RepaveError(
    'CONTROLLER_UNREACHABLE',
    ['the controller died as it started; its last log lines:', ...lines].join('\n'),
    {
      hint: `the whole log is in ${log}; \`repave doctor\` shows what this machine lacks`,
    },
  )
}

function silent(home: string): RepaveError {
  const pid = claimHolder(home)
  const name = `the controller of ${home}${pid === undefined ? '' : ` (pid ${pid})`}`
  const stop = pid === undefined ? 'stop it' : `stop it with \`kill ${pid}\``
  return new RepaveError('CONTROLLER_UNREACHABLE', `${name} runs but does not answer`, {
    hint: `look into ${controllerLog(home)}; ${stop} and the next command starts another (instances serve on)`,
  })
}
