import { expect, test } from 'vitest'
import { RepaveError } from '../../errors.ts'
import type { ProgressReport, ServiceStatus, StatusReport } from '../../model/report.ts'
import { renderFindings } from './doctor.ts'
import { renderError } from './error.ts'
import { renderDrift, renderEvent, renderLogLine, renderVersions } from './history.ts'
import { renderPlan } from './plan.ts'
import { advance, noProgress, progressLine, renderProgress, rolloutLines } from './progress.ts'
import { renderOutcome } from './result.ts'
import { renderStatus } from './status.ts'
import { age, colorStyle, fit, plainStyle, printable, width } from './text.ts'

const nowMs = Date.parse('2026-11-23T08:00:00Z')

const web: ServiceStatus = {
  service: 'web',
  version: 'web@91be02aa',
  desired: 3,
  ready: 1,
  serving: 2,
  instances: [
    {
      name: 'shop-default-web-91be02aa-1',
      version: 'web@91be02aa',
      state: 'ready',
      ageSeconds: 30,
      address: '172.18.0.4:8080',
      detail: 'HTTP 200',
    },
    {
      name: 'shop-default-web-91be02aa-2',
      version: 'web@91be02aa',
      state: 'unhealthy',
      ageSeconds: 12,
      address: '172.18.0.5:8080',
      detail: 'HTTP 503',
    },
    { name: 'shop-default-web-4f9a1c2b-1', version: 'web@4f9a1c2b', state: 'ready', ageSeconds: 7300, address: null },
  ],
  rollout: { from: 'web@4f9a1c2b', to: 'web@91be02aa', state: 'running', startedAt: '2026-11-23T07:59:00Z' },
}

const status: StatusReport = {
  stack: 'shop',
  environment: 'default',
  services: [web],
  routes: [{ url: 'http://shop.localhost:8080/', service: 'web' }],
  controller: { pid: 7, socket: '/s' },
}

test('a status shows fleets, routes, the rollout and each instance', () => {
  expect(renderStatus(status, nowMs, plainStyle).join('\n')).toBe(`shop/default

  web  web@91be02aa  1/3 ready, 2 serve
    http://shop.localhost:8080/
    rollout web@4f9a1c2b → web@91be02aa running, started 60s ago
    INSTANCE                     VERSION   STATE      AGE  ADDRESS
    shop-default-web-91be02aa-1  91be02aa  ready      30s  172.18.0.4:8080
    shop-default-web-91be02aa-2  91be02aa  unhealthy  12s  172.18.0.5:8080  HTTP 503
    shop-default-web-4f9a1c2b-1  4f9a1c2b  ready      2h   -`)
})

test('a crash loop, an aborted rollout and a problem stand out with their reasons', () => {
  const broken: StatusReport = {
    ...status,
    routes: [],
    problems: [new RepaveError('ENGINE_UNREACHABLE', 'docker does not answer', { hint: 'start it' }).report()],
    services: [
      {
        ...web,
        ready: 0,
        serving: 0,
        instances: [],
        rollout: { ...web.rollout!, state: 'aborted', endedAt: '2026-11-23T07:50:00Z', reason: 'none became ready' },
        backoff: { failures: 4, nextTryAt: '2026-11-23T08:00:12Z', lastExit: 'exit code 1' },
      },
    ],
  }
  expect(renderStatus(broken, nowMs, plainStyle).join('\n')).toBe(`shop/default
  problem: docker does not answer (start it)

  web  web@91be02aa  0/3 ready
    rollout web@4f9a1c2b → web@91be02aa aborted 10m ago: none became ready
    crash loop: 4 deaths in a row, last: exit code 1; next try in 12s`)
})

const plan = {
  stack: 'shop',
  environment: 'default',
  services: [
    {
      service: 'web',
      current: 'web@4f9a1c2b',
      next: 'web@91be02aa',
      differences: ['environment.LOG_LEVEL: info → debug', 'port: 8080 → 8081'],
      steps: [
        { kind: 'create', instance: 'shop-default-web-91be02aa-1', reason: '1 is wanted' },
        { kind: 'route', instance: 'shop-default-web-91be02aa-1', reason: 'healthy' },
        { kind: 'destroy', instance: 'old-1', reason: 'replaced' },
      ],
    },
    { service: 'api', current: 'api@1', next: 'api@1', steps: [], differences: [] },
  ],
  changes: 3,
} as const

