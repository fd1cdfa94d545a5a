import { setTimeout as delay } from 'node:timers/promises'

/** Polls until `condition` holds; fails, naming it, when it has not after `deadlineMs`. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 30_000,
): Promise<void> {
  const endsAt = Date.now() + deadlineMs
  while (!(await condition())) {
    if (Date.now() > endsAt) throw new Error(`not after ${deadlineMs} ms: ${what}`)
    await delay(50)
  }
}
