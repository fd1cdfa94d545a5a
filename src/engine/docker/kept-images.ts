/** Images that are kept from clean-up by a tag of this controller's own: `docker image prune` leaves what has a tag. */
import { createHash, randomUUID } from 'node:crypto'
import type { ImageDigest } from '../../model/version.ts'
import { Serial } from '../../system/serial.ts'
import { imageList } from './container-record.ts'
import { parseAnswer, type DockerClient } from './docker-client.ts'

export class KeptImages {
  readonly #client: DockerClient
  /** Holds the owner's tags, and nothing else. */
  readonly #repository: string
  /** Tags that are needed for a moment. */
  readonly #passing = new Set<string>()
  readonly #serial = new Serial()

  constructor(client: DockerClient, owner: string) {
    this.#client = client
    this.#repository = keptRepository(owner)
  }

  /** Exactly these have a tag from now on, but for those that nothing else keeps from under their containers. */
  async retain(digests: readonly ImageDigest[]): Promise<void> {
    await this.#serial.run(async () => {
      const present = await this.#tags()
      const wanted = new Map(digests.map((digest) => [tagOf(digest), digest]))
      const missing = [...wanted].filter(([tag, digest]) => present.get(tag) !== digest)
      const unwanted = [...present.keys()].filter((tag) => !wanted.has(tag) && !this.#passing.has(tag))
      await Promise.all(missing.map(([tag, digest]) => this.#add(tag, digest)))
      await Promise.all(unwanted.map((tag) => this.#drop(tag)))
    })
  }

  async present(digests: readonly ImageDigest[]): Promise<ReadonlySet<ImageDigest>> {
    const query = { all: true }
    const images = parseAnswer(imageList, await this.#client.call('listImages', { query }), 'list images')
    const ids = new Set(images.map(({ Id }) => Id))
    return new Set(digests.filter((digest) => ids.has(digest)))
  }

  /** Runs `use` with a name for an image that goes when it is done; where it never is, the next `retain` removes it. */
  async withPassing<T>(use: (name: string) => Promise<T>): Promise<T> {
    const tag = `${passing}${randomUUID()}`
    this.#passing.add(tag)
    try {
      return await use(`${this.#repository}:${tag}`)
    } finally {
      this.#passing.delete(tag)
      await this.#drop(tag).catch(() => {})
    }
  }

  /** The owner's tags, and which image each is on. */
  async #tags(): Promise<ReadonlyMap<string, ImageDigest>> {
    const query = { filters: JSON.stringify({ reference: [this.#repository] }) }
    const images = parseAnswer(imageList, await this.#client.call('listImages', { query }), 'list kept images')
    const prefix = `${this.#repository}:`
    return new Map(
      images.flatMap(({ Id, RepoTags }) =>
        RepoTags.filter((name) => name.startsWith(prefix)).map((name) => [name.slice(prefix.length), Id] as const),
      ),
    )
  }

  /** An image that is not there is kept by nothing. */
  async #add(tag: string, digest: ImageDigest): Promise<void> {
    await this.#client.call('tagImage', { subject: digest, query: { repo: this.#repository, tag }, accept: [404] })
  }

  /**
   * The engine removes an image with its last tag; it refuses to while a container was made from it. What a passing one
   * was built from stays, with or without a name.
   */
  async #drop(tag: string): Promise<void> {
    const query = { noprune: tag.startsWith(passing) }
    await this.#client.call('removeImage', { subject: `${this.#repository}:${tag}`, query, accept: [404, 409] })
  }
}

const passing = 'passing-'

/** Different for every owner, so that none takes what another keeps. */
export function keptRepository(owner: string): string {
  return `repave.local/kept/${createHash('sha256').update(owner).digest('hex').slice(0, 16)}`
}

function tagOf(digest: ImageDigest): string {
  return digest.slice('sha256:'.length)
}
