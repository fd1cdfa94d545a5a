/**
 * Load from a process of its own, so that it does not disturb who measures:
 * `node test/load/main.ts --url http://127.0.0.1:8080/ [--rate 300] [--method GET]... [--new-connections]
 * [--host NAME] [--timeout-ms 10000] [--seconds 10] [--traced]`.
 *
 * Writes a line `{"kind":"answering"}` at the first answer, and a line `{"kind":"report",...}` when the time is
 * over or SIGTERM arrives.
 */
import { parseArgs } from 'node:util'
import { defaultPlan, generateLoad, type LoadPlan } from './generate.ts'

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    rate: { type: 'string', default: String(defaultPlan.ratePerSecond) },
    method: { type: 'string', multiple: true, default: [...defaultPlan.methods] },
    'new-connections': { type: 'boolean', default: false },
    host: { type: 'string' },
    'timeout-ms': { type: 'string', default: String(defaultPlan.timeoutMs) },
    seconds: { type: 'string' },
    traced: { type: 'boolean', default: false },
  },
})
if (values.url === undefined) throw new Error('--url is needed: where to send requests')

const plan: LoadPlan = {
  url: values.url,
  ratePerSecond: Number(values.rate),
  methods: values.method.map((method) => (method === 'POST' ? 'POST' : 'GET')),
  connections: values['new-connections'] ? 'new' : 'keep-alive',
  timeoutMs: Number(values['timeout-ms']),
  traced: values.traced,
  ...(values.host !== undefined && { host: values.host }),
}
const end = new AbortController()
process.once('SIGTERM', () => end.abort())
process.once('disconnect', () => process.exit(1))
if (values.seconds !== undefined) setTimeout(() => end.abort(), Number(values.seconds) * 1000).unref()

const report = await generateLoad(plan, end.signal, () => writeLine({ kind: 'answering' }))
writeLine({ kind: 'report', report })
process.exitCode = report.failures.length === 0 ? 0 : 1

function writeLine(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
