/** The probe contract: asks an instance, from outside, whether it can serve. */
import type { Address } from '../model/address.ts'
import type { Health } from '../model/version.ts'

/** `answer` is what was seen, for people: `HTTP 503`, `connection refused`. */
export interface ProbeResult {
  readonly healthy: boolean
  readonly answer: string
}

export interface Probe {
  /** Never throws; a timeout is an unhealthy answer. */
  probe(address: Address, health: Health, signal: AbortSignal): Promise<ProbeResult>
}
