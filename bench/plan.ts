/** `node bench/plan.ts`: a plan for 1,000 services of 100 instances each, observed from the memory engine. */
import { MemoryEngine } from '../src/engine/memory/memory-engine.ts'
import { MemoryMachine } from '../src/engine/memory/memory-machine.ts'
import type { ObservedInstance } from '../src/engine/engine.ts'
import type { Release, ServiceRelease } from '../src/model/release.ts'
import { defaultHardening, versionId, type ImageDigest, type VersionSpec } from '../src/model/version.ts'
import { instanceName, type FleetInstance } from '../src/plan/fleet.ts'
import { planRelease } from '../src/plan/plan.ts'
import { systemClock } from '../src/system/clock.ts'

const serviceCount = 1_000
const replicas = 100
const rounds = 5
const targetMs = 1_000
const scope = { stack: 'bench', environment: 'production' }

const machine = new MemoryMachine(systemClock)
const engine = new MemoryEngine(machine)
const image = machine.images.add('registry.test/app:1')
const current = releaseOf('one')
await fill(current)

const timesMs: number[] = []
let steps = 0
for (let round = 0; round < rounds; round++) {
  const beganAt = performance.now()
  const next = releaseOf(`next-${round}`)
  steps = planRelease({ services: current.services, instances: await observedByService() }, next).changes
  timesMs.push(performance.now() - beganAt)
}
report()

async function fill(release: Release): Promise<void> {
  for (const [service, { version, spec }] of Object.entries(release.services))
    for (let ordinal = 1; ordinal <= replicas; ordinal++) {
      const key = { ...scope, service }
      const name = instanceName(key, version, ordinal)
      await engine.create({ ...key, name, version, spec })
    }
}

async function observedByService(): Promise<Readonly<Record<string, readonly FleetInstance[]>>> {
  const { instances } = await engine.observe({ fresh: true })
  const services = Map.groupBy(instances, ({ service }) => service)
  return Object.fromEntries(services.entries().map(([service, fleet]) => [service, fleet.map(serving)]))
}

/** As the controller sees an instance that serves. */
function serving({ name, claimed, version, createdAtMs }: ObservedInstance): FleetInstance {
  const state = { phase: 'running', health: 'healthy', rotation: 'in', condemned: false, ending: false } as const
  return { name, version: claimed, intact: version === claimed, createdAtMs, ...state }
}

function releaseOf(content: string): Release {
  const services = Array.from({ length: serviceCount }, (_, index) => [`service-${index}`, serviceOf(content)] as const)
  return { ...scope, services: Object.fromEntries(services) }
}

function serviceOf(content: string): ServiceRelease {
  const spec = specOf(image, content)
  return {
    version: versionId(spec),
    spec,
    imageName: 'registry.test/app:1',
    replicas,
    routes: [{ listen: { address: '127.0.0.1', port: 8080 }, path: '/' }],
    rollout: {
      strategy: 'rolling',
      maxSurge: { kind: 'share', share: 0.25 },
      maxUnavailable: { kind: 'count', count: 0 },
      deadlineMs: 60_000,
    },
    drainMs: 30_000,
  }
}

function specOf(digest: ImageDigest, content: string): VersionSpec {
  return {
    image: digest,
    command: ['/serve'],
    workingDirectory: '/',
    environment: { CONTENT: content },
    user: '65532',
    port: 8080,
    health: { kind: 'http', path: '/healthz', intervalMs: 1000, timeoutMs: 1000, healthyAfter: 2, unhealthyAfter: 3 },
    resources: { cpuMillis: 500, memoryBytes: 134_217_728, pids: 64 },
    tmpfs: ['/tmp'],
    hardening: defaultHardening,
  }
}

function report(): void {
  const instances = serviceCount * replicas
  const medianMs = timesMs.toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? NaN
  const rate = Math.round((instances / medianMs) * 1000)
  console.log(
    `plan of ${serviceCount} services × ${replicas} instances: ${medianMs.toFixed(0)} ms (median of ${rounds})`,
  )
  console.log(`${steps} steps, ${rate} instances a second; it is meant to take less than ${targetMs} ms`)
  if (medianMs >= targetMs) process.exitCode = 1
}
