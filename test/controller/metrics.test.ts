/** What `/metrics` shows of a controller, and that dashboard and alerts ask for nothing else. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { createApi } from '../../src/api/api.ts'
import { exposition } from '../../src/api/exposition.ts'
import { ReactionHistogram } from '../../src/controller/guard-figures.ts'
import { metricFamilies, type MetricsSnapshot } from '../../src/controller/metrics.ts'
import { senseLayers } from '../../src/model/touch.ts'
import { type ParsedFamily, parseExposition } from './parse-exposition.ts'
import {
  badImage,
  by,
  clock,
  controller,
  image,
  live,
  machine,
  openWorld,
  result,
  scope,
  stack,
  up,
} from './small-world.ts'

const examples = resolve(import.meta.dirname, '../../examples')

beforeEach(openWorld)

async function scrape(): Promise<ReadonlyMap<string, ParsedFamily>> {
  const response = await createApi(controller, '1.0.0').request('/metrics')
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4')
  return parseExposition(await response.text())
}

async function valueOf(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number | undefined> {
  const samples = (await scrape()).get(name)?.samples ?? []
  const found = samples.filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
  expect(found.length).toBeLessThan(2)
  return found[0]?.value
}

const web = { ...scope, service: 'web' }

test('a controller that has nothing to do has its families already, each described', async () => {
  const families = await scrape()
  expect(families.size).toBeGreaterThanOrEqual(30)
  expect(families.get('repave_fleet_desired_instances')?.samples).toEqual([])
  expect(families.get('repave_taints_total')).toMatchObject({ type: 'counter', samples: [] })
  expect(families.get('repave_reaction_seconds')?.samples.length).toBe(3 * 16)
  expect(await valueOf('repave_engine_up')).toBe(1)
  expect(await valueOf('repave_controller_start_time_seconds')).toBe(1_000)
})

test('fleets are told of by their states, their floor and their ages', async () => {
  await result(up(stack({ standby: 1 })))
  await clock.advance(60_000)
  expect(await valueOf('repave_fleet_desired_instances', web)).toBe(3)
  expect(await valueOf('repave_fleet_ready_instances', web)).toBe(3)
  expect(await valueOf('repave_fleet_serving_instances', web)).toBe(3)
  expect(await valueOf('repave_fleet_standby_instances', web)).toBe(1)
  expect(await valueOf('repave_fleet_instances', { ...web, state: 'ready' })).toBe(3)
  expect(await valueOf('repave_fleet_instances', { ...web, state: 'exited' })).toBe(0)
  expect(await valueOf('repave_fleet_disruption_budget_instances', web)).toBe(0)
  const age = await valueOf('repave_fleet_oldest_serving_age_seconds', web)
  expect(age).toBeGreaterThanOrEqual(60)
  await clock.advance(10_000)
  expect(await valueOf('repave_fleet_oldest_serving_age_seconds', web)).toBeCloseTo(age! + 10)
})

test('those that are left as they are, since the sensor is suspected, are shown', async () => {
  await result(up(stack({ replicas: 10 })))
  for (const name of live().slice(0, 4)) machine.touch(name)
  await clock.advance(2_000)
  const byState = (await scrape()).get('repave_fleet_instances')?.samples ?? []
  const marked = byState.filter(({ labels, value }) => labels['state'] === 'cordoned' && value > 0)
  expect(marked).toHaveLength(1)
  expect(byState.reduce((sum, { value }) => sum + value, 0)).toBe(live().length)
})

test('rollouts are counted by how they end, and one that runs is shown', async () => {
  await result(up(stack()))
  expect(await valueOf('repave_rollouts_total', { ...web, state: 'succeeded' })).toBe(1)
  expect(await valueOf('repave_rollouts_total', { ...web, state: 'aborted' })).toBe(0)
  image('web:bad', { healthyAfterMs: null })
  const bad = result(up(stack({ image: badImage })))
  await clock.advance(2_000)
  expect(await valueOf('repave_rollout_running', web)).toBe(1)
  expect(await valueOf('repave_rollout_stage', web)).toBe(1)
  await bad
  expect(await valueOf('repave_rollout_running', web)).toBe(0)
  expect(await valueOf('repave_rollout_stage', web)).toBe(0)
  expect(await valueOf('repave_rollouts_total', { ...web, state: 'aborted' })).toBe(1)
  expect(await valueOf('repave_refusals', scope)).toBe(1)
})

test('what is recorded, published and told is counted', async () => {
  await result(up(stack()))
  await clock.advance(5_000)
  const recorded = await valueOf('repave_ledger_entries')
  expect(recorded).toBeGreaterThan(10)
  expect(await valueOf('repave_ledger_published_entries')).toBe(recorded)
  expect(await valueOf('repave_notifications_pending')).toBe(0)
  expect(await valueOf('repave_notifications_total', { outcome: 'told' })).toBe(0)
})

test('a controller that sees nothing says so', async () => {
  await result(up(stack()))
  machine.reachable = false
  await clock.advance(15_000)
  expect(await valueOf('repave_engine_up')).toBe(0)
  expect(await valueOf('repave_fleet_desired_instances', web)).toBe(3)
  machine.reachable = true
  await clock.advance(15_000)
  expect(await valueOf('repave_engine_up')).toBe(1)
})

test('what is taken down is shown no more', async () => {
  await result(up(stack()))
  await result(controller.down({ ...scope, by }))
  expect(await valueOf('repave_fleet_desired_instances', web)).toBeUndefined()
})

test('what the guard has seen is shown', async () => {
  const reactions = new ReactionHistogram()
  for (const ms of [0.5, 7, 30, 20_000]) reactions.note('clean', ms)
  const key = { ...scope, service: 'web' }
  const snapshot: MetricsSnapshot = {
    startedAtMs: 0,
    fleets: [],
    rollout: () => undefined,
    ended: [],
    exposureMs: () => undefined,
    refusals: [],
    sees: { engine: true, router: true },
    lanes: [],
    ledger: { recorded: 0, published: 0 },
    notices: { pending: 2, told: 3, givenUp: 1 },
    guard: {
      taints: [{ kind: 'exec', layer: 'events', count: 2 }],
      reactions: reactions.samples(),
      overdue: [{ ...key, count: 1 }],
      escalations: [],
      senses: senseLayers.map((layer) => ({ layer, state: layer === 'mounts' ? 'missing' : 'works', detail: 'x' })),
    },
  }
  const families = parseExposition((await exposition(metricFamilies(snapshot))).text)
  const samples = (name: string) => families.get(name)?.samples ?? []
  expect(samples('repave_taints_total')).toEqual([
    { name: 'repave_taints_total', labels: { kind: 'exec', layer: 'events' }, value: 2 },
  ])
  const buckets = samples('repave_reaction_seconds').filter(({ labels }) => labels['until'] === 'clean')
  const atMost = (le: string) => buckets.find(({ labels }) => labels['le'] === le)?.value
  expect([atMost('0.001'), atMost('0.01'), atMost('0.05'), atMost('10'), atMost('+Inf')]).toEqual([1, 2, 3, 3, 4])
  expect(buckets.find(({ name }) => name.endsWith('_sum'))?.value).toBeCloseTo(20.0375)
  expect(samples('repave_sensor_up').filter(({ value }) => value === 0)).toHaveLength(1)
  expect(samples('repave_notifications_pending')[0]?.value).toBe(2)
})

test('the dashboard and the alerts ask only for what there is', async () => {
  const families = await scrape()
  const dashboard = await readFile(resolve(examples, 'grafana/repave.json'), 'utf8')
  const alerts = await readFile(resolve(examples, 'prometheus/repave-alerts.yml'), 'utf8')
  const asked = [...dashboard.matchAll(/repave_[a-z_]+/g), ...JSON.stringify(parse(alerts)).matchAll(/repave_[a-z_]+/g)]
  const names = new Set(asked.map(([name]) => name.replace(/_(?:bucket|sum|count)$/, '')))
  expect(names.size).toBeGreaterThan(20)
  expect([...names].filter((name) => !families.has(name))).toEqual([])
  // And shows everything that there is.
  expect([...families.keys()].filter((name) => !dashboard.includes(name))).toEqual([])
})
