/** Runs one action at a time, in the order in which they were asked for. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(action: () => Promise<T>): Promise<T> {
    const next = this.#last.then(action)
    this.#last = next.catch(() => undefined)
    return next
  }
}
