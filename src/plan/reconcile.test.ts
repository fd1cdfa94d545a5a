import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Fleet, type FleetInstance, isLeaving, isReady } from './fleet.ts'
import { type Effect, reconcile } from './reconcile.ts'

const old = 'a'.repeat(64)
const next = 'b'.repeat(64)
const key = { stack: 'shop', environment: 'production', service: 'web' }
const target = { replicas: 3, surge: 1, floor: 3, routed: true, drainMs: 10_000, isApart: false }
const share = { lane: 'a', thousandths: 1_000, needs: 1, isExclusive: false, held: 1_000 } as const

function instance(name: string, changes: Partial<FleetInstance> = {}): FleetInstance {
  const serving = {
    intact: true,
    phase: 'running',
    health: 'healthy',
    rotation: 'in',
    createdAtMs: 1,
    condemned: false,
    ending: false,
  } as const
  return { name, version: next, ...serving, ...changes }
}

function fleet(instances: readonly FleetInstance[], changes: Partial<Fleet['target']> = {}, createAfterMs = 0): Fleet {
  const { replicas, version } = { ...target, version: next, ...changes }
  const main = { version: next, lane: 'a', count: replicas, routed: replicas, isKeptWhole: true } as const
  const groups = version === null ? [] : [main]
  return {
    key,
    target: { ...target, version, groups, share, ...changes },
    instances,
    createAfterMs: new Map([[version ?? '', createAfterMs]]),
    split: 0,
  }
}

const words = (effects: readonly Effect[]) => effects.map((effect) => `${effect.kind} ${effect.instance}`)
const three = ['web-1', 'web-2', 'web-3']

describe('from nothing', () => {
  test('as many are created as are wanted, by the lowest free names', () => {
    expect(words(reconcile(fleet([]), 0))).toEqual([1, 2, 3].map((n) => `create shop-production-web-bbbbbbbb-${n}`))
  })

  test('names that are taken are left out', () => {
    const taken = instance('shop-production-web-bbbbbbbb-2')
    expect(words(reconcile(fleet([taken]), 0))).toEqual([
      'create shop-production-web-bbbbbbbb-1',
      'create shop-production-web-bbbbbbbb-3',
    ])
  })

  test('a crash loop holds creation back until its time', () => {
    expect(reconcile(fleet([], {}, 5_000), 4_999)).toEqual([])
    expect(reconcile(fleet([], {}, 5_000), 5_000)).toHaveLength(3)
  })
})

const former = (name: string, changes: Partial<FleetInstance> = {}) => instance(name, { version: old, ...changes })
const made = (changes: Partial<FleetInstance> = {}) =>
  three.map((name) => instance(`new-${name}`, { phase: 'created', health: 'starting', rotation: 'out', ...changes }))

describe('where versions must not overlap', () => {
  const apart = { isApart: true, surge: 0, floor: 0 }
  test('those of the next one are made first, and not started', () => {
    const effects = reconcile(
      fleet(
        three.map((name) => former(name)),
        apart,
      ),
      0,
    )
    expect(effects.map(({ kind }) => kind)).toEqual(['create', 'create', 'create'])
    expect(effects).toEqual(effects.map((effect) => ({ ...effect, isAhead: true })))
  })

  test('nothing leaves while any of them is still being made', () => {
    const instances = [...three.map((name) => former(name)), ...made({ busy: 'create' })]
    expect(reconcile(fleet(instances, apart), 0)).toEqual([])
  })

  test('then all leave, but of many the last eight serve until the others have ended', () => {
    expect(words(reconcile(fleet([...three.map((name) => former(name)), ...made()], apart), 0))).toEqual(
      three.map((name) => `unroute ${name}`),
    )
    const last = Array.from({ length: 8 }, (_, index) => former(`web-${index + 2}`, { createdAtMs: 2 }))
    const after = (first: readonly FleetInstance[]) => words(reconcile(fleet([...first, ...last, ...made()], apart), 0))
    expect(after([former('web-1')])).toEqual(['unroute web-1'])
    expect(after([former('web-1', { rotation: 'draining', busy: 'unroute' })])).toEqual([])
    expect(after([former('web-1', { rotation: 'out', busy: 'destroy' })])).toEqual([])
    expect(after([])).toEqual(last.map(({ name }) => `unroute ${name}`))
  })

  test('and they start once nothing of the other one runs', () => {
    const ending = former('web-3', { rotation: 'out', busy: 'destroy' })
    expect(reconcile(fleet([ending, ...made()], apart), 0)).toEqual([])
    const exited = former('web-3', { phase: 'exited', rotation: 'out', busy: 'destroy' })
    expect(words(reconcile(fleet([exited, ...made()], apart), 0))).toEqual(three.map((name) => `start new-${name}`))
  })

  test('what of the other one may be starting is waited for', () => {
    const starting = former('web-1', { phase: 'created', health: 'starting', rotation: 'out', busy: 'start' })
    expect(reconcile(fleet([starting, ...made()], apart), 0)).toEqual([])
  })

  test('a clean instance is made once the one that it replaces is gone', () => {
    const condemned = instance('web-1', { condemned: true })
    const alone = { ...apart, replicas: 1 }
    expect(words(reconcile(fleet([condemned], alone), 0))).toEqual(['unroute web-1'])
    const out = instance('web-1', { condemned: true, rotation: 'out' })
    expect(words(reconcile(fleet([out], alone), 0))).toEqual(['destroy web-1'])
  })
})

