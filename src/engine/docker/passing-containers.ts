/** Containers that are never started and are there for a moment: the engine does something as it makes them, or shows what is in them. */
import { createdObject, type ContainerBody } from './container-record.ts'
import { parseAnswer, type DockerClient } from './docker-client.ts'

/** One of them, as a look at the engine shows it. */
export interface SeenPassing {
  readonly id: string
  readonly name: string
}

export class PassingContainers {
  readonly #client: DockerClient
  readonly #making = new Set<string>()

  constructor(client: DockerClient) {
    this.#client = client
  }

  /** Runs `use` while the container is there; however that ends, it is removed, or found by a later `sweep`. */
  async with<Result>(name: string, body: ContainerBody, use: () => Promise<Result>): Promise<Result> {
    this.#making.add(name)
    try {
      const answer = await this.#client.call('createContainer', { query: { name }, body })
      const { Id } = parseAnswer(createdObject, answer, `create ${name}`)
      const result = await use().catch(async (error: unknown) => {
        await this.#remove(Id).catch(() => {})
        throw error
      })
      await this.#remove(Id)
      return result
    } finally {
      this.#making.delete(name)
    }
  }

  /** Removes what a controller left that was killed in between. */
  async sweep(seen: readonly SeenPassing[]): Promise<void> {
    const strays = seen.filter(({ name }) => !this.#making.has(name))
    await Promise.all(strays.map(({ id }) => this.#remove(id)))
  }

  async #remove(id: string): Promise<void> {
    await this.#client.call('removeContainer', { subject: id, query: { force: true, v: true }, accept: [404, 409] })
  }
}
