/** What is wrong with a text or bytes, as a clause that goes on from their name: `has no signature of …`. */
export interface Fault {
  readonly fault: string
}

export function isFault(result: object): result is Fault {
  return 'fault' in result
}
