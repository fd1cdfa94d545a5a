/** Isolation on Docker: what comes and goes, what is kept of hostile instances, and what is seen after a gap. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { Collection } from '../../src/engine/docker/collection.ts'
import { containerRecord } from '../../src/engine/docker/container-record.ts'
import { DockerClient } from '../../src/engine/docker/docker-client.ts'
import { GivenUp } from '../../src/engine/docker/given-up.ts'
import { Isolation } from '../../src/engine/docker/isolation.ts'
import type { Engine, EngineEvent, InstanceOrder } from '../../src/engine/engine.ts'
import type { Address } from '../../src/model/address.ts'
import type { EvidencePart } from '../../src/model/evidence.ts'
import type { Scope } from '../../src/model/stack.ts'
import type { VersionSpec } from '../../src/model/version.ts'
import { setUpDocker, type DockerFixture } from './docker-fixture.ts'
import { anOrder, aScope, removeScope } from './docker-orders.ts'

const deadlineMs = 20_000
/** As the touched instance sees it: a lost connection would be noticed by then. */
const silenceMs = 300

let fixture: DockerFixture
let engine: Engine
let scope: Scope
beforeAll(async () => {
  fixture = await setUpDocker()
  ;({ engine } = fixture)
})
beforeEach(() => {
  scope = aScope('isolation')
})
afterEach(() => removeScope(engine, scope))
afterAll(() => fixture?.cleanup())

function shell(script: string): readonly string[] {
  return ['/bin/busybox', 'sh', '-c', script]
}

let orders = 0
async function running(script: string, change: Partial<VersionSpec> = {}): Promise<InstanceOrder> {
  const order = anOrder(scope, fixture.image, shell(script), ++orders, change)
  await engine.create(order)
  await engine.start(order.name)
  return order
}

async function addressOf(name: string): Promise<Address> {
  const { instances } = await engine.observe()
  const address = instances.find((instance) => instance.name === name)?.address
  if (!address) throw new Error(`${name} has no address`)
  return address
}

const echo = '/bin/busybox nc -ll -p 8080 -e /bin/busybox cat'

/** A connection over which an echo has come back. */
async function echoing({ host, port }: Address): Promise<Socket> {
  return vi.waitFor(async () => {
    const socket = connect(port, host)
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(500) })
      socket.write('before\n')
      await once(socket, 'data', { signal: AbortSignal.timeout(500) })
      return socket
    } catch (error) {
      socket.destroy()
      throw error
    }
  }, deadlineMs)
}

/** Whether an echo comes back within a moment. */
async function echoes(socket: Socket): Promise<boolean> {
  socket.write('after\n')
  return once(socket, 'data', { signal: AbortSignal.timeout(silenceMs) }).then(
    () => true,
    () => false,
  )
}

