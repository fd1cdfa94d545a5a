/**
 * Which processes are an instance's own: its first one, and what descends from that by fork.
 *
 * Descent is kept as it was at the fork, since a parent that ends leaves its children to somebody else: who enters a
 * namespace and forks twice has the first process of the instance for a parent, and is a stranger all the same.
 */
export class OwnProcesses<Instance> {
  readonly #owners = new Map<number, Instance>()
  /** In the order in which they ended. What they did is told after they have: they are remembered for a while. */
  readonly #endedAtMs = new Map<number, number>()

  ownerOf(pid: number): Instance | undefined {
    return this.#owners.get(pid)
  }

  add(instance: Instance, pid: number): void {
    this.#owners.set(pid, instance)
    this.#endedAtMs.delete(pid)
  }

  /** A number that was used before belongs to the child from now on. */
  forked(parent: number, child: number): void {
    const owner = this.#owners.get(parent)
    if (owner !== undefined) this.add(owner, child)
    else if (this.#owners.delete(child)) this.#endedAtMs.delete(child)
  }

  ended(pid: number, nowMs: number): void {
    if (this.#owners.has(pid) && !this.#endedAtMs.has(pid)) this.#endedAtMs.set(pid, nowMs)
  }

  /** Forgets what ended before a time. */
  purge(beforeMs: number): void {
    for (const [pid, endedAtMs] of this.#endedAtMs) {
      if (endedAtMs >= beforeMs) return
      this.#endedAtMs.delete(pid)
      this.#owners.delete(pid)
    }
  }

  forget(instance: Instance): void {
    for (const [pid, owner] of this.#owners)
      if (owner === instance) {
        this.#owners.delete(pid)
        this.#endedAtMs.delete(pid)
      }
  }

  /** Those that have not ended. */
  *living(): Generator<readonly [pid: number, owner: Instance]> {
    for (const entry of this.#owners) if (!this.#endedAtMs.has(entry[0])) yield entry
  }

  get size(): number {
    return this.#owners.size
  }
}
