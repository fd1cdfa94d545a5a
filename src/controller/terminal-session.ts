/** One terminal in an instance, from its opening to its end: recorded, and bounded in time and size. */
import { asRepaveError } from '../errors.ts'
import type { InstanceTerminal } from '../engine/terminal.ts'
import { durationWords } from '../model/duration.ts'
import { type CastCode, CastWriter } from '../recording/asciicast.ts'
import type { Recording } from '../recording/recordings.ts'
import type { AccessLink, AccessRequest } from './commands.ts'
import type { Seams } from './seams.ts'

export interface SessionEnd {
  /** How it ended, in words. */
  readonly message: string
  readonly exitCode?: number
  /** Of what was recorded. */
  readonly digest?: string
}

/** So long before its end people are told. */
const warningMs = 60_000

type SessionSeams = Pick<Seams, 'clock'> & Required<Pick<Seams, 'access'>>

export class TerminalSession {
  readonly #seams: SessionSeams
  readonly #request: AccessRequest
  readonly #link: AccessLink
  readonly #end = Promise.withResolvers<SessionEnd>()
  readonly #over = new AbortController()
  readonly #cast = new CastWriter()
  #recording: Recording | undefined
  #terminal: InstanceTerminal | undefined
  #beganAtMs = 0
  /** Whoever asked for it has left. */
  isLeft = false
  readonly left: Promise<void>

  constructor(seams: SessionSeams, request: AccessRequest, link: AccessLink, stop: AbortSignal) {
    this.#seams = seams
    this.#request = request
    this.#link = link
    this.left = this.#listen()
    stop.addEventListener('abort', () => this.#end.resolve({ message: 'the controller ended' }), { once: true })
  }

  /** Opens the terminal; resolves once it is closed, whatever ends it. */
  async run(id: number): Promise<SessionEnd> {
    let end: SessionEnd
    try {
      await this.#begin(id)
      end = await this.#end.promise
    } catch (error) {
      end = { message: asRepaveError(error).message }
    }
    this.#over.abort()
    this.#note('o', Buffer.from(`\r\n[repave: ${end.message}]\r\n`))
    await this.#terminal?.close().catch(() => {})
    const digest = this.#recording?.close()
    return { ...end, ...(digest !== undefined && { digest }) }
  }

  async #begin(id: number): Promise<void> {
    const { clock, access } = this.#seams
    const { instance, command, size, by, reason } = this.#request
    this.#recording = access.recordings.begin(id)
    this.#beganAtMs = clock.steady()
    const title = `${instance}, opened by ${by}: ${reason}`
    const header = { ...size, atMs: clock.now(), title, command: command.join(' ') }
    this.#recording.write(this.#cast.header(header))
    const terminal = await access.terminals.openTerminal(instance, { command, size })
    this.#terminal = terminal
    this.#link.tell({ kind: 'opened', id })
    void this.#limit()
    void this.#print(terminal)
  }

  async #print(terminal: InstanceTerminal): Promise<void> {
    try {
      for await (const chunk of terminal.stream as AsyncIterable<Buffer>) {
        if (this.#over.signal.aborted) return
        this.#note('o', chunk)
        this.#link.tell({ kind: 'data', data: chunk })
      }
    } catch {
      // Its connection broke: what its program did can still be asked.
    }
    const exitCode = await terminal.exitCode().catch(() => undefined)
    const message = exitCode === undefined ? 'the terminal ended' : `the program ended with code ${exitCode}`
    this.#end.resolve({ message, ...(exitCode !== undefined && { exitCode }) })
  }

  async #limit(): Promise<void> {
    const { clock } = this.#seams
    const { forMs } = this.#request
    const { signal } = this.#over
    try {
      if (forMs > warningMs) {
        await clock.sleep(forMs - warningMs, signal)
        this.#say('this terminal closes in a minute')
      }
      await clock.sleep(Math.min(forMs, warningMs), signal)
      this.#end.resolve({ message: `its time of ${durationWords(forMs)} is over` })
    } catch {
      // It ended before.
    }
  }

  async #listen(): Promise<void> {
    try {
      for await (const input of this.#link.input) {
        if (input.kind === 'resize') await this.#resize(input.size)
        else await this.#type(input.data)
      }
    } catch {
      // A connection that breaks is one that ended.
    }
    this.isLeft = true
    this.#end.resolve({ message: 'whoever opened it left' })
  }

  async #type(data: Uint8Array): Promise<void> {
    if (!this.#terminal || this.#over.signal.aborted) return
    this.#note('i', data)
    this.#terminal.stream.write(data)
  }

  async #resize(size: AccessRequest['size']): Promise<void> {
    if (!this.#terminal || this.#over.signal.aborted) return
    this.#note('r', Buffer.from(`${size.columns}x${size.rows}`))
    await this.#terminal.resize(size).catch(() => {})
  }

  #say(words: string): void {
    const data = Buffer.from(`\r\n[repave: ${words}]\r\n`)
    this.#note('o', data)
    this.#link.tell({ kind: 'data', data })
  }

  /** Nothing goes on that is not recorded. */
  #note(code: CastCode, data: Uint8Array): void {
    const elapsedMs = this.#seams.clock.steady() - this.#beganAtMs
    try {
      if (this.#recording?.write(this.#cast.event(elapsedMs, code, data)) !== false) return
      this.#end.resolve({ message: 'its recording is as large as it may be' })
    } catch (error) {
      this.#end.resolve({ message: `it can't be recorded: ${asRepaveError(error).message}` })
    }
  }
}
