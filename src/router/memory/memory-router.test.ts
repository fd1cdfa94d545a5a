import { describe, expect, it } from 'vitest'
import type { Address } from '../../model/address.ts'
import { VirtualClock } from '../../system/virtual-clock.ts'
import { routerContract } from '../router-contract.ts'
import type { Answer, RequestTarget, RouterWorld } from '../scene-contract.ts'
import type { Answered } from '../router.ts'
import { MemoryProxy, type Pick } from './memory-proxy.ts'
import { MemoryRouter } from './memory-router.ts'

const listens = [
  { address: '127.0.0.1', port: 8080 },
  { address: '127.0.0.1', port: 8443 },
] as const

routerContract('the memory router', async () => memoryWorld())

describe('the memory router', () => {
  const listen = listens[0]
  const target = { listen, host: 'shop.test', path: '/' }

  it('shows a server where nothing answers as down, and sends nothing there', async () => {
    const { proxy, router } = setup(({ port }) => port !== 1)
    await router.configure([{ pool: 'p', routes: [{ listen, path: '/' }] }])
    await router.add('p', 'dead', { host: '10.0.0.1', port: 1 }, 'a')
    await router.add('p', 'alive', { host: '10.0.0.2', port: 2 }, 'a')
    expect((await router.observe()).servers.map(({ state }) => state)).toEqual(['down', 'in'])
    expect(proxy.pick(target)).toMatchObject({ session: { instance: 'alive' } })
    expect(proxy.pick(target)).toMatchObject({ session: { instance: 'alive' } })
  })

  it('takes turns among idle servers, and prefers those with fewer requests', async () => {
    const { proxy, router } = setup()
    await router.configure([{ pool: 'p', routes: [{ listen, path: '/' }] }])
    for (const port of [1, 2, 3]) await router.add('p', `p-${port}`, { host: '10.0.0.1', port }, 'a')
    const picked = () => {
      const pick = proxy.pick(target)
      if (pick.kind !== 'picked') throw new Error(pick.kind)
      return pick.session
    }
    const first = picked()
    expect([first, picked(), picked()].map(({ instance }) => instance)).toEqual(['p-1', 'p-2', 'p-3'])
    first.end()
    expect(picked().instance).toBe('p-1')
  })

  it('splits to the request, and tells of each as it ends', async () => {
    const { clock, proxy, router } = setup()
    await router.configure([{ pool: 'p', routes: [{ listen, path: '/' }] }])
    for (const lane of ['a', 'b'] as const) await router.add('p', lane, { host: '10.0.0.1', port: 1 }, lane)
    await router.split('p', 50)
    const told: Answered[] = []
    const end = new AbortController()
    const measured = router.measure(
      (figures) => told.push(...(figures.kind === 'lost' ? [] : figures.answers)),
      end.signal,
    )
    for (let count = 0; count < 100; count++) {
      const pick = proxy.pick(target)
      await clock.advance(3)
      if (pick.kind === 'picked') pick.session.end(count % 2 === 0 ? 200 : 500)
    }
    end.abort()
    await measured
    expect(told.flatMap(({ instance }, index) => (instance === 'b' ? [index] : []))).toEqual([19, 39, 59, 79, 99])
    expect(told.slice(18, 20)).toEqual([
      { pool: 'p', instance: 'a', lane: 'a', status: 200, timeMs: 3 },
      { pool: 'p', instance: 'b', lane: 'b', status: 500, timeMs: 3 },
    ])
  })

  it('leaves a server draining when the controller that removed it ends', async () => {
    const { clock, proxy } = setup()
    const end = new AbortController()
    const router = new MemoryRouter(proxy, clock, end.signal)
    await router.configure([{ pool: 'p', routes: [{ listen, path: '/' }] }])
    await router.add('p', 'p-1', { host: '10.0.0.1', port: 1 }, 'a')
    proxy.pick(target)
    const removed = router.remove('p', 'p-1', 1_000).catch((error: unknown) => error)
    end.abort(new Error('the controller ended'))
    await clock.advance(2_000)
    expect(await removed).toEqual(new Error('the controller ended'))
    expect((await router.observe()).servers).toMatchObject([{ state: 'draining', sessions: 1 }])
  })

  it('cuts the requests in flight when it crashes', async () => {
    const { proxy, router } = setup()
    await router.configure([{ pool: 'p', routes: [{ listen, path: '/' }] }])
    await router.add('p', 'p-1', { host: '10.0.0.1', port: 1 }, 'a')
    const pick = proxy.pick(target)
    proxy.crash()
    expect(pick).toMatchObject({ kind: 'picked', session: { cut: true } })
    expect(proxy.pick(target)).toEqual({ kind: 'refused' })
  })
})

function setup(answers?: (address: Address) => boolean) {
  const clock = new VirtualClock()
  const proxy = new MemoryProxy(clock, answers)
  return { clock, proxy, router: new MemoryRouter(proxy, clock) }
}

function memoryWorld(): RouterWorld {
  const clock = new VirtualClock()
  const dead = new Set<number>()
  const proxy = new MemoryProxy(clock, (address) => !dead.has(address.port))
  const ports = new Map<string, number>()
  proxy.badFiles.add('/nowhere/certificate.pem')
  let port = 1000
  const arrive = (target: RequestTarget) => proxy.arrive({ ...target, path: target.path.split('?')[0]! })
  return {
    router: new MemoryRouter(proxy, clock),
    listens,
    serve: async (instance) => {
      ports.set(instance, ++port)
      return { host: '10.0.0.1', port }
    },
    die: async (instance) => void dead.add(ports.get(instance)!),
    request: async (target) => {
      const pick = await arrive(target)
      if (pick.kind === 'picked') pick.session.end(target.status)
      return answerOf(pick, target.status)
    },
    open: async (target) => openRequest(await arrive(target)),
    another: () => new MemoryRouter(proxy, clock),
    occupy: async (occupied) => void proxy.occupiedPorts.add(occupied),
    crash: async () => proxy.crash(),
    pass: (ms) => clock.advance(ms),
    sighted: async () => undefined,
    close: async () => undefined,
  }
}

function openRequest(pick: Pick) {
  const { promise, resolve } = Promise.withResolvers<Answer | 'lost'>()
  const finish = () => {
    if (pick.kind === 'picked') pick.session.end()
    resolve(answerOf(pick))
  }
  return {
    finish,
    get answer() {
      return pick.kind === 'picked' && pick.session.cut ? Promise.resolve('lost' as const) : promise
    },
  }
}

/** Status 0: the connection is refused. */
function answerOf(pick: Pick, status = 200): Answer {
  switch (pick.kind) {
    case 'refused':
      return { status: 0 }
    case 'no-route':
      return { status: 404 }
    case 'no-instance':
      return { status: 503 }
    case 'picked':
      return { status, ...(status === 200 && { instance: pick.session.instance }) }
  }
}
