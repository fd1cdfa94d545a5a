/** What only the Docker engine has: sandboxes made ahead, and the hazards of ending a process. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { DockerClient } from '../../src/engine/docker/docker-client.ts'
import { createDockerEngine } from '../../src/engine/docker/docker-engine.ts'
import { DockerImages } from '../../src/engine/docker/docker-images.ts'
import { GivenUp } from '../../src/engine/docker/given-up.ts'
import { SandboxPool } from '../../src/engine/docker/sandbox-pool.ts'
import { ScopeNetworks } from '../../src/engine/docker/scope-networks.ts'
import type { Engine, PreparedImage } from '../../src/engine/engine.ts'
import type { Scope } from '../../src/model/stack.ts'
import { buildRequest, setUpDocker, type DockerFixture } from './docker-fixture.ts'
import { anOrder, aScope, collect, removeScope, untilPhase } from './docker-orders.ts'

let fixture: DockerFixture
let engine: Engine
let image: PreparedImage
let scope: Scope
beforeAll(async () => {
  fixture = await setUpDocker()
  ;({ engine, image } = fixture)
})
beforeEach(() => {
  scope = aScope('sandboxes')
})
afterEach(() => removeScope(engine, scope))
afterAll(() => fixture?.cleanup())

const order = (number: number, ...more: [change?: Parameters<typeof anOrder>[4]]) =>
  anOrder(scope, image, fixture.programs.polite, number, ...more)

/** Beside the engine's own. */
function aPool(): SandboxPool {
  const client = new DockerClient(fixture.proxy.socketPath)
  const images = new DockerImages(client)
  return new SandboxPool(client, fixture.owner, new ScopeNetworks(client, fixture.owner), images, new GivenUp())
}

describe('sandboxes', () => {
  test('are made ahead, and taken', async () => {
    await engine.reserve(scope, 2)
    const reserved = await sandboxes()
    expect(reserved).toHaveLength(2)
    await Promise.all([engine.create(order(1)), engine.create(order(2))])
    expect(await usedSandboxes()).toEqual(reserved)
  })

  test('are not given up for what a look saw that was begun before they ran', async () => {
    const pool = aPool()
    const look = pool.beginLook()
    await pool.reserve(scope, 1)
    const [id = ''] = await sandboxes()
    const asMade = { id, name: '', scope, isRunning: false, isUsed: false }
    pool.reconcile([asMade], look)
    expect(pool.spares(scope)).toBe(1)
    pool.reconcile([asMade], pool.beginLook())
    expect(pool.spares(scope)).toBe(0)
    await pool.drain(scope, [])
  })

  test('are not adopted from a look that was begun before they were removed, and are dropped once they are gone', async () => {
    const pool = aPool()
    await pool.reserve(scope, 2)
    const seen = (await sandboxes()).map((id) => ({ id, name: '', scope, isRunning: true, isUsed: false }))
    const look = pool.beginLook()
    await pool.drain(scope, seen)
    await pool.reserve(scope, 1)
    pool.reconcile(seen, look)
    expect(await sandboxes()).toHaveLength(1)
    expect(pool.spares(scope)).toBe(1)
    pool.reconcile([], pool.beginLook())
    expect(pool.spares(scope)).toBe(0)
    await pool.drain(scope, [])
  })

  test('are told to be missing when they have died', async () => {
    await engine.reserve(scope, 2)
    const [victim = ''] = await sandboxes()
    await fixture.kill(victim)
    await vi.waitFor(
      async () => expect((await engine.observe()).scopes).toContainEqual({ ...scope, spares: 1 }),
      10_000,
    )
    await engine.reserve(scope, 2)
    expect(await sandboxes()).toHaveLength(2)
  })

  test('are never shared', async () => {
    await engine.reserve(scope, 1)
    await Promise.all([1, 2, 3].map((number) => engine.create(order(number))))
    expect(new Set(await usedSandboxes()).size).toBe(3)
  })

  test('come back into the reserve when their instance goes, or are removed', async () => {
    await engine.reserve(scope, 1)
    await Promise.all([engine.create(order(1)), engine.create(order(2))])
    await Promise.all([engine.start(order(1).name), engine.start(order(2).name)])
    const taken = await usedSandboxes()
    await engine.destroy(order(1).name, 0)
    await engine.destroy(order(2).name, 0)
    await vi.waitFor(async () => expect(await sandboxes()).toHaveLength(1), 10_000)
    const [kept] = await sandboxes()
    expect(taken).toContain(kept)
    await engine.create(order(3))
    expect(await usedSandboxes()).toEqual([kept])
  })

  test('do not come back from an instance that could have changed them', async () => {
    await engine.reserve(scope, 1)
    const before = await sandboxes()
    const hardening = { ...order(1).spec.hardening, capabilities: ['NET_ADMIN'] }
    await engine.create(order(1, { hardening }))
    await engine.destroy(order(1, { hardening }).name, 0)
    await vi.waitFor(async () => expect(await sandboxes()).not.toContain(before[0]), 10_000)
  })

  test('that died are not handed out', async () => {
    await engine.reserve(scope, 1)
    const [dead] = await sandboxes()
    await fixture.outsider.post(`/containers/${dead}/kill`)
    await engine.create(order(1))
    await engine.start(order(1).name)
    expect(await untilPhase(engine, order(1).name, 'running')).toHaveProperty('address')
    expect(await usedSandboxes()).not.toContain(dead)
  })

  test('that died before their instance ran are replaced, and the instance with them', async () => {
    await engine.create(order(1))
    const [dead] = await usedSandboxes()
    await fixture.outsider.post(`/containers/${dead}/kill`)
    await engine.start(order(1).name)
    const instance = await untilPhase(engine, order(1).name, 'running')
    expect(instance).toMatchObject({ version: order(1).version, address: { port: 8080 } })
  })

  test('left by an earlier controller are taken over or removed', async () => {
    await engine.create(order(1))
    await engine.reserve(scope, 2)
    expect(await sandboxes()).toHaveLength(3)
    const next = fixture.nextLife()
    await next.observe({ fresh: true })
    await vi.waitFor(async () => expect(await sandboxes()).toEqual(await usedSandboxes()), 10_000)
    await next.destroy(order(1).name, 0)
    await next.retire(scope)
    expect(await sandboxes()).toEqual([])
  })

  test('whose instance somebody else removed are removed', async () => {
    await engine.create(order(1))
    await fixture.outsider.delete(`/containers/${order(1).name}?force=1`)
    await engine.observe()
    await vi.waitFor(async () => expect(await sandboxes()).toEqual([]), 10_000)
  })

  test('that die are an event of their instance', async () => {
    await engine.create(order(1))
    await engine.start(order(1).name)
    await engine.observe()
    const changes: string[] = []
    const watching = new AbortController()
    let isConnected = false
    const watch = engine.watch((event) => {
      if (event.kind === 'lost') isConnected = true
      else changes.push(event.instance)
    }, watching.signal)
    try {
      await vi.waitFor(() => expect(isConnected).toBe(true), 10_000)
      const [sandbox] = await usedSandboxes()
      await fixture.outsider.post(`/containers/${sandbox}/kill`)
      await vi.waitFor(() => expect(changes).toContain(order(1).name), 10_000)
    } finally {
      watching.abort()
      await watch
    }
  })
})

