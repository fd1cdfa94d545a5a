/** Image names and Dockerfiles to content: by the lock where it has them, else by the engine; and the lock that results. */
import type { Engine, ImageRequest, PreparedImage } from '../engine/engine.ts'
import { RepaveError } from '../errors.ts'
import type { ImageSource, Stack } from '../model/stack.ts'
import { readContext } from './context.ts'
import type { Lock, LockedBuild, LockedReference } from './lock.ts'
import { own } from '../model/own.ts'

export interface ResolveOptions {
  /** Resolve every image name and build every Dockerfile again instead of trusting the lock. */
  readonly refresh?: boolean
  /** A line of what the engine says, for a service. */
  readonly progress?: (service: string, line: string) => void
}

export interface ResolvedImages {
  /** By service. */
  readonly images: Readonly<Record<string, PreparedImage>>
  /** The given lock, with what was resolved; what it holds for other stacks of its folder is kept. */
  readonly lock: Lock
}

/** How many images are pulled or built at a time. */
const concurrency = 3

interface Resolution {
  readonly service: string
  readonly image: PreparedImage
  readonly reference?: readonly [string, LockedReference]
  readonly build?: LockedBuild
}

/** Throws IMAGE_NOT_FOUND, IMAGE_INVALID and BUILD_FAILED with the service named; the errors of `readContext` and the engine. */
export async function resolveImages(
  stack: Stack,
  lock: Lock,
  engine: Pick<Engine, 'prepare'>,
  options: ResolveOptions = {},
): Promise<ResolvedImages> {
  const resolver = new ImageResolver(stack, lock, engine, options)
  const services = Object.entries(stack.services)
  const resolved = await inParallel(services, ([service, { image }]) => resolver.resolve(service, image))
  const references = resolved.flatMap(({ reference }) => (reference ? [reference] : []))
  const builds = resolved.flatMap(({ service, build }) => (build ? [[service, build] as const] : []))
  return {
    images: Object.fromEntries(resolved.map(({ service, image }) => [service, image])),
    lock: {
      lockVersion: 1,
      references: { ...lock.references, ...Object.fromEntries(references) },
      builds: { ...lock.builds, ...Object.fromEntries(builds) },
    },
  }
}

/** One resolution of a stack: what two services share is prepared once. */
class ImageResolver {
  readonly #prepared = new Map<string, Promise<PreparedImage>>()
  readonly #stack: Stack
  readonly #lock: Lock
  readonly #engine: Pick<Engine, 'prepare'>
  readonly #options: ResolveOptions

  constructor(stack: Stack, lock: Lock, engine: Pick<Engine, 'prepare'>, options: ResolveOptions) {
    this.#stack = stack
    this.#lock = lock
    this.#engine = engine
    this.#options = options
  }

  async resolve(service: string, source: ImageSource): Promise<Resolution> {
    return this.#resolveSource(service, source).catch((error: unknown) => {
      throw aboutService(service, source, error)
    })
  }

  async #resolveSource(service: string, source: ImageSource): Promise<Resolution> {
    switch (source.kind) {
      case 'reference':
        return this.#resolveReference(service, source.reference)
      case 'build':
        return this.#resolveBuild(service, source)
    }
  }

  async #resolveReference(service: string, reference: string): Promise<Resolution> {
    const image = await this.#once(`reference ${reference}`, () => this.#prepareReference(service, reference))
    const { digest, repositoryDigest } = image
    return {
      service,
      image,
      reference: [reference, { digest, ...(repositoryDigest !== undefined && { repositoryDigest }) }],
    }
  }

  async #prepareReference(service: string, reference: string): Promise<PreparedImage> {
    const locked = this.#locked(this.#lock.references, reference)
    const request = { kind: 'reference', reference, ...locked } as const
    return this.#prepare(service, request).catch((error: unknown) => {
      throw locked && isNotFound(error) ? lockedImageGone(reference, locked, error) : error
    })
  }

  async #resolveBuild(service: string, source: Extract<ImageSource, { kind: 'build' }>): Promise<Resolution> {
    const context = await readContext(source)
    const { inputs, dockerfile } = context
    const image = await this.#once(`build ${inputs}`, async () => {
      const kept = await this.#keptBuild(service, inputs)
      if (kept) return kept
      const tag = `repave.local/${this.#stack.stack}/${service}:${inputs.slice(0, 12)}`
      const request = { kind: 'build', context: context.open(), dockerfile, arguments: source.arguments, tag } as const
      return this.#prepare(service, request)
    })
    return { service, image, build: { inputs, digest: image.digest } }
  }

  /** What the same inputs were built to, if the engine still has it. */
  async #keptBuild(service: string, inputs: string): Promise<PreparedImage | undefined> {
    const locked = this.#locked(this.#lock.builds, service)
    if (locked?.inputs !== inputs) return undefined
    return this.#prepare(service, { kind: 'digest', digest: locked.digest }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined
      throw error
    })
  }

  #locked<T>(entries: Readonly<Record<string, T>>, key: string): T | undefined {
    return this.#options.refresh ? undefined : own(entries, key)
  }

  #prepare(service: string, request: ImageRequest): Promise<PreparedImage> {
    return this.#engine.prepare(request, (line) => this.#options.progress?.(service, line))
  }

  #once(key: string, prepare: () => Promise<PreparedImage>): Promise<PreparedImage> {
    const running = this.#prepared.get(key) ?? prepare()
    this.#prepared.set(key, running)
    return running
  }
}

/** What is wrong with an image is wrong with its service; what is wrong with the engine is not. */
function aboutService(service: string, source: ImageSource, error: unknown): unknown {
  if (!(error instanceof RepaveError)) return error
  if (!['IMAGE_NOT_FOUND', 'IMAGE_INVALID', 'BUILD_FAILED'].includes(error.code)) return error
  const { code, message, hint, at } = error
  const about = ['services', service, ...(source.kind === 'build' ? ['build', 'dockerfile'] : ['image'])]
  return new RepaveError(code, `service ${service}: ${message}`, { hint, ...(at && { at }), about, cause: error })
}

function isNotFound(error: unknown): boolean {
  return error instanceof RepaveError && error.code === 'IMAGE_NOT_FOUND'
}

function lockedImageGone(reference: string, locked: LockedReference, cause: unknown): RepaveError {
  const where =
    locked.repositoryDigest === undefined
      ? 'it was only ever on this machine'
      : `no registry has ${locked.repositoryDigest} any more`
  return new RepaveError(
    'IMAGE_NOT_FOUND',
    `the content that ${reference} is locked to (${locked.digest}) is gone: ${where}`,
    { hint: `bring that image back, or take what ${reference} stands for now with --refresh`, cause },
  )
}

/** In the order of `items`; the first failure is thrown once nothing runs any more. */
async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = []
  const failures: unknown[] = []
  const queue = items.entries()
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failures.length > 0) return
      await work(item).then(
        (result) => (results[index] = result),
        (error: unknown) => failures.push(error),
      )
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  if (failures.length > 0) throw failures[0]
  return results
}
