/** The controller's HTTP API: one route for each command. */
import { Readable } from 'node:stream'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { ZodType } from 'zod'
import type { Commands } from '../controller/commands.ts'
import { fromReport, RepaveError } from '../errors.ts'
import type { ProgressReport } from '../model/report.ts'
import { exposition } from './exposition.ts'
import { followBody, linesType, workBody } from './lines.ts'
import { invalidRequest, problemResponse, reportOf } from './problem.ts'
import {
  downSchema,
  driftSchema,
  eventsSchema,
  evidenceSchema,
  liftSchema,
  logsSchema,
  planSchema,
  refuseSchema,
  acknowledgeSchema,
  repaveSchema,
  replaceSchema,
  rollbackSchema,
  scopeSchema,
  statusSchema,
  steerSchema,
  upSchema,
  versionsSchema,
} from './schemas.ts'
import { versionHeader } from './version.ts'

/** A stack of 1,000 services takes about 1 MiB. */
const maxBodyBytes = 16 * 1024 * 1024

/**
 * Answers are JSON, or NDJSON where something runs or is followed; errors are problem responses.
 *
 * Work that was accepted goes on without its client; a `logs` or `events` that is followed ends with it.
 */
export function createApi(commands: Commands, version: string): Hono {
  const api = new Hono()
  api.use(async (context, next) => {
    await next()
    context.header(versionHeader, version)
  })
  api.use(bodyLimit({ maxSize: maxBodyBytes, onError: () => problemResponse(tooLarge()) }))
  api.onError((error) => problemResponse(error))
  api.notFound((context) => problemResponse(unknownRoute(context)))

  api.get('/v1/controller', (context) => context.json(commands.info()))
  api.get('/metrics', async (context) => {
    const { contentType, text } = await exposition(await commands.metrics())
    return context.body(text, 200, { 'content-type': contentType })
  })
  api.get('/v1/status', async (context) => context.json(await commands.status(query(context, statusSchema))))
  api.get('/v1/drift', async (context) => context.json(await commands.drift(query(context, scopeSchema))))
  // With exceptions, which are too long for a query; it changes nothing either.
  api.post('/v1/drift', async (context) => context.json(await commands.drift(await body(context, driftSchema))))
  api.get('/v1/versions', async (context) => {
    const { service, ...scope } = query(context, versionsSchema)
    return context.json(await commands.versions(scope, service))
  })
  api.get('/v1/accesses', async (context) => context.json(await commands.accesses(query(context, scopeSchema))))
  api.get('/v1/refusals', async (context) => context.json(await commands.refusals(query(context, scopeSchema))))
  api.get('/v1/evidence', async (context) => context.json(await commands.evidence(query(context, statusSchema))))
  api.get('/v1/evidence/bundle', async (context) =>
    bytesResponse(await commands.readEvidence(query(context, evidenceSchema).digest)),
  )
  api.post('/v1/plan', async (context) => context.json(await commands.plan(await body(context, planSchema))))

  api.post('/v1/up', async (context) => work(commands.up(await body(context, upSchema), context.req.raw.signal)))
  api.post('/v1/rollback', async (context) =>
    work(commands.rollback(await body(context, rollbackSchema), context.req.raw.signal)),
  )
  api.post('/v1/refuse', async (context) => context.json(await commands.refuse(await body(context, refuseSchema))))
  api.post('/v1/refuse/lift', async (context) => context.json(await commands.lift(await body(context, liftSchema))))
  api.post('/v1/recall', async (context) =>
    work(commands.recall(await body(context, refuseSchema), context.req.raw.signal)),
  )
  api.post('/v1/replace', async (context) =>
    work(commands.replace(await body(context, replaceSchema), context.req.raw.signal)),
  )
  api.post('/v1/repave', async (context) =>
    work(commands.repave(await body(context, repaveSchema), context.req.raw.signal)),
  )
  api.post('/v1/acknowledge', async (context) =>
    context.json(await commands.acknowledge(await body(context, acknowledgeSchema))),
  )
  api.post('/v1/down', async (context) => work(commands.down(await body(context, downSchema), context.req.raw.signal)))

  api.post('/v1/rollout', async (context) => work(commands.steer(await body(context, steerSchema))))

  api.get('/v1/logs', (context) => {
    const request = query(context, logsSchema)
    return follow((signal) => commands.logs(request, signal))
  })
  api.get('/v1/events', (context) => {
    const { follow: goOn, ...filter } = query(context, eventsSchema)
    return follow((signal) => commands.events(filter, goOn ?? false, signal))
  })
  return api
}

/** A problem response when the request is refused outright, else its progress as it comes. */
async function work(reports: AsyncIterable<ProgressReport>): Promise<Response> {
  const iterator = reports[Symbol.asyncIterator]()
  const first = await iterator.next()
  if (!first.done && first.value.kind === 'error') {
    await iterator.return?.()
    return problemResponse(fromReport(first.value.error))
  }
  return linesResponse(workBody(startingWith(first, iterator), (error) => ({ kind: 'error', error: reportOf(error) })))
}

async function* startingWith<T>(first: IteratorResult<T>, rest: AsyncIterator<T>): AsyncIterable<T> {
  for (let next = first; !next.done; next = await rest.next()) yield next.value
}

function follow(open: (signal: AbortSignal) => AsyncIterable<unknown>): Response {
  return linesResponse(followBody(open, reportOf))
}

function bytesResponse(content: Readable): Response {
  return new Response(Readable.toWeb(content), { headers: { 'content-type': 'application/octet-stream' } })
}

function linesResponse(stream: ReadableStream<Uint8Array>): Response {
  return new Response(stream, { headers: { 'content-type': linesType } })
}

async function body<T>(context: Context, schema: ZodType<T>): Promise<T> {
  return parse(schema, await json(context))
}

function query<T>(context: Context, schema: ZodType<T, Record<string, unknown>>): T {
  return parse(schema, context.req.query())
}

function parse<T>(schema: ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (!result.success) throw invalidRequest(result.error)
  return result.data
}

async function json(context: Context): Promise<unknown> {
  try {
    return await context.req.json()
  } catch (error) {
    throw new RepaveError('USAGE', 'the request is not JSON', { hint: 'send a JSON body', cause: error })
  }
}

function tooLarge(): RepaveError {
  return new RepaveError('FILE_TOO_LARGE', `the request is larger than ${maxBodyBytes / 1024 / 1024} MiB`, {
    hint: 'split the stack',
  })
}

function unknownRoute(context: Context): RepaveError {
  return new RepaveError('USAGE', `the API has no ${context.req.method} ${context.req.path}`, {
    hint: 'is the client of the same version?',
  })
}
