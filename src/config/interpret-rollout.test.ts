import { expect, test } from 'vitest'
import { temporaryFolder } from '../system/temporary-folder.ts'
import { loadStack } from './load.ts'

const quantities = { maxSurge: { kind: 'share', share: 0.25 }, maxUnavailable: { kind: 'count', count: 0 } }
const base = { ...quantities, deadlineMs: 60_000 }

async function serviceOf(keys: string, environments = '{}') {
  await using folder = await temporaryFolder()
  const web = `{ image: nginx, port: 80, ${keys} }`
  await folder.write('repave.yaml', `stack: shop\nservices: { web: ${web} }\nenvironments: ${environments}\n`)
  const { stack } = await loadStack({ folder: folder.path })
  return stack.services.web
}

const strategyWith = async (keys: string) => (await serviceOf(keys))?.rollout.strategy

const rolloutOf = async (keys: string, over?: string) =>
  (await serviceOf(`route: { listen: 80 }, ${keys}`, over && `{ p: { services: { web: { ${over} } } } }`))?.rollout

test('each strategy has the defaults that are its own', async () => {
  expect(await rolloutOf('rollout: { strategy: rolling }')).toEqual({ strategy: 'rolling', ...base })
  expect(await rolloutOf('rollout: { strategy: recreate }')).toEqual({
    strategy: 'recreate',
    maxSurge: { kind: 'count', count: 0 },
    maxUnavailable: { kind: 'share', share: 1 },
    deadlineMs: 60_000,
  })
  expect(await rolloutOf('rollout: { strategy: blueGreen }')).toEqual({
    strategy: 'blueGreen',
    ...base,
    keepWarmMs: 600_000,
  })
  expect(await rolloutOf('rollout: { strategy: canary }')).toEqual({
    strategy: 'canary',
    ...base,
    keepWarmMs: 600_000,
    verdict: { windowMs: 30_000, requests: 0, errors: true },
    steps: [
      { share: 0.05, holdMs: 60_000, requests: 100 },
      { share: 0.25, holdMs: 60_000, requests: 100 },
      { share: 0.5, holdMs: 60_000, requests: 100 },
    ],
  })
})

test('what is said of a rollout arrives', async () => {
  const steps = '[{ share: 0.1%, for: 5m, requests: 0 }, { share: 99.9%, for: 0s }, ]'
  const gates =
    '[{ name: errors, url: "http://prometheus:9090/x", query: "up == 1", max: 0.5 }, { name: up, url: "https://p", query: up, min: 1, max: 2 }]'
  const verdict = `{ window: 1m, requests: 7, errors: false, latency: { percentile: 99.9, tolerance: 2 }, prometheus: ${gates} }`
  const keys = `strategy: canary, maxSurge: 1, maxUnavailable: 50%, deadline: 2m, keepWarm: 0s, maxPause: 2h`
  expect(await rolloutOf(`replicas: 4, rollout: { ${keys}, steps: ${steps}, verdict: ${verdict} }`)).toEqual({
    strategy: 'canary',
    maxSurge: { kind: 'count', count: 1 },
    maxUnavailable: { kind: 'share', share: 0.5 },
    deadlineMs: 120_000,
    keepWarmMs: 0,
    maxPauseMs: 7_200_000,
    steps: [
      { share: 0.001, holdMs: 300_000, requests: 0 },
      { share: 0.999, holdMs: 0, requests: 100 },
    ],
    verdict: {
      windowMs: 60_000,
      requests: 7,
      errors: false,
      latency: { percentile: 99.9, tolerance: 2 },
      prometheus: [
        { name: 'errors', url: 'http://prometheus:9090/x', query: 'up == 1', max: 0.5 },
        { name: 'up', url: 'https://p', query: 'up', min: 1, max: 2 },
      ],
    },
  })
})

test('a verdict that is asked for needs answers, where there can be any', async () => {
  expect(await rolloutOf('rollout: { verdict: { latency: {} } }')).toMatchObject({
    verdict: { windowMs: 30_000, requests: 100, errors: true, latency: { percentile: 95, tolerance: 1.5 } },
  })
  expect((await serviceOf('rollout: { verdict: {} }'))?.rollout.verdict).toEqual({
    windowMs: 30_000,
    requests: 0,
    errors: true,
  })
})

