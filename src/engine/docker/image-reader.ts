/**
 * Reads what an image says of itself, without running anything of it: a container is created from it, never started,
 * and the few files that list packages are read out of that. To read the image as an archive would be to read all of it.
 */
import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar-stream'
import { RepaveError } from '../../errors.ts'
import { baseOf, type ImageDescription, type Package } from '../../model/image-description.ts'
import { imageRecord, type ContainerBody, type ImageRecord } from './container-record.ts'
import { parseAnswer, type DockerClient } from './docker-client.ts'
import { label, ownerLabels } from './labels.ts'
import { alpinePackages, debianPackages, listedPackages } from './package-lists.ts'
import type { PassingContainers } from './passing-containers.ts'

/** More than any list of packages that was ever seen. */
const mostBytes = 16 * 1024 * 1024
const mostFiles = 20_000

interface ReadFile {
  /** Relative to the folder of what was asked for. */
  readonly name: string
  readonly content: string
}

export class ImageReader {
  readonly #client: DockerClient
  readonly #owner: string
  readonly #passing: PassingContainers

  constructor(client: DockerClient, owner: string, passing: PassingContainers) {
    this.#client = client
    this.#owner = owner
    this.#passing = passing
  }

  async describe(image: string): Promise<ImageDescription> {
    const record = await this.#inspect(image)
    const labels = record.Config?.Labels ?? {}
    const base = baseOf(labels)
    const lists = await this.#lists(record, labels[label.sbom])
    return {
      digest: record.Id,
      manifests: record.RepoDigests.map((name) => name.slice(name.indexOf('@') + 1)),
      layers: record.RootFS?.Layers ?? [],
      ...(base && { base }),
      packages: lists.flat(),
      isDescribed: lists.length > 0,
    }
  }

  async #inspect(image: string): Promise<ImageRecord> {
    const answer = await this.#client.call('inspectImage', { subject: image, accept: [400, 404] })
    if (answer.status === 200) return parseAnswer(imageRecord, answer, `inspect image ${image}`)
    throw new RepaveError('IMAGE_NOT_FOUND', `the engine has no image ${image}`, {
      hint: 'see which it has: `docker image ls --digests`',
    })
  }

  /** A list for each place that has one. */
  #lists(record: ImageRecord, sbom: string | undefined): Promise<readonly (readonly Package[])[]> {
    const name = `repave-reading-${randomUUID()}`
    return this.#passing.with(name, readingBody(this.#owner, record), async () => {
      const lists: (readonly Package[])[] = []
      for (const [path, parse] of places(sbom)) {
        const files = await this.#read(name, path, record.Id)
        if (files) lists.push(parsed(files, parse, `${record.Id}, ${path}`))
      }
      return lists
    })
  }

  /** The files at `path`; undefined where there is nothing. */
  async #read(container: string, path: string, image: string): Promise<readonly ReadFile[] | undefined> {
    const call = { subject: container, query: { path }, accept: [404] }
    const response = await this.#client.stream('readArchive', call)
    if (response.statusCode === 404) return void response.resume()
    try {
      return await filesOf(response)
    } catch (error) {
      response.destroy()
      if (error instanceof RangeError) throw invalid(`${image}, ${path}`, error.message)
      throw this.#client.translate(error)
    }
  }
}

type Parse = (content: string) => readonly Package[]

/** Where packages are listed: by dpkg, also as distroless images do it, by apk, and where the image's label says. */
function places(sbom: string | undefined): readonly (readonly [string, Parse])[] {
  return [
    ['/var/lib/dpkg/status', debianPackages],
    ['/var/lib/dpkg/status.d', debianPackages],
    ['/lib/apk/db/installed', alpinePackages],
    ...(sbom === undefined ? [] : [[sbom, listedPackages] as const]),
  ]
}

function parsed(files: readonly ReadFile[], parse: Parse, what: string): readonly Package[] {
  try {
    return files.filter(({ name }) => !name.endsWith('.md5sums')).flatMap(({ content }) => parse(content))
  } catch (error) {
    throw invalid(what, error instanceof Error ? error.message : String(error))
  }
}

function invalid(what: string, why: string): RepaveError {
  return new RepaveError('IMAGE_INVALID', `what the image lists as its packages is no such list (${what}): ${why}`, {
    hint: 'build the image anew, or refuse it by its digest',
  })
}

/** Throws RangeError for more than any list of packages would be. */
async function filesOf(archive: Readable): Promise<readonly ReadFile[]> {
  const tar = extract()
  const fed = pipeline(archive, tar)
  // Where the reading below fails, the feeding does too.
  fed.catch(() => {})
  const files: ReadFile[] = []
  const bounds = { bytes: 0, entries: 0 }
  for await (const entry of tar) {
    const content = await contentOf(entry, bounds)
    if (entry.header.type === 'file') files.push({ name: entry.header.name, content })
  }
  await fed
  return files
}

async function contentOf(entry: AsyncIterable<unknown>, bounds: { bytes: number; entries: number }): Promise<string> {
  bounds.entries += 1
  if (bounds.entries > mostFiles) throw new RangeError(`it has more than ${mostFiles} files`)
  const chunks: Uint8Array[] = []
  for await (const chunk of entry) {
    if (!(chunk instanceof Uint8Array)) continue
    bounds.bytes += chunk.length
    if (bounds.bytes > mostBytes) throw new RangeError(`it is longer than ${mostBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** A volume that the image declares would be filled for nothing, if a tmpfs did not take its place. */
function readingBody(owner: string, { Id, Config }: ImageRecord): ContainerBody {
  return {
    Image: Id,
    Entrypoint: ['/.repave-reading'],
    Cmd: [],
    User: '65532:65532',
    Labels: { ...ownerLabels(owner, 'reading') },
    HostConfig: {
      NetworkMode: 'none',
      CgroupnsMode: 'private',
      Tmpfs: Object.fromEntries((Config?.Volumes ?? []).map((path) => [path, ''])),
    },
  }
}