describe('an instance on its way', () => {
  test('that is created is started', () => {
    const created = instance('web-1', { phase: 'created', health: 'starting', rotation: 'out' })
    expect(words(reconcile(fleet([created], { replicas: 1, floor: 1 }), 0))).toEqual(['start web-1'])
  })

  test('gets no requests before it is healthy', () => {
    const starting = instance('web-1', { health: 'starting', rotation: 'out' })
    expect(reconcile(fleet([starting], { replicas: 1, floor: 1 }), 0)).toEqual([])
    const healthy = instance('web-1', { rotation: 'out' })
    expect(words(reconcile(fleet([healthy], { replicas: 1, floor: 1 }), 0))).toEqual(['route web-1'])
  })

  test('is left alone while an effect on it is under way', () => {
    const busy = instance('web-1', { rotation: 'out', busy: 'route' })
    expect(reconcile(fleet([busy], { replicas: 1, floor: 1 }), 0)).toEqual([])
  })
})

describe('a rolling replacement', () => {
  const outdated = three.map((name, index) => instance(name, { version: old, createdAtMs: index }))

  test('starts first, as many as the surge allows', () => {
    expect(words(reconcile(fleet(outdated), 0))).toEqual(['create shop-production-web-bbbbbbbb-1'])
    expect(words(reconcile(fleet(outdated, { surge: 3 }), 0))).toHaveLength(3)
  })

  test('lets the oldest go once a new one serves', () => {
    expect(words(reconcile(fleet([...outdated, instance('new-1', { createdAtMs: 9 })]), 0))).toEqual(['unroute web-1'])
  })

  test('goes on creating while the one that left still drains', () => {
    const draining = [
      { ...outdated[0]!, rotation: 'draining', busy: 'unroute' } as const,
      ...outdated.slice(1),
      instance('new-1'),
    ]
    expect(words(reconcile(fleet(draining), 0))).toEqual(['create shop-production-web-bbbbbbbb-1'])
  })

  test('destroys what has left rotation, and gives it its drain time', () => {
    const left = [instance('web-1', { version: old, rotation: 'out' }), ...three.map((_, n) => instance(`new-${n}`))]
    expect(reconcile(fleet(left), 0)).toEqual([
      expect.objectContaining({ kind: 'destroy', instance: 'web-1', graceMs: 10_000 }),
    ])
  })

  test('with no surge lets one go first, where the floor allows', () => {
    expect(words(reconcile(fleet(outdated, { surge: 0, floor: 2 }), 0))).toEqual(['unroute web-1'])
  })

  test('brings old instances back when the router lost everything, instead of destroying them', () => {
    const lost = [...outdated, instance('new-1')].map((each) => ({ ...each, rotation: 'out' }) as const)
    expect(words(reconcile(fleet(lost), 0))).toEqual(['route new-1', 'route web-1', 'route web-2', 'route web-3'])
  })
})

