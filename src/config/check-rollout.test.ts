import { expect, test } from 'vitest'
import { temporaryFolder } from '../system/temporary-folder.ts'
import { loadStack } from './load.ts'

/** A service whose first keys are right. */
const worker = (keys: string) => `services:\n  web: { image: nginx, port: 80, ${keys} }`
const routed = (keys: string) => `services:\n  web: { image: nginx, port: 80, route: { listen: 80 }, ${keys} }`
const canary = (keys: string) => routed(`rollout: { strategy: canary, ${keys} }`)
const judged = (keys: string) => routed(`rollout: { verdict: { ${keys} } }`)
const gate = (keys: string) => judged(`prometheus: [{ name: a, query: up, ${keys} }]`)
const others = (dependencies: Readonly<Record<string, string>>) =>
  `services:\n${Object.entries(dependencies)
    .map(([name, list]) => `  ${name}: { image: x, port: 1, dependsOn: [${list}] }`)
    .join('\n')}`
const environment = (web: string, over: string) => `${web}\nenvironments: { p: { services: { web: { ${over} } } } }`

const mistakes: readonly (readonly [
  what: string,
  text: string,
  at: readonly [line: number, column: number],
  message: string | RegExp,
  hint?: RegExp,
])[] = [
  [
    'keepWarm with rolling',
    routed('rollout: { keepWarm: 5m }'),
    [3, 68],
    'services.web.rollout.keepWarm means nothing to the strategy rolling, the default',
    /^it goes with blueGreen or canary: change `strategy`, or take `keepWarm` out$/,
  ],
  [
    'steps with blueGreen',
    routed('rollout: { strategy: blueGreen, steps: [{ share: 5% }] }'),
    [3, 89],
    'services.web.rollout.steps means nothing to the strategy blueGreen',
    /^it goes with canary:/,
  ],
  [
    'a surge with recreate',
    worker('data: { a: /data }, rollout: { maxSurge: 1 }'),
    [3, 65],
    'services.web.rollout.maxSurge means nothing to the strategy recreate, the default of a service with `data`',
    /^it goes with rolling, blueGreen or canary:/,
  ],
  [
    'a key that does not go with the strategy of an environment',
    environment(canary('keepWarm: 1m'), 'rollout: { strategy: rolling, keepWarm: 5m }'),
    [4, 71],
    'environments.p.services.web.rollout.keepWarm means nothing to the strategy rolling',
  ],
  [
    "a key that does not go with the service's strategy, in an environment that is not asked for",
    environment(routed(''), '').replace(
      '{ p:',
      '{ q: { services: { web: { rollout: { steps: [{ share: 1% }] } } } }, p:',
    ),
    [4, 52],
    'environments.q.services.web.rollout.steps means nothing to the strategy rolling, the default',
  ],
  [
    'a canary without a route',
    worker('rollout: { strategy: canary }'),
    [3, 55],
    /has no route, so there are no requests/,
  ],
  ['blueGreen without a route', worker('rollout: { strategy: blueGreen }'), [3, 55], /strategy blueGreen could move$/],
  ['no steps', canary('steps: []'), [3, 86], /must hold at least one step/],
  ['a step without a share', canary('steps: [{ for: 1m }]'), [3, 94], 'services.web.rollout.steps[0].share is missing'],
  [
    'a share that is a number',
    canary('steps: [{ share: 5 }]'),
    [3, 103],
    'services.web.rollout.steps[0].share must be text, not 5',
    /^write the number with its unit/,
  ],
  ['a share of nothing', canary('steps: [{ share: 0% }]'), [3, 103], /must be a percentage from 0.1% to 99.9%/],
  ['a share of all', canary('steps: [{ share: 100% }]'), [3, 103], /not "100%"$/],
  ['a share too fine', canary('steps: [{ share: 0.25% }]'), [3, 103], /one digit after the point/],
  [
    'a step back',
    canary('steps: [{ share: 10% }, { share: 5% }]'),
    [3, 119],
    'services.web.rollout.steps[1].share must be more than in the step before, not "5%"',
  ],
  ['a step twice', canary('steps: [{ share: 5% }, { share: 5.0% }]'), [3, 118], /must be more than in the step before/],
  ['warm for days', canary('keepWarm: 25h'), [3, 96], /must be between 0s and 24h, not "25h"/],
  ['a pause without end', routed('rollout: { maxPause: 1000h }'), [3, 78], /must be between 1s and 168h/],
  ['a long window', judged('window: 2h'), [3, 87], /must be between 0s and 1h, not "2h"/],
  ['errors as text', judged('errors: "no"'), [3, 87], /errors must be true or false, not "no"/],
  ['a low percentile', judged('latency: { percentile: 5 }'), [3, 102], /percentile must be at least 50, not 5/],
  ['a tolerance below 1', judged('latency: { tolerance: 0.5 }'), [3, 101], /tolerance must be at least 1, not 0.5/],
  [
    'a gate without bounds',
    gate('url: "http://p:9090"'),
    [3, 92],
    /prometheus\[0\] must have `min` or `max`, or both$/,
  ],
  [
    'bounds that nothing keeps to',
    gate('url: "http://p:9090", min: 2, max: 1'),
    [3, 149],
    /prometheus\[0\].max must be at least `min`, which is 2, not 1/,
  ],
  ['no address', gate('url: "prometheus:9090", min: 1'), [3, 119], /url must be an address that begins with http/],
  ['a password', gate('url: "http://a:b@p", min: 1'), [3, 119], /url must not hold a user name or a password/],
  [
    'a gate twice',
    judged(
      'prometheus: [{ name: a, query: x, url: "http://p", min: 1 }, { name: a, query: y, url: "http://p", min: 1 }]',
    ),
    [3, 148],
    /prometheus\[1\].name must be a name that no other query has, not "a"/,
  ],
  [
    'a verdict on the answers of a service without a route',
    worker('rollout: { verdict: { requests: 10 } }'),
    [3, 66],
    /has no route, so it gives no answers, and its verdict could never have the requests that it needs/,
    /take `requests` out/,
  ],
  ['latency without a route', worker('rollout: { verdict: { latency: {} } }'), [3, 56], /the latency that it needs/],
  ['many standbys', routed('standby: 101'), [3, 66], /standby must be at most 100, not 101/],
  [
    'a standby with recreate',
    routed('standby: 1, rollout: { strategy: recreate }'),
    [3, 66],
    /its strategy is recreate, and a standby would run beside the instance that must be gone/,
  ],
  ['a standby without a route', worker('standby: 1'), [3, 43], /it has no route, so there is no rotation/, /replicas/],
  [
    'a standby in an environment',
    environment(worker(''), 'standby: 2'),
    [4, 50],
    /service web can't have standbys: it has no route/,
  ],
  ['data at the root', worker('data: { a: / }'), [3, 45], /must not be the root/],
  ['data in the kernel', worker('data: { a: /proc/x }'), [3, 45], /must not be below \/dev, \/proc or \/sys/],
  ['data at a relative path', worker('data: { a: data }'), [3, 45], /must be an absolute path/],
  ['data with a long name', worker(`data: { ${'a'.repeat(33)}: /a }`), [3, 42], /at most 32 characters/],
  [
    'data where a tmpfs is',
    worker('tmpfs: [/data], data: { a: /data/ }'),
    [3, 61],
    'service web has the data a at /data and a tmpfs at /data',
  ],
  ['data below a tmpfs', worker('tmpfs: [/tmp], data: { a: /tmp/a }'), [3, 60], /the data a at \/tmp\/a and a tmpfs/],
  ['data around a tmpfs', worker('tmpfs: [/a/b], data: { a: /a }'), [3, 60], /the data a at \/a and a tmpfs at \/a\/b/],
  ['data inside of data', worker('data: { a: /a/b, b: /a }'), [3, 54], /the data a at \/a\/b and b at \/a$/],
  [
    'data of one name',
    'services:\n  web: { image: x, port: 1, data: { api-x: /x } }\n  web-api: { image: x, port: 1, data: { x: /x } }',
    [4, 41],
    'the data x of service web-api and api-x of web would have one name',
  ],
  [
    'a rehearsal beside data',
    worker('data: { a: /a }, rehearsal: { every: 1h }'),
    [3, 51],
    /it can't be rehearsed: an old version would write to the volumes/,
  ],
  ['a restless rehearsal', worker('rehearsal: { every: 30s }'), [3, 54], /must be between 1m and 720h/],
  ['no history', worker('history: 0'), [3, 43], /history must be at least 1, not 0/],
  [
    'a dependency that is not there',
    others({ web: 'apy', api: '' }),
    [3, 41],
    'service web depends on a service "apy" that the stack does not have; did you mean "api"?',
    /the services here are: web, api/,
  ],
  ['a dependency twice', others({ web: 'api, api', api: '' }), [3, 46], 'service web depends on api twice'],
  ['a dependency on itself', others({ web: 'web' }), [3, 41], 'service web depends on itself: web → web'],
  [
    'a circle',
    others({ db: '', web: 'db, api', api: 'web' }),
    [4, 45],
    'services depend on each other in a circle: web → api → web',
  ],
  ['dependencies that differ', environment(worker(''), 'dependsOn: []'), [4, 41], /"dependsOn" is not a key of/],
  ['data that differ', environment(worker(''), 'data: {}'), [4, 41], /"data" is not a key of environments.p/],
  [
    'another way back',
    `${worker('')}\nrollback: services`,
    [4, 11],
    /"stack" or "service", not "services"; did you mean/,
  ],
]

