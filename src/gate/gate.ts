/** The gate contract: asks a monitoring system for the one number that a query of a verdict stands for. */

export interface GateQuery {
  /** Where the system is: `https://prometheus.example.com`, with a path before its API where it has one. */
  readonly url: string
  readonly query: string
}

export interface Gate {
  /**
   * The number now; undefined when there are no data, which is never a pass. Throws GATE_UNREACHABLE when it may succeed
   * later, GATE_FAILED when somebody has to mend something first, and the reason of `signal` when that aborts.
   */
  measure(query: GateQuery, signal: AbortSignal): Promise<number | undefined>
}
