import { promisify } from 'node:util'
import { execFile, execFileSync } from 'node:child_process'
import { symlink } from 'node:fs/promises'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { RepaveError } from '../errors.ts'
import { temporaryFolder } from '../system/temporary-folder.ts'
import type { StackInput } from './definition.ts'
import { loadStack } from './load.ts'

const small = 'stack: shop\nservices: { web: { image: nginx, port: 80 } }\n'

test('the one stack file of a folder is found', async () => {
  await using folder = await temporaryFolder()
  await expect(loadStack({ folder: folder.path })).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
  const file = await folder.write('repave.yml', small)
  expect(await loadStack({ folder: folder.path })).toMatchObject({ file, stack: { environment: 'default' } })
  await folder.write('repave.json', '{}')
  await expect(loadStack({ folder: folder.path })).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('repave.yml, repave.json'),
  })
  expect(await loadStack({ folder: folder.path, file: 'repave.yml' })).toMatchObject({ file })
})

test('what a stack file leaves out has a default', async () => {
  await using folder = await temporaryFolder()
  await folder.write('repave.yaml', small)
  const { stack } = await loadStack({ folder: folder.path })
  expect(stack).toStrictEqual({
    stack: 'shop',
    environment: 'default',
    services: {
      web: {
        image: { kind: 'reference', reference: 'nginx' },
        environment: {},
        port: 80,
        routes: [],
        health: { kind: 'tcp', intervalMs: 1000, timeoutMs: 1000, healthyAfter: 1, unhealthyAfter: 3 },
        resources: { cpuMillis: 1000, memoryBytes: 268_435_456, pids: 256 },
        tmpfs: [],
        replicas: 1,
        rollout: {
          strategy: 'rolling',
          maxSurge: { kind: 'share', share: 0.25 },
          maxUnavailable: { kind: 'count', count: 0 },
          deadlineMs: 60_000,
        },
        drainMs: 30_000,
      },
    },
  })
})

test('names that every object has are names like others', async () => {
  await using folder = await temporaryFolder()
  const service = 'constructor: { image: nginx, port: 80, environment: { toString: a, constructor: b } }'
  await folder.write('repave.yaml', `stack: shop\nservices: { ${service} }\nenvironments: { constructor: {} }\n`)
  const { stack } = await loadStack({ folder: folder.path })
  expect(stack.environment).toBe('constructor')
  expect(Object.entries(stack.services)).toMatchObject([
    ['constructor', { image: { reference: 'nginx' }, environment: { toString: 'a', constructor: 'b' } }],
  ])
})

test.each(['yaml', 'json', 'ts'])('a great many mistakes in a .%s take no great time to tell', async (ending) => {
  await using folder = await temporaryFolder()
  const keys = Array.from({ length: 40_000 }, (_, index) => `"k${index}": 1`).join(',\n')
  const routes = Array(20_000).fill('{ "pth": "/" }').join(',')
  const web = `{ "image": "nginx", "port": 80, "route": [${routes}] }`
  const text = `{"stack": "shop", "services": { "web": ${web} },\n${keys}}`
  const file = await folder.write(`repave.${ending}`, ending === 'ts' ? `export default ${text}` : text)
  await expect(loadStack({ folder: folder.path })).rejects.toMatchObject({
    code: 'FILE_INVALID',
    message: expect.stringMatching(/and \d{5} more$/),
    at: { file, line: 1 },
  })
})

test('what a stack file says arrives', async () => {
  await using folder = await temporaryFolder()
  await folder.write('web/Dockerfile', 'FROM scratch\n')
  await folder.write('tls/a.pem', '')
  await folder.write('tls/a.key', '')
  await folder.write('repave.yaml', everything)
  const { stack } = await loadStack({ folder: folder.path, environment: 'staging' })
  expect(stack.services).toEqual({
    web: {
      image: {
        kind: 'build',
        dockerfile: `${folder.path}/web/Dockerfile`,
        context: `${folder.path}/web`,
        arguments: { VERSION: '7' },
      },
      command: ['/usr/bin/web', '--port', '8080'],
      environment: { LOG_LEVEL: 'debug', MODE: 'test' },
      user: '1000',
      port: 8080,
      routes: [
        { listen: { address: '0.0.0.0', port: 8080 }, host: 'shop.localhost', path: '/' },
        {
          listen: { address: '::1', port: 8443 },
          path: '/api',
          tls: { certificate: `${folder.path}/tls/a.pem`, key: `${folder.path}/tls/a.key` },
        },
      ],
      health: { kind: 'http', path: '/healthz', intervalMs: 500, timeoutMs: 250, healthyAfter: 2, unhealthyAfter: 5 },
      resources: { cpuMillis: 500, memoryBytes: 134_217_728, pids: 64 },
      tmpfs: ['/run', '/tmp'],
      replicas: 2,
      rollout: {
        strategy: 'rolling',
        maxSurge: { kind: 'share', share: 1 },
        maxUnavailable: { kind: 'count', count: 1 },
        deadlineMs: 120_000,
      },
      drainMs: 5000,
    },
    worker: expect.objectContaining({ health: expect.objectContaining({ kind: 'process' }), routes: [] }),
  })
})

