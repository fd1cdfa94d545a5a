/** What is left of HAProxy after a death, a reload or a touch, and what the next driver makes of it. */
import { readFile, writeFile } from 'node:fs/promises'
import { createServer as createTcpServer } from 'node:net'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RoutedService, RouterEvent } from '../router.ts'
import { createHaproxyRouter } from './haproxy-router.ts'
import { haproxyWorld, until, type HaproxyWorld } from './haproxy-world.ts'
import { MasterSocket } from './master-socket.ts'

const web = 'shop.production.web'
const soonMs = 10_000
const nothing = { services: [], servers: [], splits: new Map(), isOutdated: false, problems: [] }
let world: HaproxyWorld

beforeEach(async () => {
  world = await haproxyWorld()
})
afterEach(() => world.close())

describe('a HAProxy that died', () => {
  it.each(['master', 'worker'] as const)('comes back whole after kill -9 of its %s', async (victim) => {
    const events: RouterEvent[] = []
    const end = new AbortController()
    const watching = world.router.watch((event) => events.push(event), end.signal)
    await serveOne()
    await until(() => events.length > 0)
    const { master, current } = (await new MasterSocket(world.folder).processes())!
    process.kill(victim === 'master' ? master : current!, 'SIGKILL')
    await until(() => events.some(({ kind }) => kind === 'lost'))
    expect(await world.router.observe()).toEqual(nothing)
    await serveOne()
    expect(await answer()).toEqual({ status: 200, instance: 'web-1' })
    expect(await world.processes()).toHaveLength(2)
    end.abort()
    await watching
  })

  it('is ended when a worker that hangs has outlived its master', async () => {
    await serveOne()
    const { master, current } = (await new MasterSocket(world.folder).processes())!
    process.kill(current!, 'SIGSTOP')
    process.kill(master, 'SIGKILL')
    await until(async () => !(await world.processes()).includes(master))
    expect(await world.processes()).toEqual([current])
    expect(await world.router.observe()).toEqual(nothing)
    await world.router.check(routes())
    await serveOne()
    expect(await answer()).toEqual({ status: 200, instance: 'web-1' })
    expect(await world.processes()).not.toContain(current)
  })

  it('is started beside a socket and files that mean nothing any more', async () => {
    await serveOne()
    await world.crash()
    await writeFile(join(world.folder, 'haproxy.cfg'), 'nonsense')
    await serveOne()
    expect(await answer()).toEqual({ status: 200, instance: 'web-1' })
  })
})

describe('a HAProxy that runs', () => {
  it('is outdated where another build wrote its configuration, and is reloaded with all that it serves', async () => {
    await serveOne()
    const config = join(world.folder, 'haproxy.cfg')
    const written = await readFile(config, 'utf8')
    const [layout = '', form = ''] = /description "(\w+) (\w+) /.exec(written)?.slice(1) ?? []
    const earlier = written.replace(`"${layout} ${form} `, `"${layout} `).replaceAll('split.map', 'other.map')
    await writeFile(config, earlier.replace('level admin', 'level operator'))
    await writeFile(join(world.folder, 'other.map'), '')
    await new MasterSocket(world.folder).reload()
    await until(async () => (await world.another().observe()).isOutdated)
    await world.router.add(web, 'web-2', await world.serve('web-2'), 'a')
    expect(await world.router.remove(web, 'web-1', soonMs)).toBe('drained')
    expect(await answer()).toEqual({ status: 200, instance: 'web-2' })
    await world.router.configure(routes())
    expect(await world.another().observe()).toMatchObject({ isOutdated: false, servers: [{ instance: 'web-2' }] })
    await world.router.split(web, 500)
    expect(await answer()).toEqual({ status: 200, instance: 'web-2' })
  })

  it('is left to a driver that comes later, with everything that it serves', async () => {
    await serveOne()
    const before = await world.processes()
    const later = world.another()
    await later.configure(routes())
    expect(await world.processes()).toEqual(before)
    expect(await later.remove(web, 'web-1', soonMs)).toBe('drained')
    expect(await later.observe()).toEqual({ ...nothing, services: routes() })
  })

  it('keeps draining servers draining through a reload, counts their requests, and waits for them', async () => {
    await serveOne()
    const request = await world.open(target())
    const removed = world.router.remove(web, 'web-1', soonMs)
    await until(async () => (await stateOf('web-1'))?.state === 'draining')
    await world.router.configure(routes(world.listens[1]))
    expect(await stateOf('web-1')).toMatchObject({ state: 'draining', sessions: 1 })
    await world.router.add(web, 'web-2', await world.serve('web-2'), 'a')
    expect(await answer()).toEqual({ status: 200, instance: 'web-2' })
    request.finish()
    expect(await request.answer).toEqual({ status: 200, instance: 'web-1' })
    expect(await removed).toBe('drained')
    expect(await stateOf('web-1')).toBeUndefined()
  })

  it('can cut requests that a replaced worker still has', async () => {
    await serveOne()
    const request = await world.open(target())
    await world.router.configure(routes(world.listens[1]))
    expect(await world.router.remove(web, 'web-1', 50)).toBe('cut')
    expect(await request.answer).not.toMatchObject({ status: 200 })
  })

  it('shows what somebody else has changed in it, and gets it back', async () => {
    await serveOne()
    const master = new MasterSocket(world.folder)
    const { current } = (await master.processes())!
    const before = await world.router.observe()
    await master.tell(current!, 'clear map routes.map')
    expect((await world.router.observe()).services).toEqual([])
    await world.router.configure(routes())
    expect(await world.router.observe()).toEqual(before)
    expect(await answer()).toEqual({ status: 200, instance: 'web-1' })
  })

  it('shows a dead server as down, also after a reload, and in when it is back', async () => {
    await serveOne()
    const { address } = (await stateOf('web-1'))!
    const server = world.server('web-1')
    await new Promise((resolve) => {
      server.close(resolve)
      server.closeAllConnections()
    })
    await until(async () => (await stateOf('web-1'))?.state === 'down')
    await world.router.configure(routes(world.listens[1]))
    expect(await stateOf('web-1')).toMatchObject({ state: 'down' })
    server.listen(address.port, address.host)
    await until(async () => (await stateOf('web-1'))?.state === 'in')
    expect(await answer()).toEqual({ status: 200, instance: 'web-1' })
  })

  it('never shares its port with the HAProxy of another folder, and is named as its holder', async () => {
    await serveOne()
    const other = await haproxyWorld()
    try {
      await expect(other.router.configure(routes())).rejects.toMatchObject({
        code: 'PORT_IN_USE',
        message: expect.stringMatching(/haproxy \(pid \d+\)/),
      })
      expect(await other.processes()).toEqual([])
    } finally {
      await other.close()
    }
  })

  it('moves from one address of a port to all of them', async () => {
    await serveOne()
    const everywhere = { address: '0.0.0.0', port: world.listens[0].port }
    await world.router.configure([{ pool: web, routes: [{ listen: everywhere, path: '/' }] }])
    expect(await answer()).toEqual({ status: 200, instance: 'web-1' })
  })
})

