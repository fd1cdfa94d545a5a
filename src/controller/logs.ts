/** `logs`: the output of all instances of a service, in one stream; followed over replacements. */
import { PassThrough } from 'node:stream'
import type { LogLine } from '../engine/engine.ts'
import type { LogsRequest } from './commands.ts'
import type { Desk } from './desk.ts'
import { own } from '../model/own.ts'

/** How often a follower looks for instances that are new. */
const lookMs = 500

export async function* serviceLogs(desk: Desk, request: LogsRequest, signal: AbortSignal): AsyncIterable<LogLine> {
  if (names(desk, request).length === 0 && !isReleased(desk, request))
    throw desk.unknownService(request, request.service)
  if (request.follow) yield* followed(desk, request, signal)
  else yield* written(desk, request, signal)
}

/** What was written so far, in the order of time. */
async function* written(desk: Desk, { tail, ...request }: LogsRequest, signal: AbortSignal): AsyncIterable<LogLine> {
  const limit = tail === undefined ? {} : { tail }
  const lines = await Promise.all(
    names(desk, request).map((name) =>
      Array.fromAsync(desk.seams.engine.logs(name, { ...limit, signal })).catch(() => []),
    ),
  )
  yield* lines.flat().toSorted((a, b) => a.atMs - b.atMs)
}

async function* followed(desk: Desk, request: LogsRequest, signal: AbortSignal): AsyncIterable<LogLine> {
  const merged = new PassThrough({ objectMode: true, highWaterMark: 1_000 })
  const ended = new AbortController()
  const until = AbortSignal.any([signal, ended.signal])
  until.addEventListener('abort', () => merged.end())
  const feeding = feed(desk, request, merged, until)
  try {
    yield* merged
  } finally {
    ended.abort()
    await feeding
  }
}

/** Joins the streams of all instances, those that come later from their first line on. */
async function feed(desk: Desk, request: LogsRequest, into: PassThrough, signal: AbortSignal): Promise<void> {
  const known = new Set<string>()
  const tail = request.tail === undefined ? {} : { tail: request.tail }
  let options: { tail?: number } = tail
  while (!signal.aborted) {
    const present = names(desk, request)
    for (const name of known) if (!present.includes(name)) known.delete(name)
    for (const name of present) {
      if (known.has(name)) continue
      known.add(name)
      void pour(desk, name, { ...options, follow: true, signal }, into)
    }
    options = {}
    await desk.seams.clock.sleep(lookMs, signal).catch(() => {})
  }
}

async function pour(
  desk: Desk,
  name: string,
  options: Parameters<Desk['seams']['engine']['logs']>[1],
  into: PassThrough,
): Promise<void> {
  try {
    for await (const line of desk.seams.engine.logs(name, options)) {
      if (into.writableEnded) return
      if (!into.write(line)) await new Promise((resolve) => into.once('drain', resolve))
    }
  } catch {
    // An instance that goes away while it is read is the normal end of its output.
  }
}

function names(desk: Desk, request: Pick<LogsRequest, 'stack' | 'environment' | 'service'>): readonly string[] {
  const fleet = desk.loop.view(request)?.fleets.find(({ key }) => key.service === request.service)
  return (fleet?.instances ?? []).filter(({ phase }) => phase !== 'gone').map(({ name }) => name)
}

function isReleased(desk: Desk, { service, ...scope }: LogsRequest): boolean {
  return own(desk.loop.decisions.of(scope)?.release.services, service) !== undefined
}
