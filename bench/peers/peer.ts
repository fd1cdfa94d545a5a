/** What is measured: Repave with some strategy, or another orchestrator. All are driven by the same code. */

export interface Peer {
  readonly name: string
  /** Makes a fleet that serves `release` (its GREETING) through a balancer; to be followed by `stop`, also when it fails. */
  start(instances: number, release: string): Promise<Entrance>
  /** Resolves when nothing goes on that the peer does before or after a change. */
  rest(): Promise<void>
  /** Replaces every instance by one of `release`; resolves when the peer says that this is done. */
  change(release: string): Promise<void>
  /** Back to the release before, the way that the peer has for that; resolves when the peer says that this is done. */
  rollBack(): Promise<void>
  /** Takes everything away that it has brought into the world by now. */
  stop(): Promise<void>
}

/** Where the load is to go. */
export interface Entrance {
  readonly url: string
  /** The file of the network namespace that has it; absent: the machine's. */
  readonly namespace?: string
}