it('works in a folder whose path is too long for a socket', async () => {
  const long = await haproxyWorld(join('d'.repeat(100), 'haproxy'))
  try {
    await long.router.configure([{ pool: web, routes: [{ listen: long.listens[0], path: '/' }] }])
    await long.router.add(web, 'web-1', await long.serve('web-1'), 'a')
    expect(await long.request({ ...target(), listen: long.listens[0] })).toEqual({ status: 200, instance: 'web-1' })
    await long.router.configure([])
    expect(await long.processes()).toEqual([])
  } finally {
    await long.close()
  }
})

it('says that HAProxy is missing, and how to get it', async () => {
  const missing = createHaproxyRouter({ folder: world.folder, binary: join(dirname(world.folder), 'no-haproxy') })
  await expect(missing.version()).rejects.toMatchObject({ code: 'ROUTER_MISSING', hint: 'apt-get install haproxy' })
  await expect(missing.configure(routes())).rejects.toMatchObject({ code: 'ROUTER_MISSING' })
  await expect(missing.check(routes())).rejects.toMatchObject({ code: 'ROUTER_MISSING' })
})

it('listens on IPv6', async () => {
  const listen = { address: '::1', port: world.listens[0].port }
  const services = [{ pool: web, routes: [{ listen, path: '/' }] }]
  await world.router.configure(services)
  await world.router.add(web, 'web-1', await world.serve('web-1'), 'a')
  await world.router.configure(services)
  expect(await world.request({ ...target(), listen })).toEqual({ status: 200, instance: 'web-1' })
  expect((await world.router.observe()).services).toEqual(services)
})

it('names the address that this machine has not', async () => {
  const elsewhere = [{ pool: web, routes: [{ listen: { address: '192.0.2.1', port: 8080 }, path: '/' }] }]
  await expect(world.router.check(elsewhere)).rejects.toMatchObject({ code: 'FILE_INVALID' })
})

it('names the process that holds a port', async () => {
  const blocker = createTcpServer()
  await new Promise<void>((resolve) => {
    blocker.listen(world.listens[0].port, '0.0.0.0', resolve)
  })
  try {
    await expect(world.router.check(routes())).rejects.toMatchObject({
      message: expect.stringContaining(`(pid ${process.pid})`),
    })
  } finally {
    blocker.close()
  }
})

function routes(more?: HaproxyWorld['listens'][1]): readonly RoutedService[] {
  const listens = [world.listens[0], ...(more ? [more] : [])]
  return [{ pool: web, routes: listens.map((listen) => ({ listen, path: '/' })) }]
}

async function serveOne(): Promise<void> {
  await world.router.configure(routes())
  await world.router.add(web, 'web-1', await world.serve('web-1'), 'a')
}

function target() {
  return { listen: world.listens[0], host: 'shop.test', path: '/' }
}

function answer() {
  return world.request(target())
}

async function stateOf(instance: string) {
  return (await world.router.observe()).servers.find((server) => server.instance === instance)
}
