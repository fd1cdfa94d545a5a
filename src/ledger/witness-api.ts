/** The witness over HTTP: c2sp.org/tlog-witness. */
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { asRepaveError } from '../errors.ts'
import { maxRequestBytes, sizeType } from './add-checkpoint.ts'
import { decodeText } from './encoding.ts'
import type { Witness, WitnessAnswer } from './witness.ts'

/** Answers below its own root; a prefix is for whoever mounts it. */
export function createWitnessApi(witness: Witness): Hono {
  const api = new Hono()
  api.onError((error, context) => {
    const { message, httpStatus } = asRepaveError(error)
    return context.text(`${message}\n`, httpStatus)
  })
  const limit = bodyLimit({
    maxSize: maxRequestBytes,
    onError: (context) => context.text(`a request has at most ${maxRequestBytes} bytes\n`, 413),
  })
  api.post('/add-checkpoint', limit, async (context) => {
    const body = decodeText(new Uint8Array(await context.req.arrayBuffer()))
    if (body === undefined) return context.text('the request is not UTF-8 text\n', 400)
    return respond(context, await witness.addCheckpoint(body))
  })
  api.get('/:origin{[0-9a-f]{64}}/checkpoint', async (context) => {
    const checkpoint = await witness.latest(context.req.param('origin'))
    return checkpoint === undefined ? context.notFound() : context.text(checkpoint)
  })
  return api
}

function respond(context: Context, answer: WitnessAnswer): Response {
  switch (answer.status) {
    case 200:
      return context.text(answer.lines)
    case 409:
      return context.body(`${answer.size}\n`, 409, { 'content-type': sizeType })
    case 400:
    case 403:
    case 404:
    case 422:
      return context.text(`${answer.message}\n`, answer.status)
  }
}