describe('an isolated instance', () => {
  test('is not reached over a connection that stands, nor over a new one', async () => {
    const { name } = await running(echo)
    const address = await addressOf(name)
    const socket = await echoing(address)
    expect(await echoes(socket)).toBe(true)
    await engine.isolate(name)
    expect(await echoes(socket)).toBe(false)
    expect(await fixture.isAnswered(address)).toBe(false)
    socket.destroy()
  })

  test('reaches nothing, neither over a connection that stands nor over a new one', async () => {
    await using host = await Listener.open()
    const { gateway } = await gatewayOf()
    const { name } = await running(
      `while :; do { while :; do echo tick; /bin/busybox sleep 0.02; done; } | /bin/busybox nc -w 1 ${gateway} ${host.port}; done`,
    )
    await vi.waitFor(() => expect(host.received()).toBeGreaterThan(3), deadlineMs)
    await engine.isolate(name)
    const [bytes, connections] = [host.received(), host.connections()]
    await Promise.all([notMoreThan(host.received, bytes), notMoreThan(host.connections, connections)])
  })

  test('is cut off by the engine alone where the links can not be reached', async () => {
    const { name } = await running(echo)
    const address = await addressOf(name)
    const socket = await echoing(address)
    const { client, container } = await recordOf(name)
    const isolation = new Isolation(client, new GivenUp(), async () => false)
    await isolation.isolate(name, container)
    await isolation.isolate(name, container)
    expect(await echoes(socket)).toBe(false)
    expect(await fixture.isAnswered(address)).toBe(false)
    socket.destroy()
    const { instances } = await engine.observe({ fresh: true })
    expect(instances).toMatchObject([{ name, version: undefined }])
  })

  test('leaves its sandbox to nobody', async () => {
    const first = await running(echo)
    const before = await sandboxes()
    await engine.reserve(scope, 1)
    await engine.isolate(first.name)
    await engine.destroy(first.name, 0)
    await vi.waitFor(async () => expect(await sandboxes()).not.toContain(before[0]), deadlineMs)
    const second = await running(echo)
    ;(await echoing(await addressOf(second.name))).destroy()
  })

  test('leaves its sandbox to nobody, also in the next life of the controller', async () => {
    const { name } = await running(echo)
    await engine.reserve(scope, 1)
    const [sandbox] = await usedSandboxes()
    await engine.isolate(name)
    const next = fixture.nextLife()
    await next.reserve(scope, 2)
    await next.destroy(name, 0)
    await vi.waitFor(async () => expect(await sandboxes()).not.toContain(sandbox), deadlineMs)
  })

  test('stays isolated when somebody connects it again', async () => {
    const watching = new AbortController()
    const watch = engine.watch(() => {}, watching.signal)
    const other = await fixture.outsider.post('/networks/create', { Name: `repave-test-${crypto.randomUUID()}` })
    try {
      const { name } = await running(echo)
      await engine.isolate(name)
      const [sandbox = ''] = await usedSandboxes()
      const body = { Container: sandbox }
      await fixture.outsider.post(`/networks/${String(other['Id'])}/connect`, body)
      const settings = await fixture.outsider.get(`/containers/${sandbox}/json`)
      const hosts = [...JSON.stringify(settings['NetworkSettings']).matchAll(/"IPAddress":"([\d.]+)"/g)]
      const isAnswered = () => Promise.all(hosts.map(([, host = '']) => fixture.isAnswered({ host, port: 8080 })))
      await vi.waitFor(async () => expect(await isAnswered()).not.toContain(true), deadlineMs)
    } finally {
      await removeScope(engine, scope)
      await fixture.outsider.delete(`/networks/${String(other['Id'])}`)
      watching.abort()
      await watch
    }
  })
})

describe('touches', () => {
  test('of the sandbox are those of the instance in it', async () => {
    const events: EngineEvent[] = []
    const watching = new AbortController()
    const watch = engine.watch((event) => events.push(event), watching.signal)
    const touches = () => events.flatMap((event) => (event.kind === 'touched' ? [event.touch.detail] : []))
    const other = await fixture.outsider.post('/networks/create', { Name: `repave-test-${crypto.randomUUID()}` })
    try {
      await vi.waitFor(() => expect(events).toContainEqual({ kind: 'lost' }), deadlineMs)
      const { name } = await running(echo)
      const [sandbox = ''] = await usedSandboxes()
      await fixture.outsider.post(`/networks/${String(other['Id'])}/connect`, { Container: sandbox })
      await vi.waitFor(() => expect(touches()).toEqual([expect.stringMatching(/^its sandbox: it was connected/)]))
      const { instances } = await engine.observe()
      expect(instances).toMatchObject([{ name, version: undefined }])
      await fixture.outsider.post(`/containers/${sandbox}/update`, { PidsLimit: 9 })
      await vi.waitFor(() => expect(touches()).toContain('its sandbox: its limits were updated'), deadlineMs)
    } finally {
      await removeScope(engine, scope)
      await fixture.outsider.delete(`/networks/${String(other['Id'])}`)
      watching.abort()
      await watch
    }
  })

  test('are found by a look where no event told of them', async () => {
    const renamed = await running(echo)
    const moved = await running(echo)
    const untouched = await running(echo)
    await engine.observe()
    await fixture.touch(renamed.name, 'rename')
    await fixture.touch(moved.name, 'network')
    const { instances } = await engine.observe()
    const versions = Object.fromEntries(instances.map(({ name, version }) => [name, version]))
    expect(versions).toEqual({
      [renamed.name]: undefined,
      [moved.name]: undefined,
      [untouched.name]: untouched.version,
    })
  })
})

