/** Terminals by an exec of the engine, over a connection that it gives up to that (Docker Engine API, "Exec"). */
import type { Duplex } from 'node:stream'
import { z } from 'zod'
import { RepaveError } from '../../errors.ts'
import type { InstanceTerminal, TerminalOptions, Terminals, TerminalSize } from '../terminal.ts'
import { createdObject } from './container-record.ts'
import { type DockerClient, parseAnswer, wordsOf } from './docker-client.ts'
import { killProcess } from './local-process.ts'

export class DockerTerminals implements Terminals {
  readonly #client: DockerClient
  /** The id of an instance's container; throws INSTANCE_UNKNOWN. */
  readonly #idOf: (instance: string) => Promise<string>
  readonly #open = new Set<string>()

  constructor(client: DockerClient, idOf: (instance: string) => Promise<string>) {
    this.#client = client
    this.#idOf = idOf
  }

  isOpen(instance: string): boolean {
    return this.#open.has(instance)
  }

  /** The name may be another instance's from now on. */
  forget(instance: string): void {
    this.#open.delete(instance)
  }

  async openTerminal(instance: string, { command, size }: TerminalOptions): Promise<InstanceTerminal> {
    const container = await this.#idOf(instance)
    this.#open.add(instance)
    const body = {
      Cmd: command,
      Tty: true,
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Env: ['TERM=xterm-256color'],
    }
    const answer = await this.#client.call('createExec', { subject: container, body, accept: [400] })
    if (answer.status === 400) throw cannotOpen(instance, command, wordsOf(answer))
    const { Id } = parseAnswer(createdObject, answer, `make a terminal in ${instance}`)
    const stream = await this.#client.hijack('startExec', { subject: Id, body: { Detach: false, Tty: true } })
    return this.#terminal({ container, exec: Id, stream }, size)
  }

  async #terminal({ container, exec, stream }: Opened, size: TerminalSize): Promise<InstanceTerminal> {
    const resize = async ({ columns, rows }: TerminalSize) => {
      const query = { w: columns, h: rows }
      // Its program may have ended already.
      await this.#client.call('resizeExec', { subject: exec, query, accept: [400, 404, 409, 500] })
    }
    await resize(size)
    const look = async () => {
      const answer = await this.#client.call('inspectExec', { subject: exec, accept: [404] })
      return answer.status === 404 ? undefined : parseAnswer(execRecord, answer, 'describe a terminal')
    }
    const close = async () => {
      const found = await look()
      if (found?.Running) await killProcess(container, found.Pid)
      stream.destroy()
    }
    return { stream, resize, exitCode: async () => (await look())?.ExitCode ?? undefined, close }
  }
}

interface Opened {
  readonly container: string
  readonly exec: string
  readonly stream: Duplex
}

/** `GET /exec/{id}/json` */
const execRecord = z.object({ Running: z.boolean(), ExitCode: z.number().nullish(), Pid: z.number().default(0) })

function cannotOpen(instance: string, command: readonly string[], words: string): RepaveError {
  return new RepaveError('INSTANCE_CANNOT_RUN', `${instance} can't run ${command.join(' ')}: ${words}`, {
    hint: 'name a program of its image with --command',
  })
}
