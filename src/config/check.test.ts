import { symlink } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { ErrorCode } from '../errors.ts'
import { temporaryFolder } from '../system/temporary-folder.ts'
import { loadStack } from './load.ts'

interface Mistake {
  readonly what: string
  /** What follows `stack: shop`, from line 2. */
  readonly text: string
  readonly code?: ErrorCode
  readonly message: string | RegExp
  readonly hint?: string | RegExp
  readonly line: number
  readonly column: number
}

/** Services whose first keys are right. */
const web = (keys: string) => `services:\n  web: { image: nginx, port: 80, ${keys} }`
const two = (one: string, other: string) =>
  `services:\n  a: { image: x, port: 80, ${one} }\n  b: { image: x, port: 80, ${other} }`

const mistakes: readonly Mistake[] = [
  {
    what: 'a misspelt key',
    text: web('replica: 3'),
    message: '"replica" is not a key of services.web; did you mean "replicas"?',
    hint: /^the keys here are: image, build, /,
    line: 3,
    column: 34,
  },
  {
    what: 'a misspelt key at the top',
    text: `${web('')}\nservice: {}`,
    message: '"service" is not a key; did you mean "services"?',
    line: 4,
    column: 1,
  },
  ...['secrets', 'scale', 'prototype', 'constructor'].map((key) => ({
    what: `the key ${key}`,
    text: web(`${key}: {}`),
    message: `"${key}" is not a key of services.web`,
    line: 3,
    column: 34,
  })),
  {
    what: 'approvals',
    text: `${web('')}\nenvironments: { p: { approvals: {} } }`,
    message: /^"approvals" is not a key of environments.p/,
    line: 4,
    column: 22,
  },
  {
    what: 'limits that nothing tightens to',
    text: web('guard: { escalation: { action: hold, limits: { pids: 8 } } }'),
    message: 'guard.escalation.limits of service web means nothing to the action hold',
    hint: 'set `action: tighten`, or take `limits` out',
    line: 3,
    column: 71,
  },
  {
    what: 'tightening to nothing',
    text: web('guard: { escalation: { action: tighten } }'),
    message: 'service web does not say to what its limits are tightened',
    hint: /^add `limits` beside `action`/,
    line: 3,
    column: 65,
  },
  {
    what: 'limits that are no tighter',
    text: web('guard: { escalation: { action: tighten, limits: { memory: 512MiB, cpus: 0.5 } } }'),
    message: 'memory of service web would not be tightened: 512MiB is more than the 256MiB that it has',
    hint: 'lower it, or raise resources.memory of the service',
    line: 3,
    column: 92,
  },
  {
    what: 'another strategy',
    text: web('rollout: { strategy: blue-green }'),
    message:
      'services.web.rollout.strategy must be "rolling" or "recreate" or "blueGreen" or "canary", not "blue-green"; did you mean "blueGreen"?',
    line: 3,
    column: 55,
  },
  {
    what: 'a step that waits for nothing',
    text: web('route: { listen: 80 }, rollout: { strategy: canary, steps: [{ share: 5%, for: 0s, requests: 0 }] }'),
    message: 'services.web.rollout.steps[0] must be held for a time or a number of requests',
    line: 3,
    column: 94,
  },
  { what: 'no services', text: 'services: {}', message: 'services must hold at least one service', line: 2, column: 1 },
  {
    what: 'a misspelt key that is needed',
    text: 'service: { web: { image: nginx, port: 80 } }',
    message: '"service" is not a key; did you mean "services"?',
    line: 2,
    column: 1,
  },
  { what: 'nothing but a name', text: '', message: 'services is missing', line: 1, column: 1 },
  {
    what: 'a service without content',
    text: 'services:\n  web:',
    message: 'services.web must be a map, not null',
    line: 3,
    column: 3,
  },
  {
    what: 'a service that is text',
    text: 'services: { web: nginx }',
    message: 'services.web must be a map, not "nginx"',
    line: 2,
    column: 18,
  },
  {
    what: 'a bad name',
    text: 'services: { Web: { image: x, port: 1 } }',
    message: /^services.Web must be lower-case/,
    line: 2,
    column: 13,
  },
  {
    what: 'a long name',
    text: `services: { ${'a'.repeat(33)}: { image: x, port: 1 } }`,
    message: /at most 32/,
    line: 2,
    column: 13,
  },
  {
    what: 'a double dash',
    text: 'services: { a--b: { image: x, port: 1 } }',
    message: /single dashes/,
    line: 2,
    column: 13,
  },
  {
    what: 'neither image nor build',
    text: 'services:\n  web: { port: 80 }',
    message: 'service web has no image',
    line: 3,
    column: 3,
  },
  {
    what: 'image and build',
    text: web('build: { dockerfile: D }'),
    message: /both `image` and `build`/,
    line: 3,
    column: 34,
  },
  {
    what: 'neither port nor command',
    text: 'services:\n  web: { image: x }',
    message: /neither a port nor a command/,
    line: 3,
    column: 3,
  },
  {
    what: 'a bad image reference',
    text: 'services:\n  web: { image: "Nginx latest", port: 1 }',
    message: /must be an image reference/,
    line: 3,
    column: 17,
  },
  {
    what: 'a command line',
    text: web('command: /bin/web --port 80'),
    message: 'services.web.command must be a list, not "/bin/web --port 80"',
    hint: /command: \["\/bin\/web", "--port", "80"\]/,
    line: 3,
    column: 43,
  },
  {
    what: 'a number in a command',
    text: web('command: [/bin/web, 80]'),
    message: /command\[1\] must be text, not 80/,
    hint: /in quotes: "80"/,
    line: 3,
    column: 54,
  },
  {
    what: 'an empty command',
    text: web('command: []'),
    message: /must hold at least the program/,
    line: 3,
    column: 34,
  },
  {
    what: 'a number as variable',
    text: web('environment: { A: 1 }'),
    message: /environment.A must be text, not 1/,
    hint: /in quotes: "1"/,
    line: 3,
    column: 52,
  },
  {
    what: 'a boolean as variable',
    text: web('environment: { A: true }'),
    message: /must be text, not true/,
    hint: /in quotes: "true"/,
    line: 3,
    column: 52,
  },
  {
    what: 'a variable with a NUL',
    text: web('environment: { A: "a\\0b" }'),
    message: /must not hold a NUL/,
    line: 3,
    column: 52,
  },
  {
    what: 'a bad variable name',
    text: web('environment: { 1A: x }'),
    message: /must be a variable name/,
    line: 3,
    column: 49,
  },
  {
    what: 'port 0',
    text: 'services: { web: { image: x, port: 0 } }',
    message: 'services.web.port must be at least 1, not 0',
    line: 2,
    column: 36,
  },
  {
    what: 'port 65536',
    text: 'services: { web: { image: x, port: 65536 } }',
    message: /must be at most 65535/,
    line: 2,
    column: 36,
  },
  {
    what: 'a port in quotes',
    text: 'services: { web: { image: x, port: "80" } }',
    message: /must be a whole number, not "80"/,
    hint: /without quotes: 80/,
    line: 2,
    column: 36,
  },
  {
    what: 'half a port',
    text: 'services: { web: { image: x, port: 80.5 } }',
    message: /must be a whole number, not 80.5/,
    line: 2,
    column: 36,
  },
  {
    what: 'a duration without a unit',
    text: web('drain: 30'),
    message: /drain must be text, not 30/,
    hint: /write the number with its unit/,
    line: 3,
    column: 41,
  },
  {
    what: 'a wrong unit',
    text: web('drain: 3 weeks'),
    message: /must be a whole number with a unit: ms, s, m or h, not "3 weeks"/,
    line: 3,
    column: 41,
  },
  {
    what: 'a long interval',
    text: web('health: { interval: 1h }'),
    message: /must be between 100ms and 10m, not "1h"/,
    line: 3,
    column: 54,
  },
  {
    what: "Kubernetes' sizes",
    text: web('resources: { memory: 128Mi }'),
    message: /KiB, MiB.*not "128Mi"/,
    line: 3,
    column: 55,
  },
  {
    what: 'too little memory',
    text: web('resources: { memory: 5MiB }'),
    message: /must be at least 6MiB/,
    line: 3,
    column: 55,
  },
  { what: 'too many replicas', text: web('replicas: 1001'), message: /must be at most 1000/, line: 3, column: 44 },
  { what: 'fewer replicas than none', text: web('replicas: -1'), message: /must be at least 0/, line: 3, column: 44 },
  { what: 'no CPU', text: web('resources: { cpus: 0 }'), message: /must be at least 0.01/, line: 3, column: 53 },
  {
    what: 'infinite CPUs',
    text: web('resources: { cpus: .inf }'),
    message: /cpus must be a number/,
    line: 3,
    column: 53,
  },
  { what: 'a writable root', text: web('tmpfs: [/]'), message: /must not be the root/, line: 3, column: 42 },
  { what: 'a relative tmpfs', text: web('tmpfs: [tmp]'), message: /must be an absolute path/, line: 3, column: 42 },
  { what: 'a tmpfs over the kernel', text: web('tmpfs: [/proc/x]'), message: /must not be below/, line: 3, column: 42 },
  {
    what: 'a value that no process takes',
    text: web(`environment: { A: ${'x'.repeat(32_769)} }`),
    message: /services.web.environment.A must be at most 32768 characters long, not "x+…/,
    line: 3,
    column: 52,
  },
  {
    what: 'a process that is looked at too late',
    text: 'services:\n  web: { image: nginx, command: [/w], health: { interval: 1m }, rollout: { deadline: 1m } }',
    message: /could never become healthy in time/,
    line: 3,
    column: 86,
  },
  { what: 'a tmpfs that climbs', text: web('tmpfs: [/tmp/../etc]'), message: /segments/, line: 3, column: 42 },
  {
    what: 'a tmpfs twice',
    text: web('tmpfs: [/tmp, /tmp/]'),
    message: /writable path \/tmp twice/,
    line: 3,
    column: 48,
  },
  {
    what: 'a route without a port',
    text: 'services:\n  web: { image: x, command: [x], route: { listen: 80 } }',
    message: 'service web has a route but no port',
    line: 3,
    column: 34,
  },
  {
    what: 'a route without listen',
    text: web('route: { path: / }'),
    message: 'services.web.route.listen is missing',
    line: 3,
    column: 34,
  },
  {
    what: 'a route that is a number',
    text: web('route: 8080'),
    message: 'services.web.route must be a map or a list, not 8080',
    line: 3,
    column: 41,
  },
  {
    what: 'a listen address that is a name',
    text: web('route: { listen: "localhost:80" }'),
    message: /must be a port, or an IP address and a port/,
    line: 3,
    column: 51,
  },
  {
    what: 'a listen port out of range',
    text: web('route: { listen: "127.0.0.1:70000" }'),
    message: /is not an IP address and a port/,
    line: 3,
    column: 51,
  },
  {
    what: 'a route path with a query',
    text: web('route: { listen: 80, path: "/a?b" }'),
    message: /must begin with a slash/,
    line: 3,
    column: 61,
  },
  {
    what: 'a route path that climbs',
    text: web('route: { listen: 80, path: /a/../b }'),
    message: /segments/,
    line: 3,
    column: 61,
  },
  {
    what: 'a host with a port',
    text: web('route: { listen: 80, host: "a:80" }'),
    message: /host name without a port/,
    line: 3,
    column: 61,
  },
  {
    what: 'a route twice',
    text: two(
      'route: { listen: 80, host: A, path: /x }',
      'route: [{ listen: 81 }, { listen: 80, host: a, path: /x/ }]',
    ),
    message: 'services a and b both have the route http://a:80/x',
    line: 4,
    column: 52,
  },
  {
    what: 'a port with and without TLS',
    text: two('route: { listen: 80 }', 'route: { listen: 80, host: a, tls: { certificate: c, key: k } }'),
    message: /port 80 with and without TLS/,
    line: 4,
    column: 28,
  },
  {
    what: 'a port on all addresses and on one',
    text: two('route: { listen: 80 }', 'route: { listen: "127.0.0.1:80", host: a }'),
    message: /port 80 is listened on at 0.0.0.0 \(a\) and at 127.0.0.1 \(b\)/,
    line: 4,
    column: 28,
  },
  {
    what: 'two kinds of health',
    text: web('health: { http: /, tcp: true }'),
    message: /two kinds/,
    line: 3,
    column: 53,
  },
  { what: 'tcp: false', text: web('health: { tcp: false }'), message: /must be true, not false/, line: 3, column: 49 },
  {
    what: 'health over HTTP without a port',
    text: 'services:\n  web: { image: x, command: [x], health: { http: / } }',
    message: /over http but no port/,
    line: 3,
    column: 44,
  },
  {
    what: 'a health path with a space',
    text: web('health: { http: "/a b" }'),
    message: /must be a path/,
    line: 3,
    column: 50,
  },
  {
    what: 'no room to replace',
    text: web('rollout: { maxSurge: 0 }'),
    message: /could never be replaced/,
    line: 3,
    column: 55,
  },
  {
    what: 'no room, by a share',
    text: web('replicas: 3, rollout: { maxSurge: 0%, maxUnavailable: 30% }'),
    message: /could never be replaced/,
    line: 3,
    column: 68,
  },
  {
    what: 'a floor of nothing',
    text: web('replicas: 2, rollout: { maxUnavailable: 2 }'),
    message: /would have no floor/,
    hint: /100%/,
    line: 3,
    column: 74,
  },
  {
    what: 'a share above all',
    text: web('rollout: { maxSurge: 101% }'),
    message: /percentage from 0% to 100%/,
    line: 3,
    column: 55,
  },
  {
    what: 'a floor of nothing in an environment',
    text: `${web('replicas: 3, rollout: { maxUnavailable: 1 }')}\nenvironments: { p: { services: { web: { replicas: 1 } } } }`,
    message: /would have no floor/,
    line: 3,
    column: 74,
  },
  {
    what: 'a deadline before health',
    text: web('health: { interval: 1m, healthyAfter: 3 }'),
    message: /could never become healthy in time/,
    line: 3,
    column: 3,
  },
  {
    what: 'an environment for another service',
    text: `${web('')}\nenvironments:\n  p: { services: { wbe: {} } }`,
    message: /a service "wbe" that the stack does not have; did you mean "web"\?/,
    line: 5,
    column: 20,
  },
  {
    what: 'a key that no environment may change',
    text: `${web('')}\nenvironments:\n  p: { services: { web: { image: x } } }`,
    message: /^"image" is not a key of environments.p.services.web/,
    line: 5,
    column: 27,
  },
  {
    what: 'a path with a line break',
    text: web('route: { listen: 443, tls: { certificate: "a\\nb", key: k } }'),
    message: /certificate must be a path, without control characters/,
    line: 3,
    column: 76,
  },
  {
    what: 'no Dockerfile',
    text: 'services:\n  a: { port: 1, build: { dockerfile: absent/D } }',
    code: 'FILE_NOT_FOUND',
    message: /the build context of service a does not exist/,
    line: 3,
    column: 17,
  },
  {
    what: 'no Dockerfile in the context',
    text: 'services:\n  a: { port: 1, build: { dockerfile: Absent } }',
    code: 'FILE_NOT_FOUND',
    message: /the Dockerfile of service a does not exist/,
    line: 3,
    column: 38,
  },
  {
    what: 'a folder as Dockerfile',
    text: 'services:\n  a: { port: 1, build: { dockerfile: inside } }',
    message: /is not a regular file/,
    line: 3,
    column: 38,
  },
  {
    what: 'a Dockerfile above',
    text: 'services:\n  a: { port: 1, build: { dockerfile: ../Dockerfile } }',
    code: 'PATH_ESCAPES',
    message: /leads out of the folder/,
    line: 3,
    column: 38,
  },
  {
    what: 'an absolute context',
    text: 'services:\n  a: { port: 1, build: { dockerfile: D, context: /etc } }',
    code: 'PATH_ESCAPES',
    message: /leads out/,
    line: 3,
    column: 50,
  },
  {
    what: 'a context behind a link',
    text: 'services:\n  a: { port: 1, build: { dockerfile: link/passwd, context: link } }',
    code: 'PATH_ESCAPES',
    message: /leads out/,
    line: 3,
    column: 38,
  },
  {
    what: 'a Dockerfile outside of its context',
    text: 'services:\n  a: { port: 1, build: { dockerfile: Dockerfile, context: inside } }',
    message: /outside its build context/,
    line: 3,
    column: 38,
  },
  {
    what: 'no certificate',
    text: web('route: { listen: 443, tls: { certificate: absent.pem, key: Dockerfile } }'),
    code: 'FILE_NOT_FOUND',
    message: /the certificate of service web does not exist: .*absent.pem/,
    line: 3,
    column: 76,
  },
]