describe('evidence', () => {
  test('is what the instance holds: processes, sockets, files and tmpfs with content, memory on request', async () => {
    const { name } = await running(`echo secret-in-memory >/tmp/kept; echo new >/new; ${echo} & wait`, {
      user: '0',
      hardening: { readOnlyRoot: false, noNewPrivileges: true, capabilities: [] },
      environment: { A: 'b' },
    })
    await echoing(await addressOf(name)).then((socket) => socket.destroy())
    const parts = await collected(engine.collect(name, { memory: true }))
    expect(json(parts, 'processes.json')).toMatchObject([
      { innerPid: 1, uid: 0, executable: '/bin/busybox' },
      { uid: 0, executable: '/bin/busybox' },
    ])
    expect(text(parts, 'processes.json')).not.toContain('kept')
    expect(text(parts, 'command-lines.json')).toContain('secret-in-memory')
    expect(text(parts, 'environments.json')).toContain('A=b')
    expect(json(parts, 'sockets.json')).toMatchObject({
      sockets: expect.arrayContaining([expect.objectContaining({ local: '[::]:8080', state: 'listening' })]),
    })
    expect(json(parts, 'changes.json')).toEqual({
      files: [expect.objectContaining({ path: 'new', change: 'new', type: 'file', bytes: 4, keptBytes: 4 })],
    })
    expect(text(parts, 'files/new')).toBe('new\n')
    expect(text(parts, 'tmpfs/tmp/kept')).toBe('secret-in-memory\n')
    const memory = parts.filter((part) => part.kind === 'found' && part.name.startsWith('memory/'))
    expect(memory.length).toBeGreaterThan(0)
    const readable = parts.flatMap((part) => (part.kind === 'found' && !part.isSecret ? [part.name] : []))
    expect(readable.filter((part) => !part.endsWith('.json'))).toEqual([])
  })

  test('of a hostile instance is bounded, and of nothing but the instance', async () => {
    const script = [
      'cd /tmp',
      '/bin/busybox ln -s /etc/passwd link',
      '/bin/busybox ln -s / root',
      '/bin/busybox mkfifo pipe',
      '/bin/busybox mkdir -p a/b/c',
      '/bin/busybox ln -s ../../../../../etc a/b/c/up',
      'echo odd >"$(printf \'new\\nline\\377\')"',
      '/bin/busybox truncate -s 100G huge',
      'for i in $(/bin/busybox seq 1 3000); do : >many$i; done',
      'echo ready >ready',
      echo,
    ].join('; ')
    const { name } = await running(script)
    await echoing(await addressOf(name)).then((socket) => socket.destroy())
    const parts = await collected(engine.collect(name))
    const names = parts.flatMap((part) => (part.kind === 'found' ? [part.name] : []))
    expect(names.filter((part) => /link|root|pipe|passwd|up$/.test(part))).toEqual([])
    expect(text(parts, String.raw`tmpfs/tmp/new\x0aline\xff`)).toBe('odd\n')
    expect(parts).toContainEqual(expect.objectContaining({ kind: 'missing', name: 'tmpfs/tmp' }))
    expect(JSON.stringify(json(parts, 'tmpfs-tmp.json'))).toContain('"target":"/etc/passwd"')
    const bytes = parts.reduce((sum, part) => sum + (part.kind === 'found' ? part.content.length : 0), 0)
    expect(bytes).toBeLessThan(64 * 1024 * 1024)
    expect(names.filter((part) => part.startsWith('tmpfs/')).length).toBeLessThanOrEqual(2_000)
  })

  test('is what the engine hands out where its machine is another one, and the rest is missing', async () => {
    const { name } = await running(`echo new >/new; ${echo}`, {
      user: '0',
      hardening: { readOnlyRoot: false, noNewPrivileges: true, capabilities: [] },
    })
    await echoing(await addressOf(name)).then((socket) => socket.destroy())
    const { client, container } = await recordOf(name)
    const parts = await collected(new Collection(client, new GivenUp(), 'engine').collect(container, { memory: true }))
    expect(json(parts, 'processes.json')).toMatchObject([{ name: 'busybox' }])
    expect(json(parts, 'changes.json')).toMatchObject({
      files: expect.arrayContaining([{ path: 'new', change: 'new' }]),
    })
    expect(text(parts, 'files/new')).toBe('new\n')
    expect(parts.flatMap((part) => (part.kind === 'missing' ? [part.name] : []))).toEqual(
      expect.arrayContaining([
        'command-lines.json',
        'environments.json',
        'sockets.json',
        'mounts.json',
        'tmpfs',
        'memory',
      ]),
    )
  })
})

