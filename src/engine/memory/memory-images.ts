/** The images of a memory machine, by digest and by name. */
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { RepaveError } from '../../errors.ts'
import { canonicalJson } from '../../model/canonical.ts'
import { baseOf, type ImageDescription, type Package } from '../../model/image-description.ts'
import type { ImageDigest, VersionSpec } from '../../model/version.ts'
import type { ImageRequest, PreparedImage } from '../engine.ts'
import { goodBehaviour, type Behaviour } from './memory-process.ts'

export interface MemoryImage extends PreparedImage {
  /** What the programs of this image do when they are run as `spec` says. */
  readonly behaviour: (spec: VersionSpec) => Behaviour
  /** Absent: it is one layer that nothing else has. */
  readonly layers?: readonly string[]
  /** Absent: it lists none. `broken`: what it lists is no list. */
  readonly packages?: readonly Package[] | 'broken'
}

export type ImageContent = Partial<Omit<MemoryImage, 'digest'>>

/** What a build of `archive` makes; throws BUILD_FAILED. */
export type Builder = (archive: Buffer, request: ImageRequest & { readonly kind: 'build' }) => ImageContent

export class MemoryImages {
  readonly #byDigest = new Map<ImageDigest, MemoryImage>()
  readonly #byReference = new Map<string, ImageDigest>()
  /** What each owner keeps from clean-up. */
  readonly #kept = new Map<string, ReadonlySet<ImageDigest>>()
  readonly #builder: Builder

  constructor(builder: Builder = () => ({})) {
    this.#builder = builder
  }

  /** Makes `reference` stand for an image of this content from now on. `content` tells images that are alike apart. */
  add(reference: string, image: ImageContent = {}, content = reference): ImageDigest {
    const digest = digestOf(content)
    this.#byDigest.set(digest, { ...emptyImage, ...image, digest })
    this.#byReference.set(reference, digest)
    return digest
  }

  get(digest: ImageDigest): MemoryImage | undefined {
    return this.#byDigest.get(digest)
  }

  /** `reference` stands for nothing any more. */
  untag(reference: string): void {
    this.#byReference.delete(reference)
  }

  /** Keeps these for `owner` and lets go of what it kept before, unless that is all that is left of what is `used`. */
  retain(owner: string, digests: readonly ImageDigest[], used: ReadonlySet<ImageDigest>): void {
    const before = this.#kept.get(owner) ?? new Set()
    const wanted = digests.filter((digest) => this.#byDigest.has(digest))
    this.#kept.set(owner, new Set([...wanted, ...before.intersection(used)]))
    for (const digest of before) if (!this.#isHeld(digest, used)) this.#byDigest.delete(digest)
  }

  /** Someone removes everything that has no name and is not `used`. */
  prune(used: ReadonlySet<ImageDigest>): void {
    for (const digest of this.#byDigest.keys()) if (!this.#isHeld(digest, used)) this.#byDigest.delete(digest)
  }

  #isHeld(digest: ImageDigest, used: ReadonlySet<ImageDigest>): boolean {
    if (used.has(digest) || [...this.#byReference.values()].includes(digest)) return true
    return [...this.#kept.values()].some((kept) => kept.has(digest))
  }

  async prepare(request: ImageRequest, progress?: (line: string) => void): Promise<PreparedImage> {
    const image = await this.#find(request, progress)
    const { behaviour: _behaviour, layers: _layers, packages: _packages, ...prepared } = image
    return prepared
  }

  /** By its digest or a name. */
  describe(name: string): ImageDescription {
    const { digest, labels, layers, packages } = this.#existing(this.#digestOf(name), name)
    if (packages === 'broken')
      throw new RepaveError('IMAGE_INVALID', `what ${name} lists is no list of packages`, { hint: 'build it anew' })
    const base = baseOf(labels)
    return {
      digest,
      manifests: [],
      layers: layers ?? [digest],
      ...(base && { base }),
      packages: packages ?? [],
      isDescribed: packages !== undefined,
    }
  }

  #digestOf(name: string): ImageDigest | undefined {
    return this.#byReference.get(name) ?? [...this.#byDigest.keys()].find((digest) => digest === name)
  }

  async #find(request: ImageRequest, progress?: (line: string) => void): Promise<MemoryImage> {
    switch (request.kind) {
      case 'reference': {
        const digest = request.digest ?? this.#byReference.get(request.reference)
        return this.#existing(digest, request.reference)
      }
      case 'digest':
        return this.#existing(request.digest, request.digest)
      case 'build':
        return this.#build(request, progress)
    }
  }

  #existing(digest: ImageDigest | undefined, name: string): MemoryImage {
    const image = digest && this.#byDigest.get(digest)
    if (image) return image
    throw new RepaveError('IMAGE_NOT_FOUND', `no image ${name}`, { hint: 'check the name, or build the image' })
  }

  async #build(request: ImageRequest & { kind: 'build' }, progress?: (line: string) => void): Promise<MemoryImage> {
    const archive = await bytesOf(request.context)
    const inputs = canonicalJson({ dockerfile: request.dockerfile, arguments: request.arguments })
    progress?.(`building ${request.dockerfile}`)
    const content = this.#builder(archive, request)
    const digest = this.add(request.tag, content, `${inputs}\n${archive.toString('base64')}`)
    return this.#existing(digest, request.tag)
  }
}

const emptyImage: Omit<MemoryImage, 'digest'> = {
  entrypoint: [],
  command: ['/serve'],
  environment: {},
  user: '',
  workingDirectory: '/',
  volumes: [],
  labels: {},
  behaviour: () => goodBehaviour,
}

function digestOf(content: string): ImageDigest {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}

async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