const everything = `
$schema: ./schema.json
stack: shop
services:
  web:
    build: { dockerfile: ./web/Dockerfile, arguments: { VERSION: "7" } }
    command: [/usr/bin/web, --port, "8080"]
    environment: { LOG_LEVEL: info, MODE: test }
    user: 1000
    port: 8080
    route:
      - { listen: 8080, host: Shop.localhost }
      - { listen: "[0:0:0:0:0:0:0:1]:8443", path: /api/, tls: { certificate: tls/a.pem, key: tls/a.key } }
    health: { http: /healthz, interval: 500ms, timeout: 250ms, healthyAfter: 2, unhealthyAfter: 5 }
    resources: { cpus: 0.5, memory: 128MiB, pids: 64 }
    tmpfs: [/tmp/, /run]
    replicas: 3
    rollout: { maxSurge: 1, maxUnavailable: 1, deadline: 2m }
  worker: { image: "registry.example.com:5000/acme/worker:1.2", command: [/work] }
environments:
  staging:
    services:
      web: { replicas: 2, drain: 5s, rollout: { maxSurge: 100% }, environment: { LOG_LEVEL: debug } }
  production: {}
`

test('the environment has to be known, and to be named where there are several', async () => {
  await using folder = await temporaryFolder()
  const load = (environment?: string) => loadStack({ folder: folder.path, environment })
  await folder.write('repave.yaml', small)
  expect((await load('default')).stack.environment).toBe('default')
  await expect(load('staging')).rejects.toMatchObject({ code: 'ENVIRONMENT_UNKNOWN' })
  await folder.write('repave.yaml', `${small}environments: { staging: {} }\n`)
  expect((await load()).stack.environment).toBe('staging')
  await folder.write('repave.yaml', `${small}environments: { staging: {}, production: {} }\n`)
  await expect(load()).rejects.toMatchObject({ code: 'USAGE', at: { line: 3 } })
  await expect(load('prodution')).rejects.toMatchObject({
    code: 'ENVIRONMENT_UNKNOWN',
    message: expect.stringContaining('did you mean "production"?'),
  })
  await expect(load('constructor')).rejects.toMatchObject({ code: 'ENVIRONMENT_UNKNOWN' })
})

test('what is no text file of a modest size is refused, and never waited for', async () => {
  await using folder = await temporaryFolder()
  const refusal = (file: string) => loadStack({ folder: folder.path, file }).then(String, (error: unknown) => error)
  await folder.write('large.yaml', `${small}#${'x'.repeat(1024 * 1024)}`)
  await folder.write('latin.yaml', Buffer.from('stack: caf\xe9', 'latin1'))
  await folder.write('nul.yaml', `${small}\0`)
  await folder.write('stack.toml', small)
  await folder.write('folder.yaml/inside', '')
  await symlink('/dev/zero', `${folder.path}/device.yaml`)
  await symlink('loop.yaml', `${folder.path}/loop.yaml`)
  execFileSync('/usr/bin/mkfifo', [`${folder.path}/pipe.yaml`])
  expect(await refusal('large.yaml')).toMatchObject({ code: 'FILE_TOO_LARGE' })
  expect(await refusal('latin.yaml')).toMatchObject({ code: 'FILE_SYNTAX' })
  expect(await refusal('nul.yaml')).toMatchObject({ code: 'FILE_SYNTAX' })
  expect(await refusal('stack.toml')).toMatchObject({ code: 'USAGE' })
  expect(await refusal('folder.yaml')).toMatchObject({ code: 'FILE_UNREADABLE' })
  expect(await refusal('device.yaml')).toMatchObject({ code: 'FILE_UNREADABLE' })
  expect(await refusal('loop.yaml')).toMatchObject({ code: 'FILE_UNREADABLE' })
  expect(await refusal('pipe.yaml')).toMatchObject({ code: 'FILE_UNREADABLE' })
  expect(await refusal('absent.yaml')).toMatchObject({ code: 'FILE_NOT_FOUND' })
})