test.each(mistakes)(
  '$what: refused with its place',
  async ({ text, code = 'FILE_INVALID', message, hint = /./, line, column }) => {
    await using folder = await temporaryFolder()
    await folder.write('Dockerfile', 'FROM scratch\n')
    await folder.write('inside/file', '')
    await symlink('/etc', `${folder.path}/link`)
    const file = await folder.write('repave.yaml', `stack: shop\n${text}\n`)
    const error: unknown = await loadStack({ folder: folder.path }).then(
      () => 'accepted',
      (reason: unknown) => reason,
    )
    expect(error).toMatchObject({
      message: typeof message === 'string' ? message : expect.stringMatching(message),
      hint: typeof hint === 'string' ? hint : expect.stringMatching(hint),
      at: { file, line, column },
      code,
    })
  },
)

test('all mistakes are told at once, in the order of the file', async () => {
  await using folder = await temporaryFolder()
  await folder.write('repave.yaml', 'stack: Shop\nservices:\n  web:\n    image: x\n    prot: 80\n    replicas: many\n')
  await expect(loadStack({ folder: folder.path })).rejects.toMatchObject({
    message: [
      'stack must be lower-case letters, digits and single dashes, and begin with a letter, not "Shop"',
      'line 5: "prot" is not a key of services.web; did you mean "port"?',
      'line 6: services.web.replicas must be a whole number, not "many"',
    ].join('\n'),
    at: { line: 1, column: 8 },
  })
})

