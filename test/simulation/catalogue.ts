/** What the services of simulated stacks are made of: images that behave well, badly, and doubtfully. */
import { goodBehaviour, type Behaviour } from '../../src/engine/memory/memory-process.ts'
import type { MemoryImages } from '../../src/engine/memory/memory-images.ts'
import type {
  CanaryStep,
  EscalationPolicy,
  Quantity,
  RolloutPolicy,
  Route,
  Scope,
  ServiceSpec,
  Stack,
  VerdictPolicy,
} from '../../src/model/stack.ts'
import type { ImageDigest } from '../../src/model/version.ts'

/** `good` becomes healthy and stays so, `bad` never does, `doubtful` may go either way, `rude` is healthy and of no use. */
interface Image {
  readonly quality: 'good' | 'bad' | 'doubtful' | 'rude'
  readonly behaviour: Partial<Behaviour>
  readonly manners?: Manners
}

/** How its requests are answered. */
export interface Manners {
  /** The share of them that fails. */
  readonly errors: number
  /** How much longer they take than others. */
  readonly delayMs: number
}

export const goodManners: Manners = { errors: 0, delayMs: 0 }

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
  erring: { quality: 'rude', behaviour: { startMs: 20 }, manners: { errors: 0.9, delayMs: 0 } },
  sluggish: { quality: 'rude', behaviour: { startMs: 20 }, manners: { errors: 0, delayMs: 2_500 } },
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
  const name = packageIn(reference)
  if (!isImage(name)) return false
  return catalogue[name].quality === 'good' || (service === 'worker' && ['never', 'flaky'].includes(name))
}

/** Whether the service's requests fail, where `reference` names its image. */
export function isErring(reference: string): boolean {
  return reference === referenceOf('erring')
}

/** Answers the manners of each image, by its digest. */
export function fillImages(images: MemoryImages): ReadonlyMap<ImageDigest, Manners> {
  const entries = Object.entries<Image>(catalogue).map(([name, { behaviour, manners = goodManners }]) => {
    const packages = [{ type: 'deb', name, version: '1' }]
    const image = { behaviour: () => ({ ...goodBehaviour, ...behaviour }), packages }
    return [images.add(referenceOf(name), image), manners] as const
  })
  return new Map(entries)
}

/** What an image alone holds. */
export function packageIn(reference: string): string {
  return /\/(.+):/.exec(reference)?.[1] ?? ''
}

function referenceOf(image: string): string {
  return `registry.test/${image}:1`
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
  /** Absent: rolling. */
  readonly strategy?: StrategyChoice
  readonly verdict?: VerdictPolicy
  readonly standby?: number
  readonly dependsOn?: readonly ServiceName[]
  readonly rehearsalMs?: number
  readonly lifetimeMs?: number
  /** What follows when two of its instances are touched; absent: it is held, at the third. */
  readonly escalation?: 'rollback' | 'tighten'
}

export type StrategyChoice =
  | { readonly strategy: 'rolling' | 'recreate' }
  | { readonly strategy: 'blueGreen'; readonly keepWarmMs: number }
  | { readonly strategy: 'canary'; readonly keepWarmMs: number; readonly steps: readonly CanaryStep[] }

export type StackChoice = Readonly<Partial<Record<ServiceName, ServiceChoice>>>

export const scopes: readonly Scope[] = [
  { stack: 'shop', environment: 'live' },
  { stack: 'shop', environment: 'test' },
]

export function stackOf(scope: Scope, choice: StackChoice, rollback?: 'service'): Stack {
  const services = serviceNames.flatMap((name) => {
    const chosen = choice[name]
    return chosen ? [[name, serviceOf(scope, name, chosen)] as const] : []
  })
  return { ...scope, services: Object.fromEntries(services), ...(rollback && { rollback }) }
}

function serviceOf(scope: Scope, name: ServiceName, choice: ServiceChoice): ServiceSpec {
  const { image, generation, replicas, standby, dependsOn, rehearsalMs, lifetimeMs, escalation, drainMs } = choice
  const timing = { intervalMs: 1_000, timeoutMs: 500, healthyAfter: 2, unhealthyAfter: 2 }
  const serves = name !== 'worker'
  return {
    image: { kind: 'reference', reference: referenceOf(image) },
    environment: { GENERATION: `${generation}` },
    ...(serves && { port: 8080 }),
    routes: serves ? [{ ...routeOf(scope, name), ...(choice.path && { path: choice.path }) }] : [],
    health: serves ? { kind: 'http', path: '/healthz', ...timing } : { kind: 'process', ...timing },
    resources: { cpuMillis: 500, memoryBytes: 134_217_728, pids: 64 },
    tmpfs: ['/tmp'],
    replicas,
    ...(standby && { standby }),
    rollout: rolloutOf(choice),
    ...(dependsOn && { dependsOn }),
    ...(rehearsalMs !== undefined && { rehearsal: { everyMs: rehearsalMs } }),
    ...(lifetimeMs !== undefined && { lifetime: { maxMs: lifetimeMs, jitter: 0.2 } }),
    ...(escalation && { guard: { escalation: escalationOf(escalation) } }),
    drainMs,
  }
}

function escalationOf(action: 'rollback' | 'tighten'): EscalationPolicy {
  return { after: 2, withinMs: 600_000, action, ...(action === 'tighten' && { limits: { pids: 16 } }) }
}

/** How slow a version is takes many answers to tell. */
const patientDeadlineMs = 60_000
const limits = { deadlineMs: 15_000, maxPauseMs: 12_000 }

function rolloutOf({
  maxSurge,
  maxUnavailable,
  verdict,
  strategy = { strategy: 'rolling' },
}: ServiceChoice): RolloutPolicy {
  const deadlineMs = verdict?.latency ? patientDeadlineMs : limits.deadlineMs
  const base = { ...limits, deadlineMs, ...(verdict && { verdict }) }
  if (strategy.strategy !== 'recreate') return { ...strategy, ...base, maxSurge, maxUnavailable }
  return {
    ...strategy,
    ...base,
    maxSurge: { kind: 'count', count: 0 },
    maxUnavailable: { kind: 'share', share: 1 },
  }
}

export function routeOf({ environment }: Scope, name: ServiceName): Route {
  const port = environment === 'live' ? 8080 : 8081
  return { listen: { address: '127.0.0.1', port }, path: name === 'api' ? '/api' : '/' }
}
