/** What images hold, as far as refusals ask: each is looked into once, since content does not change under its digest. */
import type { Engine } from '../engine/engine.ts'
import { RepaveError } from '../errors.ts'
import { type Holding, holdingOf } from '../guard/holdings.ts'
import type { ImageDescription } from '../model/image-description.ts'
import { isHolding, type NewRefusal, type Refusal, type RefusedHolding } from '../model/refusal.ts'
import type { UnjudgedImage } from '../model/report.ts'
import type { ImageDigest } from '../model/version.ts'

/** A refusal with all that it is about among the images that there are. */
export interface Examined {
  readonly refusal: NewRefusal
  readonly unjudged: readonly UnjudgedImage[]
}

/** The versions that are made of each image, by their names. */
export type ImagesInUse = ReadonlyMap<ImageDigest, readonly string[]>

/** What it cost to look is kept of so many images. */
const mostKnown = 100

export class Inventory {
  readonly #engine: Pick<Engine, 'describe'>
  readonly #known = new Map<ImageDigest, ImageDescription>()

  constructor(engine: Pick<Engine, 'describe'>) {
    this.#engine = engine
  }

  /** Looks into `images`; those that the engine does not have can't run, and are looked into when they come back. */
  async examine(refusal: NewRefusal, images: ImagesInUse): Promise<Examined> {
    const { what } = refusal
    if (!isHolding(what)) return { refusal, unjudged: [] }
    const found: Record<ImageDigest, string> = {}
    const unjudged: UnjudgedImage[] = []
    for (const [image, versions] of images) {
      const holding = await this.#holding(image, what)
      if (holding?.kind === 'holds') found[image] = holding.what
      if (holding?.kind === 'unknown') unjudged.push({ image, versions, why: holding.why })
    }
    return { refusal: { ...refusal, what: { ...what, found } }, unjudged }
  }

  /** What `image` holds of what `refusal` is about, which knows nothing of it yet; undefined where that can't concern it. */
  async judge(image: ImageDigest, { what }: Refusal): Promise<Holding | undefined> {
    if (!isHolding(what) || Object.hasOwn(what.found, image)) return undefined
    return this.#holding(image, what)
  }

  /** Undefined where the engine does not have it. One that describes itself badly does not describe itself. */
  async #holding(image: ImageDigest, what: RefusedHolding): Promise<Holding | undefined> {
    try {
      return holdingOf(await this.#describe(image), what)
    } catch (error) {
      if (!(error instanceof RepaveError)) throw error
      if (error.code === 'IMAGE_NOT_FOUND') return undefined
      if (error.code === 'IMAGE_INVALID') return { kind: 'unknown', why: error.message }
      throw error
    }
  }

  async #describe(image: ImageDigest): Promise<ImageDescription> {
    const description = this.#known.get(image) ?? (await this.#engine.describe(image))
    this.#known.delete(image)
    this.#known.set(image, description)
    for (const [oldest] of this.#known) {
      if (this.#known.size <= mostKnown) break
      this.#known.delete(oldest)
    }
    return description
  }
}
