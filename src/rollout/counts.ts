/** What could happen to so many, and did to some of them; and what a comparison of two such makes of it. Pure. */

export interface Counts {
  readonly exposed: number
  readonly events: number
}

/** `unsure`: it looks worse, but chance may well explain it. */
export type Finding = 'worse' | 'unsure' | 'even'

export const none: Counts = { exposed: 0, events: 0 }

export function plus(a: Counts, b: Counts): Counts {
  return { exposed: a.exposed + b.exposed, events: a.events + b.events }
}
