/** Controllers that are broken on purpose: the simulation must notice, and say which promise they break. */
import { expect, test } from 'vitest'
import type { RouterServer } from '../../src/router/router.ts'
import type { InvariantName } from './invariants/invariant.ts'
import { regressions } from './regressions.ts'
import { simulate, type SimulationOptions } from './simulation.ts'
import type { Tamper } from './world.ts'

interface Mutation {
  readonly flaw: string
  readonly breaks: InvariantName
  readonly tamper: Tamper
}

const mutations: readonly Mutation[] = [
  {
    flaw: 'takes every instance for healthy',
    breaks: 'no request lost',
    tamper: (seams) => ({ ...seams, probe: { probe: async () => ({ healthy: true, answer: 'HTTP 200' }) } }),
  },
  {
    flaw: 'does not wait for requests to end',
    breaks: 'no request lost',
    tamper: (seams) => ({
      ...seams,
      router: { ...seams.router, remove: (pool, instance) => seams.router.remove(pool, instance, 0) },
    }),
  },
  {
    flaw: 'does not wait for the router to confirm',
    breaks: 'no request lost',
    tamper: (seams) => ({
      ...seams,
      router: {
        ...seams.router,
        observe: async () => {
          const state = await seams.router.observe()
          return { ...state, servers: state.servers.filter(({ state: rotation }) => rotation !== 'draining') }
        },
        remove: async (...removal) => {
          seams.router.remove(...removal).catch(() => 'cut')
          return 'drained'
        },
      },
    }),
  },
  {
    flaw: 'starts instances while the router still has the dead ones',
    breaks: 'no request lost',
    tamper: (seams) => ({
      ...seams,
      router: {
        ...seams.router,
        observe: async () => {
          const state = await seams.router.observe()
          return { ...state, servers: state.servers.map(takeDownForDraining) }
        },
      },
    }),
  },
  {
    flaw: 'leaves instances behind',
    breaks: 'converges',
    tamper: (seams) => ({
      ...seams,
      engine: {
        ...seams.engine,
        destroy: async () => undefined,
        observe: async (options) => {
          const state = await seams.engine.observe(options)
          return { ...state, instances: state.instances.filter(({ exit }) => !exit) }
        },
      },
    }),
  },
  {
    flaw: 'makes something else than it says',
    breaks: 'named by content',
    tamper: (seams) => ({
      ...seams,
      engine: {
        ...seams.engine,
        create: (order) => seams.engine.create({ ...order, spec: { ...order.spec, user: '0' } }),
      },
    }),
  },
  {
    flaw: 'destroys two where one was meant',
    breaks: 'floor',
    tamper: (seams) => ({
      ...seams,
      engine: {
        ...seams.engine,
        destroy: async (name, graceMs) => {
          const { instances } = await seams.engine.observe()
          const other = instances.find((instance) => instance.name !== name && instance.service === 'worker')
          if (other) await seams.engine.destroy(other.name, graceMs)
          await seams.engine.destroy(name, graceMs)
        },
      },
    }),
  },
  {
    flaw: 'makes two instances for each that is wanted',
    breaks: 'surge',
    tamper: (seams) => ({
      ...seams,
      engine: {
        ...seams.engine,
        create: async (order) => {
          await seams.engine.create(order)
          await seams.engine.create({ ...order, name: order.name.replace(/(\d+)$/, '1$1') })
        },
      },
    }),
  },
  {
    flaw: 'forgets what was decided when it dies',
    breaks: 'converges',
    tamper: (seams) => ({ ...seams, store: { ...seams.store, currentReleases: async () => [] } }),
  },
]

const drawn: readonly SimulationOptions[] = Array.from({ length: 60 }, (_, index) => ({ seed: index + 1 }))

test.each(mutations)("a controller that $flaw breaks '$breaks'", async ({ tamper, breaks }) => {
  expect(await firstBroken(tamper, breaks)).toBe(breaks)
})

/** The invariant that breaks first; the one that is looked for, if any history breaks that. */
async function firstBroken(tamper: Tamper, wanted: InvariantName): Promise<InvariantName | undefined> {
  let first: InvariantName | undefined
  for (const world of [...drawn, ...regressions]) {
    const invariant = (await simulate({ ...world, tamper })).violation?.invariant
    if (invariant === wanted) return invariant
    first ??= invariant
  }
  return first
}

function takeDownForDraining(server: RouterServer): RouterServer {
  return server.state === 'down' ? { ...server, state: 'draining' } : server
}
