/** A real Prometheus scrapes a controller, takes the alert rules, and answers what the dashboard asks. */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exposition } from '../../src/api/exposition.ts'
import { type MetricsServer, serveMetrics } from '../../src/api/metrics-server.ts'
import { metricFamilies, type MetricsSnapshot } from '../../src/controller/metrics.ts'
import { type TemporaryFolder, temporaryFolder } from '../../src/system/temporary-folder.ts'
import { clock, controller, openWorld, result, stack, up } from '../controller/small-world.ts'
import { eventually } from '../end-to-end/eventually.ts'
import { type Prometheus, startPrometheus } from './prometheus-process.ts'

const examples = resolve(import.meta.dirname, '../../examples')

let folder: TemporaryFolder
let metrics: MetricsServer
let prometheus: Prometheus

beforeAll(async () => {
  folder = await temporaryFolder()
  await openWorld()
  await result(up(stack()))
  await clock.advance(5_000)
  metrics = await serveMetrics('127.0.0.1:0', async () => exposition(await controller.metrics()))
  prometheus = await startPrometheus(folder, 'scraping', {
    config: configOf(join(examples, 'prometheus/repave-alerts.yml'), metrics.address),
  })
})
afterAll(async () => {
  await prometheus?.stop()
  await metrics?.close()
  await folder?.[Symbol.asyncDispose]()
})

const configOf = (ruleFile: string, target: string) => `
global: { scrape_interval: 200ms, evaluation_interval: 200ms }
rule_files: ['${ruleFile}']
scrape_configs: [{ job_name: repave, static_configs: [{ targets: ['${target}'] }] }]
`

async function ask<T>(path: string, query: Readonly<Record<string, string>> = {}, of = prometheus): Promise<T> {
  const response = await fetch(`http://${of.address}/api/v1/${path}?${new URLSearchParams(query).toString()}`)
  const answer = (await response.json()) as { status: string; error?: string; data: T }
  if (answer.status !== 'success') throw new Error(`${path} ${JSON.stringify(query)}: ${answer.error}`)
  return answer.data
}

interface Found {
  readonly result: readonly { readonly value: readonly [number, string] }[]
}

const valuesOf = async (query: string): Promise<readonly number[]> =>
  (await ask<Found>('query', { query })).result.map(({ value }) => Number(value[1]))

test('it scrapes all that is exposed', async () => {
  await eventually('the controller is scraped', async () => {
    return (await valuesOf('repave_fleet_ready_instances{service="web"}'))[0] === 3
  })
  expect(await valuesOf('up{job="repave"}')).toEqual([1])
  const scraped = await valuesOf('scrape_samples_scraped{job="repave"}')
  const { text } = await exposition(await controller.metrics())
  expect(scraped).toEqual([text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length])
})

interface Rule {
  readonly name: string
  readonly health: string
  readonly state: string
}

async function rules(of: Prometheus): Promise<readonly Rule[]> {
  const { groups } = await ask<{ readonly groups: readonly { readonly rules: readonly Rule[] }[] }>('rules', {}, of)
  return groups.flatMap((group) => group.rules)
}

test('it takes every alert rule, and none is about a healthy fleet', async () => {
  let all: readonly Rule[] = []
  await eventually('each rule was evaluated, and is silent', async () => {
    all = await rules(prometheus)
    return all.length > 0 && all.every(({ health, state }) => health === 'ok' && state === 'inactive')
  })
  expect(all.length).toBeGreaterThanOrEqual(10)
})

test('each alert fires when it should', async () => {
  let aborted = 0
  const sick = await serveMetrics('127.0.0.1:0', async () => exposition(metricFamilies(sickly((aborted += 1)))))
  const written = await readFile(join(examples, 'prometheus/repave-alerts.yml'), 'utf8')
  const impatient = await folder.write('impatient.yml', written.replaceAll(/ +for: \w+\n/g, ''))
  const watching = await startPrometheus(folder, 'watching', { config: configOf(impatient, sick.address) })
  try {
    const expected = (await rules(prometheus))
      .map(({ name }) => name)
      .filter((name) => name !== 'RepaveControllerAbsent')
    let silent: readonly string[] = expected
    await eventually('all of them fire', async () => {
      const firing = (await rules(watching)).filter(({ state }) => state === 'firing').map(({ name }) => name)
      silent = expected.filter((name) => !firing.includes(name))
      return silent.length === 0
    }).catch(() => expect(silent).toEqual([]))
    await sick.close()
    await eventually('a controller that is gone is missed', async () => {
      return (await rules(watching)).some(({ name, state }) => name === 'RepaveControllerAbsent' && state === 'firing')
    })
  } finally {
    await watching.stop()
  }
})

/** A controller of which everything is to be told. */
function sickly(aborted: number): MetricsSnapshot {
  const key = { stack: 'shop', environment: 'production', service: 'web' }
  const share = { lane: 'a', thousandths: 1000, needs: 0, isExclusive: false, held: 0 } as const
  const target = { version: null, replicas: 3, groups: [], surge: 1, floor: 3, routed: true, drainMs: 0 }
  const fleet = { key, target: { ...target, isApart: false, share }, instances: [], createAfterMs: new Map(), split: 0 }
  return {
    startedAtMs: 0,
    fleets: [fleet],
    rollout: () => undefined,
    ended: [{ ...key, state: 'aborted', count: aborted }],
    exposureMs: () => undefined,
    refusals: [],
    sees: { engine: false, router: true },
    lanes: [],
    ledger: { recorded: 2, published: 1 },
    notices: { pending: 1, told: 0, givenUp: 0 },
    guard: {
      taints: [{ kind: 'exec', layer: 'events', count: 1 }],
      reactions: [],
      overdue: [{ ...key, count: 1 }],
      escalations: [{ ...key, count: 1 }],
      senses: [{ layer: 'mounts', state: 'missing', detail: 'no mountinfo' }],
    },
  }
}

test('it can answer everything that the dashboard asks', async () => {
  const dashboard = JSON.parse(await readFile(join(examples, 'grafana/repave.json'), 'utf8'))
  const expressions: readonly string[] = dashboard.panels.flatMap(
    ({ targets = [] }: { targets?: { expr: string }[] }) => targets.map(({ expr }) => expr),
  )
  expect(expressions.length).toBeGreaterThan(30)
  for (const expression of expressions) {
    const query = expression
      .replaceAll(/\$__(?:rate_interval|range)/g, '1m')
      .replaceAll(/\$(?:stack|environment|service)/g, '.*')
    expect(query).not.toContain('$')
    await ask('query', { query })
  }
  const fleets = expressions.filter((each) => /^repave_fleet_[a-z_]+\{/.test(each))
  for (const each of fleets) expect(await valuesOf(each.replaceAll(/\$\w+/g, '.*'))).toHaveLength(1)
})
