import { expect, test } from 'vitest'
import type { RolloutPolicy, ServiceSpec, Stack, VerdictPolicy } from '../model/stack.ts'
import { upSchema } from './schemas.ts'
import { upRequest } from './scripted-commands.ts'

const [web] = Object.values(upRequest.stack.services) as [ServiceSpec]
const { strategy: _strategy, ...base } = web.rollout
const verdict: VerdictPolicy = {
  windowMs: 0,
  requests: 100,
  errors: true,
  latency: { percentile: 99.9, tolerance: 1.5 },
  prometheus: [{ name: 'up', url: 'http://p', query: 'up', min: 1 }],
}

const policies: readonly RolloutPolicy[] = [
  { strategy: 'rolling', ...base },
  { strategy: 'recreate', ...base, maxPauseMs: 1000 },
  { strategy: 'blueGreen', ...base, keepWarmMs: 0 },
  { strategy: 'canary', ...base, keepWarmMs: 1000, steps: [{ share: 0.001, holdMs: 0, requests: 0 }], verdict },
]

const requestWith = (changes: object, ofStack: Partial<Stack> = {}) => ({
  ...upRequest,
  stack: { ...upRequest.stack, services: { web: { ...web, ...changes } }, ...ofStack },
})

test.each(policies)('a rollout that is $strategy travels as it is', (rollout) => {
  const request = requestWith({ rollout })
  expect(upSchema.parse(request)).toStrictEqual(request)
})

test('what goes with a rollout travels as it is', () => {
  const changes = {
    data: { uploads: '/data' },
    standby: 1,
    dependsOn: ['db'],
    history: 3,
    rehearsal: { everyMs: 60_000 },
  } satisfies Partial<ServiceSpec>
  const notifications = [{ url: 'https://a', secretFile: '/key', events: ['taint' as const] }]
  const request = requestWith(changes, { rollback: 'service', notifications })
  expect(upSchema.parse(request)).toStrictEqual(request)
})

test.each([
  ['steps without a canary', { rollout: { ...base, strategy: 'rolling', steps: [] } }],
  ['a canary without steps', { rollout: { ...base, strategy: 'canary', keepWarmMs: 0 } }],
  ['another strategy', { rollout: { ...base, strategy: 'shadow' } }],
  ['a share of all', { rollout: { ...policies[3], steps: [{ share: 1, holdMs: 0, requests: 0 }] } }],
  ['data at no path', { data: { uploads: 'data' } }],
  ['a circle', { dependsOn: ['web'] }],
])('%s: refused', (_, changes) => {
  expect(upSchema.safeParse(requestWith(changes)).success).toBe(false)
})