test('what is around a rollout arrives', async () => {
  const keys = 'standby: 2, data: { uploads: /data/ }, dependsOn: [], history: 3, rollout: { strategy: rolling }'
  expect(await serviceOf(`route: { listen: 80 }, ${keys}`)).toMatchObject({
    standby: 2,
    data: { uploads: '/data' },
    history: 3,
  })
  expect(await serviceOf('rehearsal: { every: 24h }')).toMatchObject({ rehearsal: { everyMs: 86_400_000 } })
})

test('two instances do not write to one volume at once, unless someone says that these may', async () => {
  expect(await strategyWith('data: { a: /a }')).toBe('recreate')
  expect(await strategyWith('data: { a: /a }, rollout: { deadline: 2m }')).toBe('recreate')
  expect(await strategyWith('data: { a: /a }, rollout: { strategy: rolling }')).toBe('rolling')
  expect(await strategyWith('data: {}')).toBe('rolling')
})

test('what says no more than the default is left out, so that nothing differs', async () => {
  const plain = await serviceOf('replicas: 1')
  const spelled = 'standby: 0, data: {}, dependsOn: [], history: 10, rollout: { strategy: rolling, maxPause: 60m }'
  expect(await serviceOf(spelled)).toStrictEqual(plain)
})

test('the whole stack goes back, unless the file says that a service goes back alone', async () => {
  await using folder = await temporaryFolder()
  const stackWith = async (rollback: string) => {
    await folder.write('repave.yaml', `stack: shop\nservices: { web: { image: nginx, port: 80 } }\n${rollback}\n`)
    return (await loadStack({ folder: folder.path })).stack
  }
  expect(await stackWith('rollback: service')).toHaveProperty('rollback', 'service')
  expect(await stackWith('rollback: stack')).toStrictEqual(await stackWith(''))
})

test('dependencies count as a set', async () => {
  await using folder = await temporaryFolder()
  const dependenciesIn = async (order: string) => {
    const services = `web: { image: x, port: 1, dependsOn: [${order}] }, a: { image: x, port: 1 }, b: { image: x, port: 1 }`
    await folder.write('repave.yaml', `stack: shop\nservices: { ${services} }\n`)
    return (await loadStack({ folder: folder.path })).stack.services.web?.dependsOn
  }
  expect(await dependenciesIn('b, a')).toEqual(['a', 'b'])
  expect(await dependenciesIn('a, b')).toEqual(['a', 'b'])
})

const ofCanary =
  'rollout: { strategy: canary, maxSurge: 1, deadline: 5m, keepWarm: 1m, steps: [{ share: 1% }], maxPause: 2h }'

test('an environment with another strategy has what the service says, as far as it means something there', async () => {
  const kept = { maxSurge: { kind: 'count', count: 1 }, deadlineMs: 300_000, maxPauseMs: 7_200_000 }
  expect(await rolloutOf(ofCanary, 'rollout: { strategy: rolling }')).toEqual({ strategy: 'rolling', ...base, ...kept })
  expect(await rolloutOf(ofCanary, 'rollout: { strategy: blueGreen }')).toEqual({
    strategy: 'blueGreen',
    ...base,
    ...kept,
    keepWarmMs: 60_000,
  })
  expect(await rolloutOf(ofCanary, 'rollout: { strategy: recreate }')).toMatchObject({
    strategy: 'recreate',
    maxSurge: { kind: 'count', count: 0 },
    deadlineMs: 300_000,
  })
  expect(await rolloutOf('data: { a: /a }', 'rollout: { strategy: canary }')).toMatchObject({
    strategy: 'canary',
    steps: [{ share: 0.05 }, {}, {}],
  })
})

test('an environment changes a verdict key by key', async () => {
  const keys = 'rollout: { verdict: { window: 1m, requests: 5, latency: { percentile: 99 } } }'
  const over = 'rollout: { verdict: { window: 2m, latency: { tolerance: 3 } } }'
  expect(await rolloutOf(keys, over)).toMatchObject({
    verdict: { windowMs: 120_000, requests: 5, errors: true, latency: { percentile: 99, tolerance: 3 } },
  })
})

test('an environment has its own standbys, history and rehearsals', async () => {
  const service = await serviceOf(
    'route: { listen: 80 }, standby: 1, history: 5',
    '{ p: { services: { web: { standby: 0, history: 20, rehearsal: { every: 1h } } } } }',
  )
  expect(service).toMatchObject({ history: 20, rehearsal: { everyMs: 3_600_000 } })
  expect(service).not.toHaveProperty('standby')
})
