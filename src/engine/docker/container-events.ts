/** The engine's event stream, always drained: a reader that stalls slows the whole engine down and loses events. */
import { z } from 'zod'
import type { Clock } from '../../system/clock.ts'
import type { DockerClient } from './docker-client.ts'
import { jsonLines } from './json-lines.ts'
import { label } from './labels.ts'

export interface ContainerEvent {
  readonly id: string
  readonly name: string
  /** `start`, `die`, `exec_create: /bin/sh` and so on. */
  readonly action: string
  readonly atMs: number
  readonly labels: Readonly<Record<string, string>>
}

export interface EventListener {
  /** A connection stands; what happened before it was not heard. */
  connected(): void
  event(event: ContainerEvent): void
}

const firstDelayMs = 100
const longestDelayMs = 5000

/** Reports on `owner`'s containers until `signal` aborts, and reconnects for as long as that takes. */
export async function followEvents(
  client: DockerClient,
  owner: string,
  clock: Clock,
  listener: EventListener,
  signal: AbortSignal,
): Promise<void> {
  let delayMs = firstDelayMs
  while (!signal.aborted) {
    try {
      await followOnce(
        client,
        owner,
        clock,
        { ...listener, connected: () => ((delayMs = firstDelayMs), listener.connected()) },
        signal,
      )
    } catch {
      // Whatever broke the connection, the answer is another one; the next look at the engine says what is wrong.
    }
    await clock.sleep(delayMs, signal).catch(() => {})
    delayMs = Math.min(delayMs * 2, longestDelayMs)
  }
}

async function followOnce(
  client: DockerClient,
  owner: string,
  clock: Clock,
  listener: EventListener,
  signal: AbortSignal,
): Promise<void> {
  // The engine answers a moment before it subscribes; with a time given it repeats what fell in between.
  const since = (clock.now() / 1000).toFixed(3)
  const filters = JSON.stringify({ type: ['container'], label: [`${label.owner}=${owner}`] })
  const stream = await client.stream('readEvents', { query: { since, filters }, signal })
  listener.connected()
  for await (const value of jsonLines(stream)) {
    const { data } = eventMessage.safeParse(value)
    if (data) listener.event(containerEvent(data))
  }
}

const eventMessage = z.object({
  Action: z.string(),
  /** In nanoseconds; as a number, good to a microsecond. */
  timeNano: z.number(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()) }),
})

/** Attributes hold the container's labels beside `name`, `image`, `exitCode` and the like. */
function containerEvent({ Action, Actor, timeNano }: z.infer<typeof eventMessage>): ContainerEvent {
  const { ID, Attributes } = Actor
  return {
    id: ID,
    name: Attributes['name'] ?? '',
    action: Action.slice(0, 200),
    atMs: timeNano / 1e6,
    labels: Attributes,
  }
}