const rows = mistakes.map(([what, text, [line, column], message, hint = /./]) => ({
  what,
  text,
  at: { line, column },
  message: typeof message === 'string' ? message : expect.stringMatching(message),
  hint: expect.stringMatching(hint),
}))

test.each(rows)('$what: refused with its place', async ({ text, at, message, hint }) => {
  await using folder = await temporaryFolder()
  const file = await folder.write('repave.yaml', `stack: shop\n${text}\n`)
  const environments = text.includes('environments:') ? { environment: 'p' } : {}
  const error: unknown = await loadStack({ folder: folder.path, ...environments }).then(
    () => 'accepted',
    (reason: unknown) => reason,
  )
  expect(error).toMatchObject({ message, hint, at: { file, ...at }, code: 'FILE_INVALID' })
})

const fine: readonly (readonly [what: string, text: string])[] = [
  [
    'a verdict without a route',
    worker('rollout: { verdict: { prometheus: [{ name: a, url: "https://p/x", query: q, max: 0 }] } }'),
  ],
  ['data that another strategy may replace', worker('data: { a: /a }, rollout: { strategy: rolling, maxSurge: 1 }')],
  ['no standby with recreate', worker('standby: 0, rollout: { strategy: recreate }')],
  ['a standby in the place of a surge', routed('standby: 1, rollout: { maxSurge: 0 }')],
  ['no surge where the whole new fleet comes beside the old one', canary('maxSurge: 0')],
  ['one gate bound twice', gate('url: "http://p", min: 1, max: 1')],
  ['a path that begins as another', worker('tmpfs: [/data], data: { a: /database }')],
  ['a chain and a diamond', others({ a: 'b, c', b: 'd', c: 'd', d: '' })],
]

test.each(fine)('%s: accepted', async (_, text) => {
  await using folder = await temporaryFolder()
  await folder.write('repave.yaml', `stack: shop\n${text}\n`)
  expect((await loadStack({ folder: folder.path })).stack.stack).toBe('shop')
})

test('many dependencies that are not there take no great time to tell', async () => {
  await using folder = await temporaryFolder()
  const missing = Array.from({ length: 20 }, (_, index) => `z${index}`)
  const services = Array.from({ length: 2_000 }, (_, index) => [
    `s${index}`,
    { image: 'x', port: 1, dependsOn: missing },
  ])
  await folder.write('repave.json', JSON.stringify({ stack: 'shop', services: Object.fromEntries(services) }))
  await expect(loadStack({ folder: folder.path })).rejects.toMatchObject({
    message: expect.stringMatching(/and 39990 more$/),
  })
})
