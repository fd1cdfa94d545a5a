/** A finding of `drift`, with an id that stays: scripts and exceptions name it. Pure. */
import type { DriftFinding } from '../model/report.ts'

interface Difference extends Pick<DriftFinding, 'expected' | 'actual' | 'remedy'> {
  /** Absent: what was expected, and what there is. */
  readonly message?: string
}

/** `aspect`: the kind and what about it, `server.address`. */
export function finding(
  aspect: `${DriftFinding['kind']}.${string}`,
  object: string,
  { message, expected, actual, remedy }: Difference,
): DriftFinding {
  const kind = kinds.find((each) => aspect.startsWith(`${each}.`)) ?? 'instance'
  const words = message ?? `is ${actual}, where ${expected} is expected`
  return { id: `${aspect}:${object}`, kind, object, message: words, expected, actual, remedy }
}

const kinds = ['instance', 'route', 'server', 'network', 'foreign', 'firewall', 'exception'] as const