const fine: readonly (readonly [what: string, text: string])[] = [
  ['a floor of nothing, said openly', web('rollout: { maxSurge: 0, maxUnavailable: 100% }')],
  ['no replicas', web('replicas: 0, rollout: { maxSurge: 0 }')],
  [
    'one port, several hosts and paths',
    two('route: { listen: 80, host: a }', 'route: [{ listen: 80 }, { listen: 80, host: a, path: /b }]'),
  ],
  ['one port on two addresses', two('route: { listen: "127.0.0.1:80" }', 'route: { listen: "127.0.0.2:80" }')],
  [
    'a certificate outside of the folder',
    web('route: { listen: 443, tls: { certificate: /etc/passwd, key: /etc/passwd } }'),
  ],
  [
    'a context above its Dockerfile',
    'services:\n  a: { port: 1, build: { dockerfile: inside/Dockerfile, context: . } }',
  ],
  ['root, asked for', web('user: 0')],
]

test.each(fine)('%s is accepted', async (_, text) => {
  await using folder = await temporaryFolder()
  await folder.write('inside/Dockerfile', 'FROM scratch\n')
  await folder.write('repave.yaml', `stack: shop\n${text}\n`)
  expect((await loadStack({ folder: folder.path })).stack.stack).toBe('shop')
})