test('a plan explains each replacement, step by step', () => {
  expect(renderPlan(plan, plainStyle).join('\n')).toBe(`shop/default

  web  web@4f9a1c2b → web@91be02aa
    because  environment.LOG_LEVEL: info → debug
             port: 8080 → 8081
    create   shop-default-web-91be02aa-1  1 is wanted
    route    shop-default-web-91be02aa-1  healthy
    destroy  old-1                        replaced

  api  api@1  unchanged

3 steps: 1 create, 1 route, 1 destroy. Nothing was changed; \`repave up\` does it.`)
})

test('a plan of many steps counts them', () => {
  const destroys = Array.from({ length: 20 }, (_, n) => ({
    kind: 'destroy' as const,
    instance: `old-${n}`,
    reason: 'replaced',
  }))
  const steps = [{ kind: 'unroute' as const, reason: 'http://localhost:8080/ goes away' }, ...destroys]
  const large = { ...plan, services: [{ ...plan.services[0], steps }], changes: steps.length }
  expect(renderPlan(large, plainStyle).slice(5, 7)).toEqual([
    '    unroute                http://localhost:8080/ goes away',
    '    destroy  20 instances  replaced',
  ])
})

test('a plan without steps says so', () => {
  const nothing = { ...plan, services: [plan.services[1]], changes: 0 }
  expect(renderPlan(nothing, plainStyle).at(-1)).toBe('Nothing to do: everything is as declared.')
})

test('progress is one picture: title, bar, and what is on its way', () => {
  const reports: ProgressReport[] = [
    { kind: 'image', service: 'web', message: 'building' },
    { kind: 'plan', plan },
    { kind: 'fleet', services: [web] },
  ]
  const canvas = { title: 'up shop/default', seconds: 4, columns: 80, rows: 24, style: plainStyle }
  expect(renderProgress(noProgress, canvas)).toEqual(['up shop/default  4 s', '  preparing'])
  expect(renderProgress(advance(noProgress, reports[0]!), canvas)).toEqual(['up shop/default  4 s', '  web  building'])
  expect(renderProgress(reports.reduce(advance, noProgress), canvas)).toEqual([
    'up shop/default  4 s',
    '  web  ███████▒▒▒▒▒▒░░░░░░░  1/3 ready, 2 serve  web@4f9a1c2b → web@91be02aa',
    '    shop-default-web-91be02aa-2  unhealthy  HTTP 503',
  ])
})

test('progress never wraps or scrolls', () => {
  const services = Array.from({ length: 40 }, (_, index) => ({ ...web, service: `service-${index}` }))
  const progress = advance(noProgress, { kind: 'fleet', services })
  const lines = renderProgress(progress, { title: 'up', seconds: 1, columns: 40, rows: 10, style: colorStyle })
  expect(lines).toHaveLength(8)
  expect(lines.at(-1)).toBe('  … 74 more lines')
  expect(Math.max(...lines.map(width))).toBeLessThanOrEqual(40)
})

test('elsewhere progress is a line for each image, plan and step', () => {
  const step: ProgressReport = {
    kind: 'step',
    step: 'create',
    service: 'web',
    instance: 'web-1',
    message: '1 is wanted',
  }
  expect(progressLine(step)).toBe('web  create  web-1  1 is wanted')
  expect(progressLine({ kind: 'image', service: 'web', message: 'Step 1/3' })).toBe('web  image  Step 1/3')
  expect(progressLine({ kind: 'plan', plan })).toBe(
    'web  plan  web@4f9a1c2b → web@91be02aa  (environment.LOG_LEVEL: info → debug; port: 8080 → 8081)',
  )
  expect(progressLine({ kind: 'fleet', services: [web] })).toBeUndefined()
})

