/** Tells a program of this machine: the file `notify` in a folder of hooks, where there is one. */
import { type ChildProcess, spawn } from 'node:child_process'
import { lstat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { RepaveError } from '../../errors.ts'
import { errorCode } from '../../system/error-code.ts'
import type { Message, Messenger, Receiver } from '../notify.ts'

/** So much of what it prints is shown where it fails. */
const shownBytes = 1_024

/** Nothing of the controller's own environment, which may hold what a hook should not have. */
const environment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' }

export interface HookOptions {
  /** Where hooks are. */
  readonly folder: string
  readonly timeoutMs?: number
}

export class HookMessenger implements Messenger {
  readonly #file: string
  readonly #timeoutMs: number

  constructor({ folder, timeoutMs = 30_000 }: HookOptions) {
    this.#file = join(folder, 'notify')
    this.#timeoutMs = timeoutMs
  }

  /** The kind is its argument, the notification its input, and both with the id its environment's REPAVE_MESSAGE_ID. */
  async send(receiver: Receiver, message: Message, signal: AbortSignal): Promise<'told' | 'absent'> {
    if (receiver.kind !== 'hook' || !(await isThere(this.#file))) return 'absent'
    await refuseUnsafe(this.#file)
    signal.throwIfAborted()
    await this.#run(message, signal)
    return 'told'
  }

  async #run({ id, notification }: Message, signal: AbortSignal): Promise<void> {
    const limit = AbortSignal.timeout(this.#timeoutMs)
    const child = spawn(this.#file, [notification.data.kind], {
      cwd: dirname(this.#file),
      env: { ...environment, REPAVE_MESSAGE_ID: id },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A process group of its own: what it started ends with it.
      detached: true,
    })
    const end = () => endGroup(child)
    const signals = AbortSignal.any([signal, limit])
    signals.addEventListener('abort', end, { once: true })
    try {
      const { words, outcome } = await ended(child, `${JSON.stringify(notification)}\n`)
      signal.throwIfAborted()
      if (limit.aborted) throw failure(this.#file, `had not ended after ${this.#timeoutMs / 1000} s`)
      if (outcome !== undefined) throw failure(this.#file, `${outcome}${words && `: ${words}`}`)
    } finally {
      signals.removeEventListener('abort', end)
      end()
    }
  }
}

/** How it ended where that was not well, and what it printed. */
async function ended(child: ChildProcess, input: string): Promise<{ words: string; outcome: string | undefined }> {
  let words = ''
  const hear = (chunk: Buffer) => {
    if (words.length < shownBytes) words += chunk.toString('utf8').slice(0, shownBytes - words.length)
  }
  child.stdout?.on('data', hear)
  child.stderr?.on('data', hear)
  // A hook need not read what it is told.
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  const outcome = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(`can't be started (${errorCode(error) ?? error.message})`))
    // Not when its output ends: what it left behind may hold that open.
    child.once('exit', (code, killed) => resolve(exitWords(code, killed)))
  })
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy()
  return { words: printable(words), outcome }
}

function exitWords(code: number | null, killed: NodeJS.Signals | null): string | undefined {
  if (code === 0) return undefined
  return killed === null ? `ended with ${code}` : `was ended by ${killed}`
}

function printable(words: string): string {
  // eslint-disable-next-line no-control-regex -- what a program prints must not steer a terminal
  return words.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim()
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    await lstat(file)
    return true
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return false
    throw failure(file, `can't be looked at (${errorCode(error)})`)
  }
}

/** Whoever may write it, or put another one in its place, would run programs as the controller. */
async function refuseUnsafe(file: string): Promise<void> {
  const [folder, program] = await Promise.all([lstat(dirname(file)), lstat(file)])
  const own = process.getuid?.() ?? 0
  if (!folder.isDirectory()) throw unsafe(dirname(file), 'is not a folder', `make it a folder`)
  if (!program.isFile()) throw unsafe(file, 'is not a regular file', 'put the program itself there')
  for (const [path, { uid, mode }] of [[dirname(file), folder] as const, [file, program] as const]) {
    if (uid !== own) throw unsafe(path, `belongs to another user (uid ${uid})`, `run \`chown ${own} ${path}\``)
    if ((mode & 0o022) !== 0) throw unsafe(path, 'can be written by others', `run \`chmod go-w ${path}\``)
  }
  if ((program.mode & 0o100) === 0) throw unsafe(file, 'is not executable', `run \`chmod u+x ${file}\``)
}

function unsafe(path: string, why: string, hint: string): RepaveError {
  return new RepaveError('NOTIFICATION_FAILED', `the hook is not run: ${path} ${why}`, { hint })
}

function failure(file: string, why: string): RepaveError {
  return new RepaveError('NOTIFICATION_FAILED', `the hook ${file} ${why}`, {
    hint: 'it is run again, less and less often, for a day; try it by hand with a notification on its input',
  })
}