describe('what went wrong', () => {
  test('a dead instance is replaced, taken from the router and removed', () => {
    const dead = instance('web-1', { phase: 'exited', health: 'starting' })
    const alive = [instance('web-2'), instance('web-3')]
    expect(words(reconcile(fleet([dead, ...alive]), 0))).toEqual([
      'create shop-production-web-bbbbbbbb-1',
      'unroute web-1',
    ])
    expect(words(reconcile(fleet([{ ...dead, rotation: 'out' }, ...alive]), 0))).toContain('destroy web-1')
  })

  test('a server without an instance is taken from the router', () => {
    const ghost = instance('web-9', { phase: 'gone', version: '' })
    expect(words(reconcile(fleet([ghost, ...three.map((name) => instance(name))]), 0))).toEqual(['unroute web-9'])
  })

  test('an unhealthy instance leaves rotation while others serve, and is destroyed once another took its place', () => {
    const sick = instance('web-1', { health: 'unhealthy' })
    const others = [instance('web-2'), instance('web-3')]
    expect(words(reconcile(fleet([sick, ...others]), 0))).toEqual([
      'create shop-production-web-bbbbbbbb-1',
      'unroute web-1',
    ])
    const out = { ...sick, rotation: 'out' } as const
    const starting = instance('new-1', { health: 'starting', rotation: 'out' })
    expect(reconcile(fleet([out, ...others, starting]), 0)).toEqual([])
    expect(words(reconcile(fleet([out, ...others, instance('new-1')]), 0))).toEqual(['destroy web-1'])
  })

  test('one that recovers in time goes back into rotation', () => {
    const recovered = instance('web-1', { rotation: 'out' })
    expect(words(reconcile(fleet([recovered, instance('web-2'), instance('web-3')]), 0))).toEqual(['route web-1'])
  })

  test('without room to start first, unhealthy instances are given up one at a time', () => {
    const sick = three.map((name) => instance(name, { health: 'unhealthy', rotation: 'out' }))
    const tight = { surge: 0, floor: 2 }
    expect(words(reconcile(fleet(sick, tight), 0))).toEqual(['destroy web-1'])
    const going = [{ ...sick[0]!, busy: 'destroy' } as const, ...sick.slice(1)]
    expect(words(reconcile(fleet(going, tight), 0))).toEqual(['create shop-production-web-bbbbbbbb-1'])
  })

  test('a fleet that looks unhealthy as a whole is not started anew at once', () => {
    const sick = Array.from({ length: 10 }, (_, n) => instance(`web-${n}`, { health: 'unhealthy' }))
    const effects = words(reconcile(fleet(sick, { replicas: 10, floor: 10, surge: 3 }), 0))
    expect(effects).toEqual([1, 2, 3].map((n) => `create shop-production-web-bbbbbbbb-${n}`))
  })

  test('the only instance in rotation stays there, even unhealthy, until another serves', () => {
    const sick = instance('web-1', { health: 'unhealthy' })
    const one = { replicas: 1, floor: 1 }
    expect(words(reconcile(fleet([sick], one), 0))).toEqual(['create shop-production-web-bbbbbbbb-1'])
    expect(words(reconcile(fleet([sick, instance('new-1')], one), 0))).toEqual(['unroute web-1'])
  })

  test('what runs something else than it claims is replaced', () => {
    const altered = instance('web-1', { intact: false })
    const [create] = reconcile(fleet([altered, instance('web-2'), instance('web-3')]), 0)
    expect(create?.kind).toBe('create')
  })

  test('a condemned instance leaves once its successor serves', () => {
    const all = [instance('web-1', { condemned: true }), instance('web-2'), instance('web-3')]
    expect(words(reconcile(fleet(all), 0))).toEqual(['create shop-production-web-bbbbbbbb-1'])
    expect(words(reconcile(fleet([...all, instance('new-1')]), 0))).toEqual(['unroute web-1'])
  })
})

describe('an instance that may have been told to end', () => {
  const others = [instance('web-2'), instance('web-3')]

  test('is replaced, and ended, however well it looks', () => {
    const ending = instance('web-1', { ending: true, rotation: 'out' })
    expect(words(reconcile(fleet([ending, ...others]), 0))).toEqual([
      'create shop-production-web-bbbbbbbb-1',
      'destroy web-1',
    ])
  })

  test('does not come back into rotation, even where too few serve', () => {
    const ending = instance('web-1', { ending: true, rotation: 'out' })
    expect(words(reconcile(fleet([ending]), 0)).filter((each) => each.startsWith('route'))).toEqual([])
  })

  test('leaves rotation first where it is still in it', () => {
    expect(words(reconcile(fleet([instance('web-1', { ending: true }), ...others]), 0))).toEqual([
      'create shop-production-web-bbbbbbbb-1',
      'unroute web-1',
    ])
  })
})

test('a service that goes away leaves whole', () => {
  const ended = { version: null, replicas: 0, surge: 0, floor: 0 }
  expect(
    words(
      reconcile(
        fleet(
          three.map((name) => instance(name)),
          ended,
        ),
        0,
      ),
    ),
  ).toEqual(three.map((name) => `unroute ${name}`))
})

