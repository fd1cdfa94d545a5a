import { expect, test } from 'vitest'
import { temporaryFolder } from '../system/temporary-folder.ts'
import { explainDefaults } from './explain.ts'
import { loadStack } from './load.ts'

test('where there are data, something is writable', async () => {
  await using folder = await temporaryFolder()
  const db = '{ image: postgres, port: 5432, data: { tables: /var/lib/postgresql } }'
  await folder.write('repave.yaml', `stack: shop\nservices: { db: ${db} }\n`)
  const { stack, definition } = await loadStack({ folder: folder.path })
  const settings = explainDefaults(definition, stack)
  expect(settings.find(({ path }) => path === 'services.db.tmpfs')?.value).toBe('none')
})

test('each value is shown as the file would say it, with who decided it', async () => {
  await using folder = await temporaryFolder()
  await folder.write(
    'repave.yaml',
    `stack: shop
services:
  web:
    image: nginx
    port: 80
    route: { listen: 8080 }
    health: { http: /up }
    environment: { A: one, B: two }
environments:
  staging: { services: { web: { replicas: 4, rollout: { maxSurge: 50% }, environment: { B: three } } } }
`,
  )
  const { stack, definition } = await loadStack({ folder: folder.path })
  const settings = explainDefaults(definition, stack)
  expect(settings.map(({ path, value, source }) => `${path}: ${value} (${source})`)).toEqual([
    'services.web.image: nginx (file)',
    "services.web.command: the image's entrypoint and command (image)",
    'services.web.environment.A: one (file)',
    'services.web.environment.B: three (environment)',
    "services.web.user: the image's, or 65532:65532 where that is root (image)",
    'services.web.port: 80 (file)',
    'services.web.route: http://localhost:8080/ (file)',
    'services.web.health.http: /up (file)',
    'services.web.health.interval: 1s (default)',
    'services.web.health.timeout: 1s (default)',
    'services.web.health.healthyAfter: 1 (default)',
    'services.web.health.unhealthyAfter: 3 (default)',
    'services.web.resources.cpus: 1 (default)',
    'services.web.resources.memory: 256MiB (default)',
    'services.web.resources.pids: 256 (default)',
    'services.web.tmpfs: none: nothing is writable (default)',
    'services.web.data: none: nothing outlives an instance (default)',
    'services.web.replicas: 4 (environment)',
    'services.web.standby: 0 (default)',
    'services.web.rollout.strategy: rolling (default)',
    'services.web.rollout.maxSurge: 50% (environment)',
    'services.web.rollout.maxUnavailable: 0 (default)',
    'services.web.rollout.deadline: 1m (default)',
    'services.web.rollout.verdict: none: that its instances are ready is enough (default)',
    'services.web.rollout.maxPause: 1h (default)',
    'services.web.dependsOn: none (default)',
    'services.web.history: 10 (default)',
    'services.web.rehearsal: never (default)',
    'services.web.lifetime.max: 24h (default)',
    'services.web.lifetime.jitter: 10% (default)',
    'services.web.guard.escalation.after: 3 (default)',
    'services.web.guard.escalation.within: 10m (default)',
    'services.web.guard.escalation.action: hold (default)',
    'services.web.guard.executables: every program of the image (default)',
    'services.web.guard.memory: false (default)',
    'services.web.drain: 30s (default)',
    'rollback: stack (default)',
    'notifications: none: nobody is told (default)',
  ])
})

test('a rollout is explained by what its strategy has a use for', async () => {
  await using folder = await temporaryFolder()
  await folder.write(
    'repave.yaml',
    `stack: shop
rollback: service
services:
  web:
    image: nginx
    port: 80
    route: { listen: 8080 }
    data: { uploads: /data }
    rollout: { strategy: canary, verdict: { latency: { percentile: 99 } } }
    dependsOn: [db]
    guard: { escalation: { action: tighten, limits: { cpus: 0.1, pids: 16 } } }
  db: { image: postgres, port: 5432, data: { tables: /data } }
environments:
  staging:
    services:
      web: { rollout: { keepWarm: 1h, verdict: { requests: 50 } } }
`,
  )
  const { stack, definition } = await loadStack({ folder: folder.path })
  const settings = explainDefaults(definition, stack).map(({ path, value, source }) => `${path}: ${value} (${source})`)
  const about = (words: string) => settings.filter((setting) => setting.startsWith(words))
  expect(about('services.web.rollout')).toEqual([
    'services.web.rollout.strategy: canary (file)',
    'services.web.rollout.maxSurge: 25% (default)',
    'services.web.rollout.maxUnavailable: 0 (default)',
    'services.web.rollout.deadline: 1m (default)',
    'services.web.rollout.steps: 5% for 1m and 100 requests; 25% for 1m and 100 requests; 50% for 1m and 100 requests (default)',
    'services.web.rollout.keepWarm: 1h (environment)',
    'services.web.rollout.verdict.window: 30s (default)',
    'services.web.rollout.verdict.requests: 50 (environment)',
    'services.web.rollout.verdict.errors: true (default)',
    'services.web.rollout.verdict.latency.percentile: 99 (file)',
    'services.web.rollout.verdict.latency.tolerance: 1.5 (default)',
    'services.web.rollout.verdict.prometheus: none (default)',
    'services.web.rollout.maxPause: 1h (default)',
  ])
  expect(about('services.db.rollout')).toEqual([
    'services.db.rollout.strategy: recreate (default)',
    'services.db.rollout.deadline: 1m (default)',
    'services.db.rollout.verdict: none: that its instances are ready is enough (default)',
    'services.db.rollout.maxPause: 1h (default)',
  ])
  expect(about('services.web.guard.escalation')).toEqual([
    'services.web.guard.escalation.after: 3 (default)',
    'services.web.guard.escalation.within: 10m (default)',
    'services.web.guard.escalation.action: tighten (file)',
    'services.web.guard.escalation.limits.cpus: 0.1 (file)',
    'services.web.guard.escalation.limits.pids: 16 (file)',
  ])
  expect(about('services.web.data')).toEqual(['services.web.data.uploads: /data (file)'])
  expect(about('services.web.dependsOn')).toEqual(['services.web.dependsOn: db (file)'])
  expect(about('rollback')).toEqual(['rollback: service (file)'])
})
