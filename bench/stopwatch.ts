/** How long things take, in milliseconds. */
import { spawnSync } from 'node:child_process'

export async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

/** The median time of `count` runs of a command that has to succeed. */
export function medianOfRunsMs(
  count: number,
  program: string,
  commandLine: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): number {
  const times = Array.from({ length: count }, () => {
    const startedAt = performance.now()
    const { status, stderr } = spawnSync(program, commandLine, { env: { ...process.env, ...environment } })
    if (status !== 0) throw new Error(`${program} ${commandLine.join(' ')} ended with ${status}: ${String(stderr)}`)
    return performance.now() - startedAt
  })
  return times.toSorted((a, b) => a - b)[Math.floor(count / 2)] ?? 0
}

/** Runs `work` over `items`, at most `limit` at a time. */
export async function atMost<Item>(
  limit: number,
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items]
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: limit }, worker))
}
