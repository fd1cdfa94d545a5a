/** Images: finding, pulling, building and importing them. */
import { Readable } from 'node:stream'
import { z } from 'zod'
import { RepaveError } from '../../errors.ts'
import type { ImageDigest } from '../../model/version.ts'
import type { ImageRequest, PreparedImage } from '../engine.ts'
import { imageRecord, type ImageRecord } from './container-record.ts'
import { parseAnswer, wordsOf, type DockerClient, type StreamCall } from './docker-client.ts'
import { jsonLines } from './json-lines.ts'
import { pauseArchive, pauseImage } from './pause-image.ts'

type Progress = (line: string) => void
type Request<K extends ImageRequest['kind']> = Extract<ImageRequest, { kind: K }>

export class DockerImages {
  readonly #client: DockerClient
  /** Content does not change under its digest. */
  readonly #byDigest = new Map<ImageDigest, PreparedImage>()
  #pause: Promise<void> | undefined

  constructor(client: DockerClient) {
    this.#client = client
  }

  async prepare(request: ImageRequest, progress: Progress): Promise<PreparedImage> {
    switch (request.kind) {
      case 'digest':
        return this.#remember(await this.#requireDigest(request.digest))
      case 'reference':
        return this.#remember(await this.#resolve(request, progress))
      case 'build':
        return this.#remember(await this.#build(request, progress))
    }
  }

  /** The image of that content; IMAGE_NOT_FOUND where the engine has it no longer. */
  async find(digest: ImageDigest): Promise<PreparedImage> {
    return this.#byDigest.get(digest) ?? this.prepare({ kind: 'digest', digest }, () => {})
  }

  /** The instructions that a build from that image carries out first. */
  async triggers(digest: ImageDigest): Promise<readonly string[]> {
    const { record } = await this.#requireDigest(digest)
    return record.Config?.OnBuild ?? []
  }

  /** An image for a moment, which no other build is given from the cache; what the build failed with, if it did. */
  buildPassing(context: Readable, tag: string): Promise<string | undefined> {
    const call = buildCall({ context, dockerfile: 'Dockerfile', arguments: {}, tag })
    return this.#follow('buildImage', { ...call, query: { ...call.query, nocache: true } }, () => {})
  }

  /** The engine turned out not to have it after all. */
  forget(digest: ImageDigest): void {
    this.#byDigest.delete(digest)
  }

  /** Makes sure that the image of sandboxes is there, with the content that it must have. */
  ensurePauseImage(): Promise<void> {
    this.#pause ??= this.#importPauseImage().catch((error: unknown) => {
      this.#pause = undefined
      throw error
    })
    return this.#pause
  }

  forgetPauseImage(): void {
    this.#pause = undefined
  }

  #remember(found: FoundImage): PreparedImage {
    const image = preparedImage(found.record, found.name)
    this.#byDigest.set(image.digest, image)
    return image
  }

  async #requireDigest(digest: ImageDigest): Promise<FoundImage> {
    const record = await this.#inspect(digest)
    if (record) return { record, name: digest }
    throw imageNotFound(digest, 'the engine does not have it any more', 'run `repave up` to resolve or build it again')
  }

  async #resolve(request: Request<'reference'>, progress: Progress): Promise<FoundImage> {
    const { reference, digest } = request
    const present = await this.#inspect(digest ?? reference)
    if (present) return { record: present, name: reference }
    await this.#pull(request.repositoryDigest ?? reference, progress)
    const pulled = await this.#inspect(digest ?? request.repositoryDigest ?? reference)
    if (pulled) return { record: pulled, name: reference }
    throw imageNotFound(
      reference,
      `what was pulled is not ${digest ?? 'there'}`,
      'run `repave up --refresh` to resolve the name again, and to lock what it stands for now',
    )
  }

  async #pull(reference: string, progress: Progress): Promise<void> {
    const { name, tag } = splitReference(reference)
    const call = { query: { fromImage: name, tag }, accept: [400, 401, 403, 404, 500] }
    const failure = await this.#follow('createImage', call, progress)
    if (failure === undefined) return
    const hint =
      'check its name, and that its registry can be reached; or build it: `build: { dockerfile: ./Dockerfile }`'
    throw await this.#client.unlessDiskFull(imageNotFound(reference, failure, hint))
  }

  async #build(request: Request<'build'>, progress: Progress): Promise<FoundImage> {
    const recent = new RecentLines(progress)
    const failure = await this.#follow('buildImage', buildCall(request), recent.add)
    if (failure !== undefined) {
      const hint = `mend it and run \`repave up\` again; the last output:\n${recent.text()}`
      const error = new RepaveError('BUILD_FAILED', `${request.dockerfile} does not build: ${failure}`, { hint })
      throw await this.#client.unlessDiskFull(error)
    }
    const record = await this.#inspect(request.tag)
    if (record) return { record, name: request.tag }
    throw imageNotFound(request.tag, 'the engine has built it and lost it', 'run `repave up` again')
  }

  async #importPauseImage(): Promise<void> {
    const { architecture } = await this.#client.version()
    const { content, layer } = await pauseArchive(architecture)
    const present = await this.#inspect(pauseImage.reference)
    if (present?.RootFS?.Layers.join() === layer) return
    const query = { fromSrc: '-', repo: pauseImage.repository, tag: pauseImage.tag, message: 'made by Repave' }
    const failure = await this.#follow('createImage', { query, archive: Readable.from([content]) }, () => {})
    if (failure !== undefined)
      throw new RepaveError('ENGINE_FAILED', `the Docker engine does not import ${pauseImage.reference}: ${failure}`, {
        hint: 'see its log: `journalctl -u docker`',
      })
  }

  async #inspect(name: string): Promise<ImageRecord | undefined> {
    // A name that is not even well-formed is found nowhere; pulling it says why.
    const answer = await this.#client.call('inspectImage', { subject: name, accept: [400, 404] })
    return answer.status === 200 ? parseAnswer(imageRecord, answer, `inspect image ${name}`) : undefined
  }

  /** Runs a long call and passes on its words; what it failed with, which comes inside of an answer of status 200. */
  async #follow(
    endpoint: 'createImage' | 'buildImage',
    call: StreamCall,
    progress: Progress,
  ): Promise<string | undefined> {
    const response = await this.#client.stream(endpoint, call)
    let failure: string | undefined
    for await (const value of this.#messages(response)) {
      const message = progressMessage.safeParse(value).data
      if (message === undefined) continue
      failure ??= message.errorDetail?.message ?? message.error
      if (response.statusCode !== 200) failure ??= wordsOf({ status: response.statusCode ?? 0, content: value })
      for (const line of progressLines(message)) progress(line)
    }
    if (response.statusCode !== 200) failure ??= `status ${response.statusCode}`
    return failure
  }

  async *#messages(response: Readable): AsyncGenerator<unknown, void, undefined> {
    try {
      yield* jsonLines(response)
    } catch (error) {
      throw this.#client.translate(error)
    }
  }
}