test('progress tells of each stage of a rollout once, and of a pause', () => {
  const at = (number: number, share: number, pausedAt?: string): ServiceStatus => ({
    ...web,
    rollout: {
      ...web.rollout!,
      strategy: 'canary',
      stage: { number, of: 3 },
      share,
      ...(pausedAt !== undefined && { pausedAt }),
    },
  })
  expect(rolloutLines([], [web])).toEqual([])
  expect(rolloutLines([], [at(1, 5)])).toEqual(['web  rollout  canary, stage 1 of 3, 5 % of the requests'])
  expect(rolloutLines([at(1, 5)], [at(1, 5)])).toEqual([])
  expect(rolloutLines([at(1, 5)], [at(1, 5, '2026-11-23T08:00:00Z')])).toEqual([
    'web  rollout  canary, stage 1 of 3, 5 % of the requests, paused',
  ])
  const progress = advance(noProgress, { kind: 'fleet', services: [at(2, 25)] })
  const canvas = { title: 'up shop/default', seconds: 4, columns: 80, rows: 24, style: plainStyle }
  expect(renderProgress(progress, canvas)[2]).toBe('    canary, stage 2 of 3, 25 % of the requests')
})

const services = [{ service: 'web', version: 'web@91be02aa', ready: 3, serving: 3 }]
const outcome = { command: 'up', scope: 'shop/default', seconds: 4.25, routes: status.routes }

test('a success shows what runs and where it is reached', () => {
  const result = { ok: true, changed: true, services }
  expect(renderOutcome({ ...outcome, result }, plainStyle)).toEqual([
    'done in 4.3 s: up shop/default',
    '  web  web@91be02aa  3 ready  http://shop.localhost:8080/',
  ])
})

test('a second up says that there was nothing to do', () => {
  const result = { ok: true, changed: false, services: [] }
  expect(renderOutcome({ ...outcome, result }, plainStyle)).toEqual(['nothing to do: shop/default is as declared'])
})

test('what is steered to where it is already says so', () => {
  const result = { ok: true, changed: false, services: [] }
  const words = ['pause', 'resume', 'promote'].flatMap((verb) =>
    renderOutcome({ ...outcome, command: `rollout ${verb}`, result }, plainStyle),
  )
  expect(words).toEqual([
    'nothing to do: shop/default is paused already',
    'nothing to do: shop/default is not paused',
    'nothing to do: shop/default is promoted already',
  ])
})

test('a failure shows reason, log lines, remedy and what runs now', () => {
  const result = {
    ok: false,
    changed: true,
    services,
    code: 'ROLLOUT_ABORTED',
    message: 'web@1 was taken back',
    hint: 'mend it',
    logs: ['boom\u001b[2J'],
  }
  expect(renderOutcome({ ...outcome, result }, plainStyle)).toEqual([
    'up did not succeed: shop/default (ROLLOUT_ABORTED)',
    '  web@1 was taken back',
    '  its last log lines:',
    '    | boom',
    '  mend it',
    'what runs now:',
    '  web  web@91be02aa  3 ready  http://shop.localhost:8080/',
  ])
})

test('an error shows place, message and hint', () => {
  const error = new RepaveError('FILE_INVALID', 'unknown key "prot"', {
    hint: 'did you mean "port"?',
    at: { file: '/x/repave.yaml', line: 5, column: 7 },
  })
  expect(renderError(error, plainStyle)).toEqual([
    'error: /x/repave.yaml:5:7: unknown key "prot"',
    '  did you mean "port"?',
  ])
})