async function collected(parts: AsyncIterable<EvidencePart>): Promise<EvidencePart[]> {
  return Array.fromAsync(parts)
}

function text(parts: readonly EvidencePart[], name: string): string | undefined {
  const part = parts.find((each) => each.kind === 'found' && each.name === name)
  return part?.kind === 'found' ? Buffer.from(part.content).toString('utf8') : undefined
}

function json(parts: readonly EvidencePart[], name: string): unknown {
  return JSON.parse(text(parts, name) ?? 'null')
}

async function recordOf(name: string) {
  const client = new DockerClient(fixture.proxy.socketPath)
  const { content } = await client.call('inspectContainer', { subject: name })
  return { client, container: containerRecord.parse(content) }
}

async function sandboxes(): Promise<readonly string[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`repave.stack=${scope.stack}`] }))
  const listed = await fixture.outsider.list(`/containers/json?filters=${filters}`)
  return listed.filter(({ role }) => role === 'sandbox').map(({ id }) => id)
}

async function usedSandboxes(): Promise<readonly string[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`repave.stack=${scope.stack}`] }))
  const listed = await fixture.outsider.list(`/containers/json?filters=${filters}`)
  return listed
    .filter(({ role }) => role === 'instance')
    .map(({ networkMode }) => networkMode.slice('container:'.length))
}

/** The machine, as the scope's instances see it. */
async function gatewayOf(): Promise<{ readonly gateway: string }> {
  await engine.reserve(scope, 1)
  const network = await fixture.outsider.get(`/networks/repave-${scope.stack}-${scope.environment}`)
  const [, gateway = ''] = /"Gateway":"([\d.]+)"/.exec(JSON.stringify(network['IPAM'])) ?? []
  return { gateway }
}

/** Polls that a number stays what it is, for long enough that it would have risen many times. */
async function notMoreThan(read: () => number, most: number): Promise<void> {
  const until = Date.now() + silenceMs
  // What was on its way already may come.
  const slack = 2
  await vi.waitFor(() => {
    expect(read()).toBeLessThanOrEqual(most + slack)
    if (Date.now() < until) throw new Error('not yet')
  }, deadlineMs)
}

/** Somebody on the machine to whom an instance may connect. */
class Listener implements AsyncDisposable {
  readonly #server: Server
  #received = 0
  #connections = 0
  readonly #sockets = new Set<Socket>()

  private constructor() {
    this.#server = createServer((socket) => {
      this.#connections += 1
      this.#sockets.add(socket)
      socket.on('data', () => (this.#received += 1))
      socket.on('error', () => {})
    })
  }

  static async open(): Promise<Listener> {
    const listener = new Listener()
    listener.#server.listen(0, '0.0.0.0')
    await once(listener.#server, 'listening')
    return listener
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address ? address.port : 0
  }

  received = (): number => this.#received
  connections = (): number => this.#connections

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