interface FoundImage {
  readonly record: ImageRecord
  /** What it was asked for as. */
  readonly name: string
}

const progressMessage = z.object({
  stream: z.string().optional(),
  status: z.string().optional(),
  id: z.string().optional(),
  error: z.string().optional(),
  errorDetail: z.object({ message: z.string() }).optional(),
  progressDetail: z.object({ total: z.number().optional() }).optional(),
})

/** The words of one message, without the counting of bytes. */
function progressLines(message: z.infer<typeof progressMessage>): string[] {
  if (message.progressDetail?.total !== undefined) return []
  const id = message.id === undefined ? '' : `${message.id}: `
  const text = message.stream ?? (message.status === undefined ? '' : `${id}${message.status}`)
  return text.split(/[\r\n]+/).filter((line) => line.trim() !== '')
}

function buildCall(request: Omit<Request<'build'>, 'kind'>): StreamCall {
  const { context, dockerfile, arguments: buildArguments, tag } = request
  const query = { dockerfile, t: tag, buildargs: JSON.stringify(buildArguments), rm: true, forcerm: true }
  return { query, archive: context, accept: [400, 404, 500] }
}

/** Passes lines on, and keeps the last ones for the report of a failure. */
class RecentLines {
  readonly #lines: string[] = []
  readonly #next: Progress

  constructor(next: Progress) {
    this.#next = next
  }

  readonly add = (line: string): void => {
    this.#lines.push(line.slice(0, 2000))
    if (this.#lines.length > 20) this.#lines.shift()
    this.#next(line)
  }

  text(): string {
    return this.#lines.length === 0 ? '(none)' : this.#lines.join('\n')
  }
}

/** Name and tag; without a tag, pulling would bring all that there are. A digest stays with the name. */
export function splitReference(reference: string): { readonly name: string; readonly tag?: string } {
  if (reference.includes('@')) return { name: reference }
  const colon = reference.lastIndexOf(':')
  const hasTag = colon > reference.lastIndexOf('/')
  return hasTag
    ? { name: reference.slice(0, colon), tag: reference.slice(colon + 1) }
    : { name: reference, tag: 'latest' }
}

function preparedImage(record: ImageRecord, name: string): PreparedImage {
  const { name: repository } = splitReference(name)
  const repositoryDigest =
    record.RepoDigests.find((entry) => entry.startsWith(`${repository}@`)) ?? record.RepoDigests[0]
  const config = record.Config
  return {
    digest: record.Id,
    ...(repositoryDigest !== undefined && { repositoryDigest }),
    entrypoint: config?.Entrypoint ?? [],
    command: config?.Cmd ?? [],
    environment: Object.fromEntries((config?.Env ?? []).map(splitVariable)),
    user: config?.User ?? '',
    workingDirectory: config?.WorkingDir || '/',
    volumes: config?.Volumes ?? [],
    labels: config?.Labels ?? {},
  }
}

function splitVariable(entry: string): [string, string] {
  const equals = entry.indexOf('=')
  return equals === -1 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)]
}

function imageNotFound(name: string, reason: string, hint: string): RepaveError {
  return new RepaveError('IMAGE_NOT_FOUND', `no image ${name}: ${reason}`, { hint })
}
