/** No request is lost, whatever is done to the router while they come. Each client takes any error as a loss. */
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../system/clock.ts'
import type { Lane, RoutedService } from '../router.ts'
import { freePorts, haproxyWorld, until, type HaproxyWorld } from './haproxy-world.ts'

const web = 'shop.production.web'
const soonMs = 10_000
let world: HaproxyWorld

beforeEach(async () => {
  world = await haproxyWorld()
})
afterEach(() => world.close())

it('loses none to five reloads and to servers that come and go', async () => {
  await world.router.configure(routes([]))
  await addServer(1)
  await addServer(2)
  const load = new Load()
  const ports = await freePorts(5)
  for (const [count, port] of ports.entries()) {
    await world.router.configure(routes(ports.slice(0, ports.indexOf(port) + 1)))
    await addServer(count + 3)
    await load.passed(150)
    expect(await world.router.remove(web, `web-${count + 1}`, soonMs)).toBe('drained')
    closeServer(count + 1)
    await load.passed(150)
  }
  const { sent, failures } = await load.end()
  expect(failures).toEqual([])
  expect(sent).toBeGreaterThan(1_500)
})

it('loses none when a fleet of one is replaced again and again', async () => {
  await world.router.configure(routes([]))
  await addServer(0)
  const load = new Load()
  for (let count = 1; count <= 10; count++) {
    await addServer(count)
    expect(await world.router.remove(web, `web-${count - 1}`, soonMs)).toBe('drained')
    closeServer(count - 1)
    await load.passed(60)
  }
  expect((await load.end()).failures).toEqual([])
})

it('loses none that can be tried again when the only instance dies and another comes', async () => {
  await world.router.configure(routes([]))
  await addServer(1)
  const load = new Load(['GET'])
  await load.passed(100)
  closeServer(1)
  await systemClock.sleep(1_000)
  await addServer(2)
  await load.passed(100)
  expect((await load.end()).failures).toEqual([])
  expect(await world.request({ listen: world.listens[0], host: 'shop.test', path: '/' })).toEqual({
    status: 200,
    instance: 'web-2',
  })
})

it('loses none when a service and its listener go away beside another', async () => {
  const other: RoutedService = { pool: 'shop.production.api', routes: [{ listen: world.listens[1], path: '/' }] }
  await world.router.configure([...routes([]), other])
  await addServer(1)
  const load = new Load()
  for (let count = 0; count < 3; count++) {
    await world.router.configure(routes([]))
    await load.passed(100)
    await world.router.configure([...routes([]), other])
    await load.passed(100)
  }
  expect((await load.end()).failures).toEqual([])
})

it('loses none when all requests flip to the other lane and back, at once or by and by', async () => {
  await world.router.configure(routes([]))
  await addServer(1)
  await addServer(2, 'b')
  const load = new Load()
  for (const toB of [1000, 0, 1000, 50, 500, 950, 1000, 0]) {
    await world.router.split(web, toB)
    await load.passed(60)
  }
  await world.router.split(web, 1000)
  expect(await world.router.remove(web, 'web-1', soonMs)).toBe('drained')
  closeServer(1)
  await load.passed(60)
  expect((await load.end()).failures).toEqual([])
})

it('loses none when the only servers move from lane to lane', async () => {
  await world.router.configure(routes([]))
  const addresses = [await world.serve('web-1'), await world.serve('web-2')]
  const load = new Load()
  for (const lane of ['a', 'b', 'a', 'b'] as const) {
    for (const [index, address] of addresses.entries()) await world.router.add(web, `web-${index + 1}`, address, lane)
    await load.passed(60)
    await world.router.split(web, lane === 'a' ? 0 : 1000)
    await load.passed(60)
  }
  expect((await load.end()).failures).toEqual([])
})

it('loses none that can be tried again when all of a lane dies beside the other one', async () => {
  await world.router.configure(routes([]))
  await addServer(0)
  const load = new Load(['GET'])
  for (let count = 1; count <= 10; count++) {
    await addServer(count, 'b')
    await world.router.split(web, count % 2 === 0 ? 500 : 1000)
    await load.passed(40)
    closeServer(count)
    await load.passed(60)
  }
  expect((await load.end()).failures).toEqual([])
})

it('splits what comes on a connection that is kept alive', async () => {
  await world.router.configure(routes([]))
  await addServer(1)
  await addServer(2, 'b')
  await world.router.split(web, 200)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const { address: host, port } = world.listens[0]
  let toB = 0
  for (let count = 0; count < 1_000; count++) {
    const { answer } = await attempt(agent, { host, port, method: 'GET' })
    if (answer === 'web-2') toB++
  }
  agent.destroy()
  expect(Math.abs(toB - 200)).toBeLessThan(6 * Math.sqrt(1_000 * 0.2 * 0.8))
})

function routes(morePorts: readonly number[]): readonly RoutedService[] {
  const more = morePorts.map((port) => ({ listen: { address: '127.0.0.1', port }, path: '/' }))
  return [{ pool: web, routes: [{ listen: world.listens[0], path: '/' }, ...more] }]
}

async function addServer(count: number, lane: Lane = 'a'): Promise<void> {
  await world.router.add(web, `web-${count}`, await world.serve(`web-${count}`), lane)
}

/** The end of a process: what it has open is reset. */
function closeServer(count: number): void {
  const server = world.server(`web-${count}`)
  server.close()
  server.closeAllConnections()
}

/** Some 300 requests a second by 4 clients: with keep-alive and not, each method in turn. */
class Load {
  readonly #failures: string[] = []
  readonly #end = new AbortController()
  readonly #clients: readonly Promise<void>[]
  #sent = 0

  constructor(methods: readonly string[] = ['GET', 'POST']) {
    const agents = [true, true, false, false].map((keepAlive) => new Agent({ keepAlive, maxSockets: 1 }))
    this.#clients = agents.map((agent) => this.#run(agent, methods))
  }

  /** Resolves once `count` more requests have been answered. */
  async passed(count: number): Promise<void> {
    const goal = this.#sent + count
    await until(() => this.#sent >= goal)
  }

  async end() {
    this.#end.abort()
    await Promise.all(this.#clients)
    return { sent: this.#sent, failures: this.#failures }
  }

  async #run(agent: Agent, methods: readonly string[]): Promise<void> {
    const { address: host, port } = world.listens[0]
    for (let count = 0; !this.#end.signal.aborted; count++) {
      const method = methods[count % methods.length]!
      const { failure } = await attempt(agent, { host, port, method })
      if (failure !== undefined) this.#failures.push(`${method}: ${failure}`)
      this.#sent++
      await systemClock.sleep(12)
    }
    agent.destroy()
  }
}

interface Attempt {
  readonly answer?: string
  readonly failure?: string
}

function attempt(agent: Agent, to: { host: string; port: number; method: string }): Promise<Attempt> {
  return new Promise((resolve) => {
    const fail = ({ message }: Error) => resolve({ failure: message })
    const outgoing = request({ ...to, agent, path: '/' }, (response) => {
      text(response).then(
        (answer) => resolve(response.statusCode === 200 ? { answer } : { failure: `HTTP ${response.statusCode}` }),
        fail,
      )
    })
    outgoing.on('error', fail)
    outgoing.end(to.method === 'POST' ? 'some body' : undefined)
  })
}
