/** Keeps the images of the versions that can be gone back to from being cleaned up. */
import { asRepaveError, type RepaveError } from '../errors.ts'
import { own } from '../model/own.ts'
import { defaultHistory } from '../model/stack.ts'
import type { ImageDigest } from '../model/version.ts'
import type { ReleaseRecord } from '../store/store.ts'
import { recorded } from './records.ts'
import { Retries } from './retries.ts'
import type { Seams } from './seams.ts'

export class Retention {
  readonly #seams: Seams
  readonly #onEnd: () => void
  readonly #retries = new Retries()
  #isDue = true
  #isAtWork = false
  #kept: string | undefined

  constructor(seams: Seams, onEnd: () => void) {
    this.#seams = seams
    this.#onEnd = onEnd
  }

  /** What is to be kept may be something else from now on. */
  invalidate(): void {
    this.#isDue = true
  }

  troubles(): readonly RepaveError[] {
    return this.#retries.errors()
  }

  nextRetryAtMs(nowMs: number): number | undefined {
    return this.#retries.nextTimeMs(nowMs)
  }

  tend(records: readonly ReleaseRecord[]): void {
    if (!this.#isDue || this.#isAtWork || !this.#retries.isDue('retain', this.#seams.clock.steady())) return
    this.#isDue = false
    this.#isAtWork = true
    void this.#keep(records)
  }

  async #keep(records: readonly ReleaseRecord[]): Promise<void> {
    const error = await this.#keepAll(records).then(() => undefined, asRepaveError)
    this.#isAtWork = false
    if (error) this.#isDue = true
    this.#retries.note('retain', error, this.#seams.clock.steady())
    this.#onEnd()
  }

  async #keepAll(records: readonly ReleaseRecord[]): Promise<void> {
    const images = await this.#images(records)
    const wanted = images.join(' ')
    if (wanted === this.#kept) return
    const reason = `${images.length} images are ways back`
    await recorded(this.#seams, {}, { kind: 'retain', reason }, () => this.#seams.engine.retain(images))
    this.#kept = wanted
  }

  /** Of each service, that of its version, and those of as many others as its history has, the newest first. */
  async #images(records: readonly ReleaseRecord[]): Promise<readonly ImageDigest[]> {
    const images = new Set<ImageDigest>()
    for (const { release } of records) {
      const versions = Map.groupBy(await this.#seams.store.versions(release), ({ service }) => service)
      for (const [service, all] of versions) {
        const { version, history = defaultHistory } = own(release.services, service) ?? {}
        const waysBack = all.filter((each) => each.version !== version && each.state !== 'failed')
        for (const { spec } of waysBack.slice(0, history)) images.add(spec.image)
      }
      for (const { spec } of Object.values(release.services)) images.add(spec.image)
    }
    return [...images].toSorted()
  }
}
