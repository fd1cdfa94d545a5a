/** What the services of simulated stacks are made of: images that behave well, badly, and doubtfully. */
import { goodBehaviour, type Behaviour } from '../../src/engine/memory/memory-process.ts'
import type { MemoryImages } from '../../src/engine/memory/memory-images.ts'
import type { Quantity, Route, Scope, ServiceSpec, Stack } from '../../src/model/stack.ts'

/** `good` becomes healthy and stays so, `bad` never does, `doubtful` may go either way. */
interface Image {
  readonly quality: 'good' | 'bad' | 'doubtful'
  readonly behaviour: Partial<Behaviour>
}

const catalogue = {
  quick: { quality: 'good', behaviour: { startMs: 20 } },
  usual: { quality: 'good', behaviour: { startMs: 120, healthyAfterMs: 300, stopMs: 80 } },
  slow: { quality: 'good', behaviour: { startMs: 700, healthyAfterMs: 3_000, early: 'unhealthy', stopMs: 1_500 } },
  stubborn: { quality: 'good', behaviour: { startMs: 60, healthyAfterMs: 100, stopMs: null } },
  never: { quality: 'bad', behaviour: { startMs: 100, healthyAfterMs: null, early: 'unhealthy', stopMs: 50 } },
  stillborn: { quality: 'bad', behaviour: { startMs: 100, healthyAfterMs: 900, exit: { afterMs: 250, code: 1 } } },
  unrunnable: { quality: 'bad', behaviour: { startMs: 50, cannotRun: 'no such program' } },
  mortal: { quality: 'doubtful', behaviour: { healthyAfterMs: 100, exit: { afterMs: 6_000, code: 2 } } },
  flaky: {
    quality: 'doubtful',
    behaviour: { healthyAfterMs: 100, stopMs: 20, flaps: { everyMs: 9_000, forMs: 2_500 } },
  },
} as const satisfies Record<string, Image>

export type ImageName = keyof typeof catalogue

export function imagesOf(...qualities: readonly Image['quality'][]): readonly ImageName[] {
  const names: ImageName[] = []
  for (const [name, { quality }] of Object.entries(catalogue))
    if (isImage(name) && qualities.includes(quality)) names.push(name)
  return names
}

function isImage(name: string): name is ImageName {
  return name in catalogue
}

/** Whether every instance of the service becomes healthy and stays so; `reference` names its image. */
export function becomesHealthy(service: string, reference: string): boolean {
  const name = /\/(.+):/.exec(reference)?.[1] ?? ''
  if (!isImage(name)) return false
  return catalogue[name].quality === 'good' || (service === 'worker' && ['never', 'flaky'].includes(name))
}

export function fillImages(images: MemoryImages): void {
  for (const [name, { behaviour }] of Object.entries(catalogue))
    images.add(`registry.test/${name}:1`, { behaviour: () => ({ ...goodBehaviour, ...behaviour }) })
}

export const serviceNames = ['api', 'web', 'worker'] as const
export type ServiceName = (typeof serviceNames)[number]

/** What a history chooses for one service; `generation` makes a further version of the same image. */
export interface ServiceChoice {
  readonly image: ImageName
  readonly generation: number
  readonly replicas: number
  readonly maxSurge: Quantity
  readonly maxUnavailable: Quantity
  readonly drainMs: number
  /** Of its route; absent: that of its name. */
  readonly path?: string
}

export type StackChoice = Readonly<Partial<Record<ServiceName, ServiceChoice>>>

export const scopes: readonly Scope[] = [
  { stack: 'shop', environment: 'live' },
  { stack: 'shop', environment: 'test' },
]

export function stackOf(scope: Scope, choice: StackChoice): Stack {
  const services = serviceNames.flatMap((name) => {
    const chosen = choice[name]
    return chosen ? [[name, serviceOf(scope, name, chosen)] as const] : []
  })
  return { stack: scope.stack, environment: scope.environment, services: Object.fromEntries(services) }
}

function serviceOf(scope: Scope, name: ServiceName, choice: ServiceChoice): ServiceSpec {
  const { image, generation, replicas, maxSurge, maxUnavailable, drainMs } = choice
  const timing = { intervalMs: 1_000, timeoutMs: 500, healthyAfter: 2, unhealthyAfter: 2 }
  const serves = name !== 'worker'
  return {
    image: { kind: 'reference', reference: `registry.test/${image}:1` },
    environment: { GENERATION: `${generation}` },
    ...(serves && { port: 8080 }),
    routes: serves ? [{ ...routeOf(scope, name), ...(choice.path && { path: choice.path }) }] : [],
    health: serves ? { kind: 'http', path: '/healthz', ...timing } : { kind: 'process', ...timing },
    resources: { cpuMillis: 500, memoryBytes: 134_217_728, pids: 64 },
    tmpfs: ['/tmp'],
    replicas,
    rollout: { strategy: 'rolling', maxSurge, maxUnavailable, deadlineMs: rolloutDeadlineMs },
    drainMs,
  }
}

const rolloutDeadlineMs = 15_000

export function routeOf({ environment }: Scope, name: ServiceName): Route {
  const port = environment === 'live' ? 8080 : 8081
  return { listen: { address: '127.0.0.1', port }, path: name === 'api' ? '/api' : '/' }
}