test('a service without routes is replaced by health alone', () => {
  const unrouted = { routed: false, replicas: 1, floor: 1 }
  const before = instance('web-1', { version: old, rotation: 'out' })
  expect(words(reconcile(fleet([before, instance('new-1', { rotation: 'out' })], unrouted), 0))).toEqual([
    'destroy web-1',
  ])
  expect(
    words(reconcile(fleet([before, instance('new-1', { rotation: 'out', health: 'starting' })], unrouted), 0)),
  ).toEqual([])
})

describe('for any fleet', () => {
  const anyInstance = fc.record({
    name: fc.integer({ min: 1, max: 12 }).map((n) => `shop-production-web-bbbbbbbb-${n}`),
    version: fc.constantFrom(old, next),
    intact: fc.boolean(),
    phase: fc.constantFrom('created', 'running', 'exited', 'gone'),
    health: fc.constantFrom('starting', 'healthy', 'unhealthy'),
    rotation: fc.constantFrom('in', 'draining', 'out'),
    createdAtMs: fc.nat(100),
    condemned: fc.boolean(),
    ending: fc.boolean(),
    busy: fc.constantFrom(undefined, 'create', 'start', 'route', 'unroute', 'destroy'),
  }) as fc.Arbitrary<FleetInstance>
  const anyFleet = fc
    .record({
      instances: fc.uniqueArray(anyInstance, { selector: ({ name }) => name, maxLength: 12 }),
      replicas: fc.integer({ min: 0, max: 6 }),
      surge: fc.integer({ min: 0, max: 6 }),
      unavailable: fc.integer({ min: 0, max: 2 }),
      routed: fc.boolean(),
    })
    .map(({ instances, replicas, surge, unavailable, routed }) =>
      fleet(instances, { replicas, surge, floor: Math.max(0, replicas - unavailable), routed }),
    )

  test('letting go never goes below the floor', () => {
    fc.assert(
      fc.property(anyFleet, (each) => {
        const leaving = new Set(
          reconcile(each, 0).flatMap(({ kind, instance: name }) =>
            kind === 'unroute' || kind === 'destroy' ? [name] : [],
          ),
        )
        const ready = each.instances.filter((one) => isReady(one, each.target))
        const lost = ready.filter((one) => leaving.has(one.name)).length
        expect(lost === 0 || ready.length - lost >= each.target.floor).toBe(true)
      }),
    )
  })

  test('an instance has one effect at a time, and a busy one none', () => {
    fc.assert(
      fc.property(anyFleet, (each) => {
        const names = reconcile(each, 0).map((effect) => effect.instance)
        expect(new Set(names).size).toBe(names.length)
        for (const one of each.instances) if (one.busy) expect(names).not.toContain(one.name)
      }),
    )
  })

  test('creation keeps to replicas and surge', () => {
    fc.assert(
      fc.property(anyFleet, (each) => {
        const created = reconcile(each, 0).filter(({ kind }) => kind === 'create').length
        expect(created).toBeLessThanOrEqual(each.target.replicas)
        if (created > 0) {
          const occupying = each.instances.filter(
            (one) => (one.phase === 'running' || one.phase === 'created') && !isLeaving(one),
          ).length
          expect(occupying + created).toBeLessThanOrEqual(each.target.replicas + each.target.surge)
        }
      }),
    )
  })
})

describe('an instance that somebody opened', () => {
  const held = {
    reason: 'opened by ada: why',
    isRecorded: true,
    isCaptured: false,
    isDrained: true,
    isHeld: true,
  } as const
  const others = [instance('web-2'), instance('web-3')]
  const effects = (changes: Partial<FleetInstance>) =>
    reconcile(fleet([instance('web-1', changes), ...others]), 0).filter((effect) => effect.instance === 'web-1')

  test('drains, and its replacement is made at once', () => {
    expect(effects({ taint: held })).toEqual([
      { kind: 'unroute', instance: 'web-1', drainMs: target.drainMs, reason: held.reason },
    ])
    expect(reconcile(fleet([instance('web-1', { taint: held }), ...others]), 0)[0]?.kind).toBe('create')
    expect(effects({ taint: held, busy: 'unroute', rotation: 'draining' })).toEqual([])
  })

  test('is left as it is while it is held, and then sealed off and destroyed', () => {
    expect(effects({ taint: held, rotation: 'out' })).toEqual([])
    const { isHeld: _, ...released } = held
    expect(words(effects({ taint: released, rotation: 'out' }))).toEqual(['isolate web-1'])
    expect(words(effects({ taint: { ...released, isCaptured: true }, rotation: 'out' }))).toEqual(['destroy web-1'])
  })
})
