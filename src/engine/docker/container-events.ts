/** The engine's event stream, always drained: a reader that stalls slows the whole engine down and loses events. */
import { z } from 'zod'
import type { Clock } from '../../system/clock.ts'
import type { DockerClient } from './docker-client.ts'
import { jsonLines } from './json-lines.ts'
import { label } from './labels.ts'

export interface ContainerEvent {
  readonly kind: 'container'
  readonly id: string
  /** The one that it has now. */
  readonly name: string
  /** `start`, `die`, `exec_create: /bin/sh` and so on. */
  readonly action: string
  readonly atMs: number
  /** The container's labels, beside what there is to say of the event: `signal`, `oldName`, `exitCode`. */
  readonly attributes: Readonly<Record<string, string>>
}

/** Whosever the container is: the engine doesn't say. */
export interface NetworkEvent {
  readonly kind: 'network'
  readonly action: 'connect' | 'disconnect'
  readonly network: string
  readonly containerId: string
  readonly atMs: number
}

export interface EventListener {
  /** A connection stands; what happened before it was not heard. */
  connected(): void
  event(event: ContainerEvent | NetworkEvent): void
}

const firstDelayMs = 100
const longestDelayMs = 5000

/** Reports on `owner`'s containers, and on what joins or leaves a network, until `signal` aborts, and reconnects for as long as that takes. */
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
  // Events of networks have no labels, so that a filter by label would hold them back.
  const filters = JSON.stringify({ type: ['container', 'network'] })
  const stream = await client.stream('readEvents', { query: { since, filters }, signal })
  listener.connected()
  for await (const value of jsonLines(stream)) {
    const event = readEvent(value, owner)
    if (event) listener.event(event)
  }
}

/** Undefined for what the driver has no use for. */
export function readEvent(value: unknown, owner: string): ContainerEvent | NetworkEvent | undefined {
  const { data } = eventMessage.safeParse(value)
  if (data?.Type === 'network') return networkEvent(data)
  return data?.Actor.Attributes[label.owner] === owner ? containerEvent(data) : undefined
}

const eventMessage = z.object({
  Type: z.enum(['container', 'network']),
  Action: z.string(),
  /** In nanoseconds; as a number, good to a microsecond. */
  timeNano: z.number(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()) }),
})

type EventMessage = z.infer<typeof eventMessage>

function containerEvent({ Action, Actor, timeNano }: EventMessage): ContainerEvent {
  const { ID, Attributes } = Actor
  return {
    kind: 'container',
    id: ID,
    name: Attributes['name'] ?? '',
    action: Action.slice(0, 200),
    atMs: timeNano / 1e6,
    attributes: Attributes,
  }
}

function networkEvent({ Action, Actor, timeNano }: EventMessage): NetworkEvent | undefined {
  const { name: network = '', container: containerId } = Actor.Attributes
  if (containerId === undefined || (Action !== 'connect' && Action !== 'disconnect')) return undefined
  return { kind: 'network', action: Action, network, containerId, atMs: timeNano / 1e6 }
}