test('a part of a stack is found where the file says it', async () => {
  await using folder = await temporaryFolder()
  const file = await folder.write('repave.yaml', everything)
  for (const name of ['web/Dockerfile', 'tls/a.pem', 'tls/a.key']) await folder.write(name, 'x')
  const { positionOf } = await loadStack({ folder: folder.path, environment: 'staging' })
  expect(positionOf(['services', 'web', 'build', 'dockerfile'])).toEqual({ file, line: 6, column: 26 })
  expect(positionOf(['services', 'web', 'route', 1])).toEqual({ file, line: 13, column: 9 })
  expect(positionOf(['services', 'web', 'drain'])).toEqual({ file, line: 23, column: 34 })
  expect(positionOf(['services', 'worker'])).toEqual({ file, line: 19, column: 3 })
})

/** Asks Node.js itself: within the tests, Vite imports TypeScript in its place, with errors of its own. */
async function refusalInNode(folder: string, file: string): Promise<unknown> {
  const load = JSON.stringify(new URL('load.ts', import.meta.url).href)
  const program = `const { loadStack } = await import(${load})
    const error = await loadStack({ folder: process.argv[1], file: process.argv[2] }).catch((error) => error)
    console.log(JSON.stringify({ code: error.code, message: error.message, at: error.at }))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, folder, file])
  return JSON.parse(stdout)
}

test('an error of a TypeScript file names the line where that can be known', async () => {
  await using folder = await temporaryFolder()
  let round = 0
  const refusal = async (text: string) => refusalInNode(folder.path, await folder.write(`${++round}.ts`, text))
  expect(await refusal('\nexport default {')).toMatchObject({ code: 'FILE_SYNTAX', at: { line: 2 } })
  expect(await refusal('\n throw new Error("no")')).toMatchObject({ code: 'FILE_SYNTAX', at: { line: 2, column: 8 } })
  const wrong = `export default {\n stack: 'shop',\n services: { web: { image: 'nginx', 'port': 0 } },\n}`
  expect(await refusal(wrong)).toMatchObject({ code: 'FILE_INVALID', at: { line: 3, column: 37 } })
  expect(await refusal(wrong.replace('0 }', 'NaN }'))).toMatchObject({ message: expect.stringMatching(/not NaN$/) })
  const twice = wrong.replace('web:', `a: { image: 'x', port: 1 }, web:`)
  expect(await refusal(twice)).toMatchObject({ code: 'FILE_INVALID', at: { line: 3, column: 42 } })
})

test('an empty document is no stack', async () => {
  await using folder = await temporaryFolder()
  await folder.write('repave.yaml', '---\n')
  const refusal = await loadStack({ folder: folder.path }).then(String, (error: unknown) => error)
  expect(refusal).toMatchObject({ code: 'FILE_INVALID', message: 'the stack file must be a map, not null' })
  expect(refusal).not.toMatchObject({ hint: expect.stringContaining('undefined') })
})

/** Of January 2020. */
const expiredCertificate = `
-----BEGIN CERTIFICATE-----
MIIBXTCCAQKgAwIBAgIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARzaG9wMB4X
DTIwMDEwMTAwMDAwMFoXDTIwMDIwMTAwMDAwMFowDzENMAsGA1UEAwwEc2hvcDBZ
MBMGByqGSM49AgEGCCqGSM49AwEHA0IABJF+wAX5e2URFnsEy5Uv8G1bETLoP2CR
HsQTd8A66mf4XqG1qhxyTYeET+D0y/qV4PiuPnLs/K18+U3etladVBmjTzBNMAkG
A1UdEwQCMAAwHQYDVR0OBBYEFDwE7bPXCg4aTF2af0OeBjaIeeGKMCEGA1UdIwQa
MBihE6QRMA8xDTALBgNVBAMMBHNob3CCAQIwCgYIKoZIzj0EAwIDSQAwRgIhAOJd
WVdHxeeHoZhY6PB6WzrVGQNkafV+CTbUF9wtG3dbAiEAs+4vJI4cA/U7IE4pNdaX
n2ytDcri1GNiKWAsv6rWGkw=
-----END CERTIFICATE-----
`

test('a certificate outside of its time is refused', async () => {
  await using folder = await temporaryFolder()
  const tls = '{ certificate: ./a.pem, key: ./a.key }'
  const route = `{ listen: 8443, tls: ${tls} }`
  await folder.write('a.pem', expiredCertificate)
  await folder.write('a.key', 'the router looks at it')
  await folder.write('repave.yaml', `stack: shop\nservices: { web: { image: nginx, port: 80, route: ${route} } }\n`)
  await expect(loadStack({ folder: folder.path })).rejects.toMatchObject({
    code: 'CERTIFICATE_INVALID',
    message: expect.stringContaining('has expired on 2020-02-01'),
    at: { line: 2 },
  })
})

test('a byte order mark changes nothing', async () => {
  await using folder = await temporaryFolder()
  await folder.write('repave.yaml', `\uFEFF${small}`)
  expect((await loadStack({ folder: folder.path })).stack.stack).toBe('shop')
})

const name = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/)
const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0') && value.isWellFormed())
const anyGate = fc.record({
  name,
  url: fc.constant('http://p:9090'),
  query: fc.constant('up'),
  min: fc.double({ noNaN: true, noDefaultInfinity: true }),
})
const anyVerdict = fc.record(
  {
    window: fc.constantFrom('0s', '30s', '1h'),
    errors: fc.boolean(),
    prometheus: fc.uniqueArray(anyGate, { minLength: 1, maxLength: 2, selector: (gate) => gate.name }),
  },
  { requiredKeys: [] },
)
const service = fc.record(
  {
    image: fc.constantFrom('nginx', 'ghcr.io/acme/web:1.4'),
    port: fc.integer({ min: 1, max: 65_535 }),
    command: fc.array(text, { minLength: 1, maxLength: 4 }),
    environment: fc.dictionary(fc.stringMatching(/^[A-Z][A-Z0-9_]{0,8}$/), text, { maxKeys: 4 }),
    user: fc.oneof(fc.nat(100_000), fc.constant('app')),
    health: fc.record({ http: fc.constant('/up'), interval: fc.constantFrom('500ms', '2s') }, { requiredKeys: [] }),
    resources: fc.record({ cpus: fc.constantFrom(0.5, 1.25), memory: fc.constant('64MiB') }, { requiredKeys: [] }),
    tmpfs: fc.subarray(['/run', '/tmp']),
    replicas: fc.nat(1000),
    drain: fc.constantFrom('0s', '1m'),
    history: fc.integer({ min: 1, max: 1000 }),
    data: fc.dictionary(name, fc.constant('/data'), { maxKeys: 1 }),
    rollout: fc.record(
      { deadline: fc.constantFrom('10s', '1h'), maxPause: fc.constantFrom('1s', '1h'), verdict: anyVerdict },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ['image', 'port'] },
)
const anyStack = fc.record({ stack: name, services: fc.dictionary(name, service, { minKeys: 1, maxKeys: 3 }) })

test('a stack means the same in YAML, JSON and TypeScript', { timeout: 60_000 }, async () => {
  await using folder = await temporaryFolder()
  let round = 0
  const check = async (input: StackInput): Promise<void> => {
    const written = JSON.stringify(input)
    const files = [
      await folder.write(`${++round}.yaml`, stringify(input)),
      await folder.write(`${round}.json`, written),
      await folder.write(`${round}.ts`, `export default ${JSON.stringify(input)}`),
    ]
    const [yaml, json, typescript] = await Promise.all(files.map((file) => loadStack({ folder: folder.path, file })))
    expect(json?.stack).toEqual(yaml?.stack)
    expect(typescript?.stack).toEqual(yaml?.stack)
  }
  await fc.assert(fc.asyncProperty(anyStack, check), { numRuns: 50 })
})

test('a bound of nothing has no sign, in YAML as in JSON', async () => {
  await using folder = await temporaryFolder()
  const gate = '{ name: lag, url: "http://prometheus:9090", query: lag, min: -0 }'
  const web = `{ image: nginx, port: 80, rollout: { verdict: { prometheus: [${gate}] } } }`
  await folder.write('repave.yaml', `stack: shop\nservices: { web: ${web} }\n`)
  const { stack } = await loadStack({ folder: folder.path })
  expect(stack.services.web?.rollout.verdict?.prometheus?.[0]?.min).toBe(0)
})

test('whatever a file holds, it is a stack or a clear error', { timeout: 60_000 }, async () => {
  await using folder = await temporaryFolder()
  const broken = fc
    .tuple(anyStack, fc.nat(), fc.jsonValue())
    .map(([stack, place, value]) => withValueAt(stack, place, value))
  const contents = fc.oneof(broken, fc.jsonValue(), fc.dictionary(fc.constantFrom('stack', 'services'), fc.jsonValue()))
  const check = async (content: unknown): Promise<void> => {
    const file = await folder.write('repave.json', JSON.stringify(content))
    const outcome: unknown = await loadStack({ folder: folder.path, file }).catch((error: unknown) => error)
    const refusal = { exitCode: 2, at: { file, line: 1 }, hint: expect.stringMatching(/./) }
    expect(outcome).toMatchObject(outcome instanceof RepaveError ? refusal : { stack: expect.anything() })
  }
  await fc.assert(fc.asyncProperty(contents, check), { numRuns: 300 })
})

/** `root` with another value at one of its places, counted from the top. */
function withValueAt(root: object, place: number, value: unknown): unknown {
  const written = JSON.stringify(root)
  const places = [...written.matchAll(/(?<=:|\[|,)(?:"(?:[^"\\]|\\.)*"|[0-9.]+)(?=[,\]}])/g)]
  const match = places[place % places.length]
  if (!match) return root
  return JSON.parse(
    written.slice(0, match.index) + JSON.stringify(value) + written.slice(match.index + match[0].length),
  )
}

const typed = (stack: string) => `import { defineStack } from 'repave'\nexport default defineStack(${stack})\n`
const typescript: readonly (readonly [content: string, outcome: object])[] = [
  [
    typed("{ stack: 'shop', services: { web: { image: 'nginx', port: 80 as number, user: undefined } } }"),
    { stack: expect.objectContaining({ stack: 'shop' }) },
  ],
  [
    typed("{ stack: 'shop', services: { web: { image: 'x', port: 80, replicas: '3' } } }"),
    { code: 'FILE_INVALID', message: expect.stringMatching(/^services\.web\.replicas must be a whole number/) },
  ],
  [typed("{ stack: 'a', services: { web: { image: () => 1 } } }"), { message: 'services.web.image is not plain data' }],
  [typed('new Map()'), { message: 'the default export is not plain data' }],
  [`const loop = {}; loop.loop = loop; export default loop`, { message: expect.stringContaining('nested too deeply') }],
  [`export default { ['__proto__']: {} }`, { message: expect.stringContaining('"__proto__"') }],
  ['export const stack = {}', { code: 'FILE_INVALID', message: expect.stringContaining('no default export') }],
  ['export default {', { code: 'FILE_SYNTAX' }],
  ["throw new Error('oh no')", { code: 'FILE_SYNTAX', message: expect.stringContaining('oh no') }],
  ["import 'nothing-of-the-kind'", { code: 'FILE_SYNTAX' }],
]

test('a stack file in TypeScript is typed by the package, run by Node, and its keys named in errors', async () => {
  await using folder = await temporaryFolder()
  const files = await Promise.all(typescript.map(([content], index) => folder.write(`${index}.ts`, content)))
  const outcomes = loadInNode(files)
  expect(outcomes).toEqual(
    typescript.map(([, outcome], index) => expect.objectContaining({ ...outcome, file: files[index] })),
  )
})

/** In a process of its own, as a command would: the test runner has its own way of importing. */
function loadInNode(files: readonly string[]): unknown {
  const program = `
    import { loadStack } from ${JSON.stringify(new URL('load.ts', import.meta.url).href)}
    const load = (file) => loadStack({ folder: '/', file }).catch((error) => error.report())
    console.log(JSON.stringify(await Promise.all(process.argv.slice(1).map(load))))`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program, ...files], { encoding: 'utf8' })
  return JSON.parse(output)
}