describe('an instance', () => {
  test('that can not hear the signal is not waited for', async () => {
    const deaf = anOrder(scope, image, ['/bin/busybox', 'sleep', '3600'], 1)
    await engine.create(deaf)
    await engine.start(deaf.name)
    const before = fixture.proxy.requestLines.length
    await engine.destroy(deaf.name, 60_000)
    const calls = fixture.proxy.requestLines.slice(before).filter((line) => /kill|wait/.test(line))
    expect(calls).toEqual([])
  })

  test('that runs out of memory says so', async () => {
    const script = 'x=x; while :; do x=$x$x; done'
    const greedy = anOrder(scope, image, ['/bin/busybox', 'sh', '-c', script], 1)
    await engine.create(greedy)
    await engine.start(greedy.name)
    const { exit } = await untilPhase(engine, greedy.name, 'exited')
    expect(exit).toMatchObject({ outOfMemory: true })
  })

  test('that is paused can be destroyed', async () => {
    await engine.create(order(1))
    await engine.start(order(1).name)
    await fixture.outsider.post(`/containers/${order(1).name}/pause`)
    await engine.destroy(order(1).name, 500)
    expect((await engine.observe()).instances).toEqual([])
  })

  test('gets the environment of its version and none of its image', async () => {
    const named = anOrder(scope, image, ['/bin/busybox', 'env'], 1, { environment: { PATH: '/bin', MINE: 'a b' } })
    await engine.create(named)
    await engine.start(named.name)
    await untilPhase(engine, named.name, 'exited')
    const lines = (await collect(engine.logs(named.name))).map(({ text }) => text)
    expect(lines).toEqual(expect.arrayContaining(['PATH=/bin', 'MINE=a b']))
    expect(lines.filter((line) => line.startsWith('GREETING'))).toEqual([])
  })

  test('does not get a volume', async () => {
    const tag = `localhost:1/repave-volume-${scope.stack}:1`
    const Dockerfile = 'FROM localhost:1/repave-contract:1\nVOLUME /data\n'
    const withVolume = await engine.prepare(buildRequest(tag, { Dockerfile }))
    expect(withVolume.volumes).toEqual(['/data'])
    try {
      const refused = anOrder(scope, withVolume, fixture.programs.polite, 1)
      await expect(engine.create(refused)).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
      const covered = anOrder(scope, withVolume, fixture.programs.polite, 2, { tmpfs: ['/data'] })
      await engine.create(covered)
      expect(await fixture.outsider.get(`/containers/${covered.name}/json`)).toMatchObject({ Mounts: [] })
      await engine.destroy(covered.name, 0)
    } finally {
      await fixture.outsider.delete(`/images/${tag}`)
    }
  })
})

describe('an engine', () => {
  test('that is not there is named, with what to do', async () => {
    const absent = createDockerEngine({ owner: 'test', socketPath: '/nonexistent/docker.sock' })
    await expect(absent.version()).rejects.toMatchObject({
      code: 'ENGINE_MISSING',
      hint: expect.stringMatching('docker'),
    })
    await expect(absent.observe()).rejects.toMatchObject({ code: 'ENGINE_MISSING' })
  })
})

const inScope = () => encodeURIComponent(JSON.stringify({ label: [`repave.stack=${scope.stack}`] }))

async function sandboxes(): Promise<string[]> {
  const containers = await fixture.outsider.list(`/containers/json?all=1&filters=${inScope()}`)
  return containers
    .filter(({ role }) => role === 'sandbox')
    .map(({ id }) => id)
    .toSorted()
}

async function usedSandboxes(): Promise<string[]> {
  const containers = await fixture.outsider.list(`/containers/json?all=1&filters=${inScope()}`)
  return containers
    .filter(({ role }) => role === 'instance')
    .map(({ networkMode }) => networkMode.replace('container:', ''))
    .toSorted()
}