test('versions, drift, events and log lines', () => {
  const versions = [
    {
      version: 'web@2',
      image: 'web:2',
      digest: 'sha256:1111',
      firstRunAt: '2026-11-23T07:59:00Z',
      lastRunAt: '2026-11-23T08:00:00Z',
      state: 'current' as const,
    },
    {
      version: 'web@1',
      image: 'web:1',
      digest: 'sha256:2222',
      firstRunAt: '2026-11-23T07:58:00Z',
      lastRunAt: '2026-11-23T07:59:00Z',
      state: 'proven' as const,
      wayBack: 'cold' as const,
      rehearsal: { at: '2026-11-23T07:59:30Z', passed: false, message: 'HTTP 503' },
    },
  ]
  expect(renderVersions([{ service: 'web', versions }], nowMs, plainStyle)).toEqual([
    'VERSION  STATE    WAY BACK  FIRST RUN  LAST RUN  IMAGE',
    'web@2    current  -         60s ago    0s ago    web:2',
    'web@1    proven   cold      2m ago     60s ago   web:1',
    'web@1 would not come back: its rehearsal failed 30s ago: HTTP 503',
  ])
  expect(renderVersions([], nowMs, plainStyle)).toEqual(['no version has run yet'])
  const finding = {
    id: 'server.address:web-1',
    kind: 'server' as const,
    object: 'web-1',
    message: 'is 10.0.0.9:1, where 10.0.0.2:8080 is expected',
    expected: '10.0.0.2:8080',
    actual: '10.0.0.9:1',
    remedy: 'the controller puts it right',
  }
  const drift = { stack: 'shop', environment: 'default' }
  expect(renderDrift({ ...drift, findings: [finding] }, plainStyle)).toEqual([
    'shop/default: 1 finding',
    '  server.address:web-1  is 10.0.0.9:1, where 10.0.0.2:8080 is expected',
    '    expected: 10.0.0.2:8080',
    '    actual:   10.0.0.9:1',
    '    → the controller puts it right',
  ])
  const exception = { what: 'server', reason: 'we test', until: '2027-01-31' }
  const rest = {
    accepted: [{ finding, exception }],
    unused: [exception],
    unseen: [{ what: 'firewall', why: 'no root' }],
  }
  expect(renderDrift({ ...drift, findings: [], ...rest }, plainStyle)).toEqual([
    'shop/default: everything that was looked at is as declared',
    '  accepted until 2027-01-31: server.address:web-1: we test',
    '  nothing needs the exception server (until 2027-01-31) now',
    '  not looked at: firewall: no root',
  ])
  const event = {
    sequence: 1,
    atMs: nowMs,
    stack: 'shop',
    environment: 'default',
    service: 'web',
    kind: 'create.done',
    by: 'repave',
    message: '3 are wanted',
  }
  expect(renderEvent(event, plainStyle)).toEqual(['2026-11-23 08:00:00Z  shop/default  create.done  web  3 are wanted'])
  const asked = { ...event, kind: 'decision.up', by: 'ada', message: 'the stack file changed' }
  expect(renderEvent(asked, plainStyle)).toEqual([
    '2026-11-23 08:00:00Z  shop/default  decision.up  web  the stack file changed  (by ada)',
  ])
  const exited = {
    ...event,
    kind: 'instance.exited',
    message: 'exited with code 1',
    lines: ['no database', '\u001b[2J'],
  }
  expect(renderEvent(exited, plainStyle).slice(1)).toEqual(['  | no database', '  | '])
  const line = {
    instance: 'web-1',
    stream: 'stdout' as const,
    atMs: nowMs,
    text: '\u001b[31mred\u001b[0m\u001b[2J\u0007',
  }
  expect(renderLogLine(line, plainStyle)).toBe('web-1 | red')
  expect(renderLogLine(line, colorStyle)).toContain('\u001b[31mred\u001b[0m\u001b[0m')
  expect(renderLogLine(line, colorStyle)).not.toContain('\u001b[2J')
})

test('a finding that lacks something shows the command that mends it', () => {
  expect(
    renderFindings(
      [
        { name: 'Node.js', state: 'ok', detail: 'v24' },
        { name: 'router', state: 'lacks', detail: 'no haproxy', remedy: 'apt-get install haproxy' },
      ],
      plainStyle,
    ),
  ).toEqual(['ok     Node.js  v24', 'lacks  router   no haproxy', '       → apt-get install haproxy'])
})

test('what others wrote can not steer the terminal', () => {
  expect(printable('a\u001b[31mb\u001b]0;title\u0007c\rd\u009b')).toBe('abcd')
  expect(fit('abcdef', 4)).toBe('abc…')
  expect([5, 119, 120, 7199, 7200, 172_800].map(age)).toEqual(['5s', '119s', '2m', '119m', '2h', '2d'])
})
