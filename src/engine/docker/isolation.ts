/**
 * Cuts an instance's network for good: the links of the sandbox that it lives in are taken down, or, where that can't be
 * done from here, the engine disconnects it. Its sockets stay as they are, for the evidence; nothing comes or goes over
 * them any more. The sandbox is never used again.
 */
import { RepaveError } from '../../errors.ts'
import { containerRecord, sandboxIdOf, type ContainerRecord } from './container-record.ts'
import { parseAnswer, type DockerClient } from './docker-client.ts'
import type { GivenUp } from './given-up.ts'
import { takeLinksDown } from './network-link.ts'

/** Somebody may connect it again in between. */
const attempts = 5

export class Isolation {
  readonly #client: DockerClient
  readonly #givenUp: GivenUp
  readonly #cutLinks: typeof takeLinksDown
  readonly #isolated = new Set<string>()

  /** `cutLinks`: the quick way, which answers `false` where there is none. */
  constructor(client: DockerClient, givenUp: GivenUp, cutLinks: typeof takeLinksDown = takeLinksDown) {
    this.#client = client
    this.#givenUp = givenUp
    this.#cutLinks = cutLinks
  }

  async isolate(name: string, { Id, HostConfig }: ContainerRecord): Promise<void> {
    const sandboxId = sandboxIdOf(HostConfig.NetworkMode)
    this.#givenUp.add(Id)
    if (sandboxId === undefined) throw notIsolated(name, 'it is in no sandbox')
    this.#givenUp.add(sandboxId)
    this.#isolated.add(sandboxId)
    await this.#seal(name, sandboxId)
  }

  /** Somebody has connected a sandbox to a network: one that was isolated stays so. */
  async keepIsolated(sandboxId: string): Promise<void> {
    if (this.#isolated.has(sandboxId)) await this.#seal(sandboxId, sandboxId)
  }

  async #seal(name: string, sandboxId: string): Promise<void> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const sandbox = await this.#running(sandboxId)
      if (sandbox === undefined || sandbox.NetworkSettings.length === 0) return
      if (await this.#cutLinks(sandboxId, sandbox.State.Pid)) return
      await Promise.all(sandbox.NetworkSettings.map((network) => this.#disconnect(sandboxId, network)))
    }
    throw notIsolated(name, 'its sandbox is connected to networks again and again')
  }

  /** Undefined for one that has no network any more: it is gone, or has ended. */
  async #running(id: string): Promise<ContainerRecord | undefined> {
    const answer = await this.#client.call('inspectContainer', { subject: id, accept: [404] })
    if (answer.status === 404) return undefined
    const sandbox = parseAnswer(containerRecord, answer, `inspect sandbox ${id}`)
    return sandbox.State.Running ? sandbox : undefined
  }

  /** What fails because it is done already shows when the sandbox is looked at again. */
  async #disconnect(sandboxId: string, { id, name }: { readonly id: string; readonly name: string }): Promise<void> {
    const body = { Container: sandboxId, Force: true }
    await this.#client.call('disconnectNetwork', { subject: id || name, body, accept: [403, 404, 409, 500] })
  }
}

function notIsolated(name: string, why: string): RepaveError {
  return new RepaveError('ENGINE_FAILED', `${name} can't be isolated: ${why}`, {
    hint: 'it is replaced all the same; see who else uses the engine: `docker events`',
  })
}
