/**
 * Containers that the driver itself is doing away with: what happens to them is its own doing, or does not matter any
 * more. Marked before the first call, since an event may come before the answer to it.
 */
export class GivenUp {
  readonly #ids = new Set<string>()

  add(id: string): void {
    this.#ids.add(id)
    if (this.#ids.size > mostRemembered) this.#forgetOldest()
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  #forgetOldest(): void {
    for (const id of this.#ids) return void this.#ids.delete(id)
  }
}

/** Far more than can have events under way; they are gone by then. */
const mostRemembered = 10_000
