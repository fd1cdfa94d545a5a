// A service to try Repave with: answers GET and POST with its greeting and the instance that says it.
//
// FAULT breaks it on purpose: `unhealthy` never passes its health check, `crash` ends right after its start,
// `slow-start` is unhealthy for ten seconds, `deaf` ignores SIGTERM, `errors` answers every request with 500, and
// `errors:2` two of a hundred.
import { createServer } from 'node:http'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'

const { GREETING = 'Hello', FAULT = '', PORT = '8080' } = process.env
const [fault, percent = '100'] = FAULT.split(':')
const startedAt = Date.now()
const slowStartMs = 10_000
let requests = 0

if (fault === 'crash') {
  console.error('cannot go on: FAULT is crash')
  process.exit(70)
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost')
  response.setHeader('x-greeting', encodeURIComponent(GREETING))
  response.setHeader('x-instance', hostname())
  if (url.pathname === '/healthz') return response.writeHead(isHealthy() ? 200 : 503).end()
  const received = await countBytes(request)
  await delay(Math.min(Number(url.searchParams.get('delayMs') ?? 0), 60_000))
  requests += 1
  if (fails(requests)) return response.writeHead(500).end()
  const thanks = request.method === 'POST' ? `, thanks for ${received} bytes` : ''
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' })
  response.end(`${GREETING} from ${hostname()}${thanks}\n`)
})

server.keepAliveTimeout = 65_000
server.listen(Number(PORT), () => console.log(`listening on ${PORT}`))

process.on('SIGTERM', () => {
  if (fault === 'deaf') return console.log('SIGTERM ignored')
  console.log('SIGTERM: finishing requests')
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})

function isHealthy() {
  if (fault === 'unhealthy') return false
  return fault !== 'slow-start' || Date.now() - startedAt > slowStartMs
}

/** Evenly spread, so that any hundred in a row have as many. */
function fails(number) {
  return fault === 'errors' && (number * percent) % 100 < percent
}

async function countBytes(stream) {
  let bytes = 0
  for await (const chunk of stream) bytes += chunk.length
  return bytes
}
