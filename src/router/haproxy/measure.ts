/** Reads what HAProxy's workers log of requests, each from the ring in its own memory. */
import type { Socket } from 'node:net'
import type { Clock } from '../../system/clock.ts'
import type { Figures } from '../router.ts'
import { figuresRing, parseFigures } from './figures.ts'
import type { HaproxyProcess, Running } from './haproxy-process.ts'
import { watchHaproxy } from './watch.ts'
import { parseAnswers, parseFrontends, parseInfo } from './worker-report.ts'

const retryMs = 20
const greetingMs = 10_000
const firstPollMs = 50
const longestPollMs = 1_000

/** Until `signal` aborts. */
export async function measureHaproxy(
  haproxy: HaproxyProcess,
  clock: Clock,
  listener: (figures: Figures) => void,
  signal: AbortSignal,
): Promise<void> {
  const measurement = new Measurement(haproxy, clock, listener, signal)
  await watchHaproxy(haproxy, clock, () => void measurement.follow(), signal)
  measurement.end()
}

interface Stream {
  readonly socket: Socket
  /** The worker was replaced, which is being seen to. */
  isReplaced: boolean
  /** It has no clients any more, so that it ends when this does. */
  isDone: boolean
}

/**
 * A stream from each worker that may have something to tell. They don't go through the master, so that they outlive a
 * reload; they also keep a replaced worker alive, so that each is ended once its worker has no clients any more.
 */
class Measurement {
  readonly #haproxy: HaproxyProcess
  readonly #clock: Clock
  readonly #listener: (figures: Figures) => void
  readonly #signal: AbortSignal
  readonly #streams = new Map<number, Stream>()
  /** The workers that were there at the last look; undefined before the first. */
  #known: ReadonlySet<number> | undefined
  #round = 0

  constructor(haproxy: HaproxyProcess, clock: Clock, listener: (figures: Figures) => void, signal: AbortSignal) {
    this.#haproxy = haproxy
    this.#clock = clock
    this.#listener = listener
    this.#signal = signal
  }

  /** Has a stream from the current worker, if there is one, and lets replaced ones go when they are done. */
  async follow(): Promise<void> {
    const round = ++this.#round
    while (!this.#signal.aborted && round === this.#round) {
      const running = await this.#haproxy.running().catch(() => undefined)
      if (running === undefined || (await this.#listenTo(running))) return
      await this.#clock.sleep(retryMs, this.#signal).catch(() => undefined)
    }
  }

  end(): void {
    for (const { socket } of this.#streams.values()) socket.destroy()
  }

  /** Whether it could: the worker's socket may still be its predecessor's. */
  async #listenTo({ current, old }: Running): Promise<boolean> {
    if (!this.#streams.has(current) && !(await this.#open(current))) return false
    if (this.#known && old.some((pid) => !this.#known?.has(pid))) this.#listener({ kind: 'lost' })
    this.#known = new Set([current, ...old])
    for (const pid of old) void this.#release(pid)
    return true
  }

  /** From a worker that has come since the last look, all is told that it has logged so far. */
  async #open(pid: number): Promise<boolean> {
    const socket = await this.#haproxy.worker.connect().catch(() => undefined)
    if (socket === undefined) return false
    socket.setEncoding('latin1').setTimeout(greetingMs, () => socket.destroy())
    const isNew = this.#known?.has(pid) === false
    socket.write(`show info;show events ${figuresRing} -w${isNew ? '' : ' -n'}\n`)
    const batches = linesOf(socket)
    const { info, rest } = await greeting(batches)
    if (info.get('pid') !== String(pid) || this.#signal.aborted || this.#streams.has(pid)) {
      socket.destroy()
      return false
    }
    socket.setTimeout(0)
    const stream = { socket, isReplaced: false, isDone: false }
    this.#streams.set(pid, stream)
    this.#tell(rest)
    void this.#read(pid, stream, batches)
    return true
  }

  async #read(pid: number, stream: Stream, batches: Batches): Promise<void> {
    for await (const lines of batches) this.#tell(lines)
    this.#streams.delete(pid)
    if (stream.isDone || this.#signal.aborted) return
    this.#listener({ kind: 'lost' })
    await this.follow()
  }

  #tell(lines: readonly string[]): void {
    const parsed = lines.flatMap((line) => parseFigures(line) ?? [])
    const answers = parsed.filter((figure) => figure !== 'lost')
    if (answers.length > 0) this.#listener({ kind: 'answers', answers })
    if (answers.length < parsed.length) this.#listener({ kind: 'lost' })
  }

  /** Waits until a replaced worker has no client any more, and takes the rest of what it has to tell. */
  async #release(pid: number): Promise<void> {
    const stream = this.#streams.get(pid)
    if (stream === undefined || stream.isReplaced) return
    stream.isReplaced = true
    for (let pollMs = firstPollMs; !(await this.#isDone(pid)); pollMs = Math.min(pollMs * 1.5, longestPollMs)) {
      await this.#clock.sleep(pollMs, this.#signal).catch(() => undefined)
      if (this.#signal.aborted || !this.#streams.has(pid)) return
    }
    stream.isDone = true
    stream.socket.end()
  }

  async #isDone(pid: number): Promise<boolean> {
    const lookups = ['show info', 'show stat -1 1 -1']
    const answer = await this.#haproxy.master.tellLeaving(pid, ...lookups).catch(() => '')
    const [info, stat] = parseAnswers(answer)
    if (info === undefined || stat === undefined) return false
    return parseInfo(info).get('stopping') !== '0' && parseFrontends(stat).every(({ clients }) => clients === 0)
  }
}

type Batches = AsyncGenerator<readonly string[]>

/** Whole lines, as they come, until the connection ends in whichever way. */
async function* linesOf(socket: Socket): Batches {
  let rest = ''
  try {
    for await (const chunk of socket) {
      const lines = `${rest}${chunk}`.split('\n')
      rest = lines.pop() ?? ''
      yield lines
    }
  } catch {
    // A worker that is killed resets its connections.
  }
}

/** The first answer, which an empty line ends, and what has come after it. */
async function greeting(batches: Batches) {
  const lines: string[] = []
  while (!lines.includes('')) {
    const { done, value } = await batches.next()
    if (done) break
    lines.push(...value)
  }
  const end = lines.indexOf('')
  return { info: parseInfo(lines.slice(0, end).join('\n')), rest: lines.slice(end + 1) }
}
