/** What a real controller tells Prometheus over TCP, with HAProxy's own counts. */
import { expect, test } from 'vitest'
import { parseExposition } from '../controller/parse-exposition.ts'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { openScene } from './open-scene.ts'

test('fleets and requests are counted, and an address that is taken is refused', async () => {
  const scene = await openScene()
  const address = `127.0.0.1:${await freePort()}`
  await scene.declare({ replicas: 2 })
  const taken = await scene.repaveWith({ REPAVE_METRICS: `127.0.0.1:${scene.port}x` }, 'up')
  expect(taken).toMatchObject({ exitCode: 2, lines: [{ ok: false, code: 'USAGE' }] })
  expect((await scene.repaveWith({ REPAVE_METRICS: address }, 'up')).exitCode).toBe(0)
  await scene.answers(5)

  const scrape = async () => parseExposition(await (await fetch(`http://${address}/metrics`)).text())
  const valueOf = async (name: string, labels: Readonly<Record<string, string>> = {}) =>
    (await scrape())
      .get(name)
      ?.samples.find((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))?.value
  const web = { stack: scene.stack, environment: 'default', service: 'web' }
  expect(await valueOf('repave_fleet_serving_instances', web)).toBe(2)
  expect(await valueOf('repave_fleet_oldest_serving_age_seconds', web)).toBeGreaterThan(0)
  expect(await valueOf('repave_rollouts_total', { ...web, state: 'succeeded' })).toBe(1)
  await eventually('HAProxy has counted them', async () => {
    return (await valueOf('repave_router_responses_total', { ...web, lane: 'a', code: '2xx' })) === 5
  })
  expect(await valueOf('repave_engine_up')).toBe(1)
  expect((await fetch(`http://${address}/v1/status`)).status).toBe(404)

  const other = await openScene()
  await other.declare({ replicas: 1 })
  const refused = await other.repaveWith({ REPAVE_METRICS: address }, 'up')
  expect(refused).toMatchObject({ exitCode: 1, lines: [{ ok: false, code: 'PORT_IN_USE' }] })
})
