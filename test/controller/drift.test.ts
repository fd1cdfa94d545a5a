/** `drift`: what it finds, what it calls it, and that it changes nothing. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DriftFinding } from '../../src/model/report.ts'
import {
  clock,
  controller,
  engine,
  fleet,
  live,
  machine,
  openWorld,
  passing,
  proxy,
  result,
  scope,
  stack,
  store,
  up,
} from './small-world.ts'

beforeEach(async () => {
  await openWorld()
  await result(up(stack()))
  await clock.advance(1_000)
})
afterEach(() => controller.stop())

const look = async () => (await passing(controller.drift(scope))).findings
const ids = async () => (await look()).map(({ id }) => id)
const first = () => live()[0]!

/** The loop does not get to mend it before it is looked at. */
const findings = async (): Promise<readonly DriftFinding[]> => (await controller.drift(scope)).findings

function readdress(instance: string): void {
  const [key, server] = [...proxy.servers].find(([, each]) => each.instance === instance)!
  proxy.servers.set(key, { ...server, address: { host: '10.9.9.9', port: 1 } })
}

test('a fleet that is as declared has no drift', async () => {
  expect(await controller.drift(scope)).toEqual({ ...scope, findings: [] })
})

describe('of the fleet', () => {
  test('an altered instance is named with what was altered', async () => {
    machine.alter(first(), { resources: { cpuMillis: 500, memoryBytes: 1 << 27, pids: 77 } })
    expect(await findings()).toMatchObject([
      { id: `instance.altered:${first()}`, kind: 'instance', actual: 'resources.pids: 64 → 77' },
    ])
  })

  test('a paused one', async () => {
    machine.pause(first())
    expect((await findings()).map(({ id }) => id)).toContain(`instance.paused:${first()}`)
  })

  test('one that has ended, and what is missing', async () => {
    machine.die(first())
    expect((await findings()).map(({ id }) => id)).toEqual(
      expect.arrayContaining([`instance.exited:${first()}`, 'instance.missing:shop/production/web']),
    )
  })

  test('one more than was ever asked for', async () => {
    const [order] = [...machine.instances].map((instance) => instance.order)
    for (const extra of [7, 8]) {
      const name = `shop-production-web-${order!.version.slice(0, 8)}-${extra}`
      await engine.create({ ...order!, name })
      await engine.start(name)
    }
    expect(await findings()).toMatchObject([{ id: 'instance.surplus:shop/production/web', expected: 'at most 4' }])
  })

  test('a server without an instance, and one that is missing', async () => {
    const [key, server] = [...proxy.servers][0]!
    proxy.servers.delete(key)
    proxy.servers.set('ghost', { ...server, instance: 'ghost' })
    expect((await findings()).map(({ id }) => id).toSorted()).toEqual([
      'server.missing:'.concat(server.instance),
      'server.surplus:ghost',
    ])
  })

  test('a route that the router has lost', async () => {
    proxy.services = proxy.services.map((service) => ({ ...service, routes: [] }))
    expect((await findings()).map(({ id }) => id)).toContainEqual(expect.stringMatching(/^route\.missing:http/))
  })

  test('a share of the requests that nobody decided', async () => {
    proxy.splits.set('shop.production.web', 300)
    expect(await findings()).toMatchObject([{ id: 'server.share:shop/production/web', actual: '300 of 1000' }])
  })
})

test("a server at another address than its instance's is named, and mended", async () => {
  readdress(first())
  expect(await findings()).toMatchObject([
    { id: `server.address:${first()}`, expected: expect.stringMatching(/^10\.0\.0\.\d+:8080$/), actual: '10.9.9.9:1' },
  ])
  const before = live()
  await clock.advance(11_000)
  expect(await ids()).toEqual([])
  expect([...proxy.servers.values()].map(({ address }) => address.host)).not.toContain('10.9.9.9')
  expect(live()).toEqual(before)
  expect(await fleet()).toMatchObject({ ready: 3 })
})

describe('of the surroundings', () => {
  test('settings of the network, strangers in it, and instances elsewhere', async () => {
    machine.surroundings.disturb(scope, {
      deviations: [{ setting: 'internal', expected: 'false', actual: 'true' }],
      foreign: [{ kind: 'container', name: 'redis', where: 'network', detail: 'it is in the network' }],
      misplaced: [{ instance: first(), expected: 'shop/production', actual: 'bridge' }],
    })
    expect(await look()).toMatchObject([
      { id: 'network.setting:shop/production/internal', expected: 'false', actual: 'true' },
      { id: 'foreign.network:redis', remedy: expect.stringContaining('docker rm -f redis') },
      { id: `network.placement:${first()}`, actual: 'bridge', remedy: expect.stringContaining('repave replace') },
    ])
  })

  test('rules of the firewall, or why they were not looked at', async () => {
    const rule = '-A FORWARD -i br-1 -o br-1 -j DROP'
    machine.surroundings.disturb(scope, {
      firewall: { kind: 'deviates', deviations: [{ rule, state: 'missing', purpose: 'keeps them apart' }] },
    })
    expect(await look()).toMatchObject([
      {
        id: `firewall.missing:${rule}`,
        remedy: expect.stringContaining('`iptables -I FORWARD -i br-1 -o br-1 -j DROP`'),
      },
    ])
    machine.surroundings.disturb(scope, { firewall: { kind: 'unseen', why: 'no root' } })
    expect(await passing(controller.drift(scope))).toEqual({
      ...scope,
      findings: [],
      unseen: [{ what: 'firewall', why: 'no root' }],
    })
  })
})

test('what is accepted for a time is told apart', async () => {
  machine.surroundings.disturb(scope, {
    foreign: [{ kind: 'container', name: 'redis', where: 'network', detail: 'it is in the network' }],
  })
  const exceptions = [{ what: 'foreign.network:redis', reason: 'it is measured', until: '2999-12-31' }]
  expect(await passing(controller.drift({ ...scope, exceptions }))).toMatchObject({
    findings: [],
    accepted: [{ finding: { object: 'redis' }, exception: exceptions[0] }],
  })
})

test('to look is on no record and changes nothing', async () => {
  readdress(first())
  const [before, size] = [live(), await store.size()]
  await controller.drift(scope)
  expect([live(), await store.size()]).toEqual([before, size])
})
