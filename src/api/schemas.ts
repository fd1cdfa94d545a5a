/**
 * The shapes of requests. What comes over the socket is checked again as a whole, whoever sent it; the stack
 * file's own rules, with line and column, are in `config`.
 */
import { dependencyCycles } from '../model/dependencies.ts'
import { noticeKinds, type Webhook } from '../model/notification.ts'
import { steerVerbs } from '../model/steering.ts'
import { z } from 'zod'
import type { TerminalSize } from '../engine/terminal.ts'
import type {
  AccessRequest,
  EventsRequest,
  LiftRequest,
  LogsRequest,
  PlanRequest,
  RefuseRequest,
  DownRequest,
  AcknowledgeRequest,
  RepaveRequest,
  DriftRequest,
  ReplaceRequest,
  RollbackRequest,
  SteerRequest,
  UpRequest,
} from '../controller/commands.ts'
import type { Lock } from '../image/lock.ts'
import type {
  CanaryStep,
  ImageSource,
  Quantity,
  Route,
  RolloutPolicy,
  Scope,
  ServiceSpec,
  Stack,
  VerdictPolicy,
} from '../model/stack.ts'
import type { Health, ImageDigest, Resources } from '../model/version.ts'

const name = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must be a name: lower case letters, digits, - and _')
const text = z.string().max(32_768)
const absolutePath = text.startsWith('/')
const port = z.int().min(1).max(65_535)
const count = z.int().min(0).max(1_000_000)
const milliseconds = z.int().min(0).max(86_400_000_000)
const digest = z.custom<ImageDigest>(
  (value) => typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value),
  'must be sha256: and 64 hex digits',
)
const textByName = z.record(text, text)

const imageSource: z.ZodType<ImageSource> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('reference'), reference: text.min(1) }),
  z.strictObject({
    kind: z.literal('build'),
    dockerfile: absolutePath,
    context: absolutePath,
    arguments: textByName,
  }),
])

const route: z.ZodType<Route> = z.strictObject({
  listen: z.strictObject({ address: text.min(1), port }),
  host: text.min(1).exactOptional(),
  path: absolutePath,
  tls: z.strictObject({ certificate: absolutePath, key: absolutePath }).exactOptional(),
})

const timing = {
  intervalMs: milliseconds.min(1),
  timeoutMs: milliseconds.min(1),
  healthyAfter: count.min(1),
  unhealthyAfter: count.min(1),
}

const health: z.ZodType<Health> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('http'), path: absolutePath, ...timing }),
  z.strictObject({ kind: z.literal('tcp'), ...timing }),
  z.strictObject({ kind: z.literal('process'), ...timing }),
])

const limit = z.int().min(1)
const resources: z.ZodType<Resources> = z.strictObject({ cpuMillis: limit, memoryBytes: limit, pids: limit })
const otherLimits: z.ZodType<Partial<Resources>> = z.strictObject({
  cpuMillis: limit.exactOptional(),
  memoryBytes: limit.exactOptional(),
  pids: limit.exactOptional(),
})

const quantity: z.ZodType<Quantity> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('count'), count }),
  z.strictObject({ kind: z.literal('share'), share: z.number().min(0).max(1) }),
])

const verdict: z.ZodType<VerdictPolicy> = z.strictObject({
  windowMs: milliseconds,
  requests: count,
  errors: z.boolean(),
  latency: z
    .strictObject({ percentile: z.number().min(50).max(99.9), tolerance: z.number().min(1).max(100) })
    .exactOptional(),
  prometheus: z
    .array(
      z.strictObject({
        name: text.min(1),
        url: text.min(1),
        query: text.min(1),
        min: z.number().exactOptional(),
        max: z.number().exactOptional(),
      }),
    )
    .exactOptional(),
})

const rolloutBase = {
  maxSurge: quantity,
  maxUnavailable: quantity,
  deadlineMs: milliseconds.min(1),
  verdict: verdict.exactOptional(),
  maxPauseMs: milliseconds.min(1).exactOptional(),
}

const step: z.ZodType<CanaryStep> = z.strictObject({
  share: z.number().gt(0).lt(1),
  holdMs: milliseconds,
  requests: count,
})

const rollout: z.ZodType<RolloutPolicy> = z.discriminatedUnion('strategy', [
  z.strictObject({ strategy: z.literal('rolling'), ...rolloutBase }),
  z.strictObject({ strategy: z.literal('recreate'), ...rolloutBase }),
  z.strictObject({ strategy: z.literal('blueGreen'), keepWarmMs: milliseconds, ...rolloutBase }),
  z.strictObject({
    strategy: z.literal('canary'),
    keepWarmMs: milliseconds,
    steps: z.array(step),
    ...rolloutBase,
  }),
])

const service: z.ZodType<ServiceSpec> = z.strictObject({
  image: imageSource,
  command: z.array(text).exactOptional(),
  environment: textByName,
  user: text.exactOptional(),
  port: port.exactOptional(),
  routes: z.array(route),
  health,
  resources,
  tmpfs: z.array(absolutePath),
  data: z.record(name, absolutePath).exactOptional(),
  replicas: count,
  standby: count.exactOptional(),
  rollout,
  dependsOn: z.array(name).exactOptional(),
  history: count.min(1).exactOptional(),
  rehearsal: z.strictObject({ everyMs: milliseconds.min(1) }).exactOptional(),
  executables: z.array(absolutePath).min(1).exactOptional(),
  lifetime: z.strictObject({ maxMs: milliseconds.min(60_000), jitter: z.number().min(0).max(0.9) }).exactOptional(),
  guard: z
    .strictObject({
      escalation: z
        .strictObject({
          after: count.min(2),
          withinMs: milliseconds.min(1),
          action: z.enum(['hold', 'rollback', 'tighten']),
          limits: otherLimits.exactOptional(),
        })
        .exactOptional(),
      memory: z.literal(true).exactOptional(),
    })
    .exactOptional(),
  drainMs: milliseconds,
})

const services = z.record(name, service).refine(canBeOrdered, 'must depend on each other without a circle')

const webhook: z.ZodType<Webhook> = z.strictObject({
  url: text.regex(/^https?:\/\//, 'must be an address'),
  secretFile: absolutePath,
  events: z.array(z.enum(noticeKinds)).exactOptional(),
})

const stack: z.ZodType<Stack> = z.strictObject({
  stack: name,
  environment: name,
  services,
  rollback: z.literal('service').exactOptional(),
  notifications: z.array(webhook).max(16).exactOptional(),
})

/** Without an order, each would wait for the other for good. */
function canBeOrdered(all: Stack['services']): boolean {
  const dependencies = new Map(Object.entries(all).map(([key, { dependsOn = [] }]) => [key, dependsOn]))
  return dependencyCycles(dependencies).length === 0
}

const lock: z.ZodType<Lock> = z.strictObject({
  lockVersion: z.literal(1),
  references: z.record(text, z.strictObject({ digest, repositoryDigest: text.exactOptional() })),
  builds: z.record(name, z.strictObject({ inputs: text, digest })),
})

const someText = text.min(1, 'must not be empty')
const by = someText.max(256)
/** It becomes a part of a path of the engine's API. */
const imageName = someText
  .max(512)
  .regex(/^\w[\w.:@/-]*$/, 'must be the name or the digest of an image')
  .refine((value) => !value.split('/').includes('..'), 'must not hold `..`')
const scope = { stack: name, environment: name }

const upShape = { by, stack, lock, refresh: z.boolean().exactOptional() }

export const upSchema: z.ZodType<UpRequest> = z.strictObject(upShape)

export const planSchema: z.ZodType<PlanRequest> = z.strictObject({
  ...upShape,
  timeline: z.strictObject({ requestsPerSecond: z.number().min(0).max(1e9).exactOptional() }).exactOptional(),
})

export const rollbackSchema: z.ZodType<RollbackRequest> = z.strictObject({
  by,
  ...scope,
  service: name.exactOptional(),
  to: someText.exactOptional(),
})

export const refuseSchema: z.ZodType<RefuseRequest> = z.strictObject({
  by,
  ...scope,
  what: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('name'), name: someText }),
    z.strictObject({ kind: z.literal('label'), label: someText, value: text }),
    z.strictObject({ kind: z.literal('base'), base: imageName }),
    z.strictObject({
      kind: z.literal('package'),
      name: someText.max(512),
      version: someText.max(512).exactOptional(),
    }),
  ]),
  reason: someText,
})

export const liftSchema: z.ZodType<LiftRequest> = z.strictObject({
  by,
  ...scope,
  id: z.int().min(1),
  reason: someText,
})

export const replaceSchema: z.ZodType<ReplaceRequest> = z.strictObject({ by, ...scope, instance: someText })

export const terminalSizeSchema: z.ZodType<TerminalSize> = z.strictObject({
  columns: z.int().min(1).max(1_000),
  rows: z.int().min(1).max(1_000),
})

/** Longer, and it would be a way to live in an instance. */
const longestAccessMs = 3_600_000

export const accessSchema: z.ZodType<AccessRequest> = z.strictObject({
  by,
  ...scope,
  instance: someText,
  reason: someText.max(1_000).regex(/\S/, 'must not be empty'),
  command: z.array(someText).min(1).max(100),
  forMs: milliseconds.min(1_000).max(longestAccessMs, 'must be an hour at most'),
  size: terminalSizeSchema,
})

export const repaveSchema: z.ZodType<RepaveRequest> = z.strictObject({ by, ...scope, service: name.exactOptional() })

export const acknowledgeSchema: z.ZodType<AcknowledgeRequest> = z.strictObject({
  by,
  ...scope,
  service: name.exactOptional(),
  reason: someText,
})

export const steerSchema: z.ZodType<SteerRequest> = z.strictObject({
  by,
  ...scope,
  verb: z.enum(steerVerbs),
  service: name.exactOptional(),
})

export const downSchema: z.ZodType<DownRequest> = z.strictObject({ by, ...scope, data: z.boolean().exactOptional() })

/** Queries carry text: numbers and booleans are read from it. */
const numeral = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number)
const flag = z.enum(['true', 'false']).transform((value) => value === 'true')

export const scopeSchema: z.ZodType<Scope, Record<string, unknown>> = z.strictObject(scope)

export const driftSchema: z.ZodType<DriftRequest> = z.strictObject({
  ...scope,
  exceptions: z
    .array(
      z.strictObject({
        what: someText.max(1024),
        reason: someText,
        until: z.iso.date('must be a day: 2027-01-31'),
      }),
    )
    .max(1000)
    .exactOptional(),
})

export const statusSchema: z.ZodType<Partial<Scope>, Record<string, unknown>> = z.strictObject({
  stack: name.exactOptional(),
  environment: name.exactOptional(),
})

export const evidenceSchema: z.ZodType<{ readonly digest: string }, Record<string, unknown>> = z.strictObject({
  digest,
})

export const versionsSchema: z.ZodType<Scope & { readonly service?: string }, Record<string, unknown>> = z.strictObject(
  {
    ...scope,
    service: name.exactOptional(),
  },
)

export const logsSchema: z.ZodType<LogsRequest, Record<string, unknown>> = z.strictObject({
  ...scope,
  service: name,
  tail: numeral.exactOptional(),
  follow: flag.exactOptional(),
})

export const eventsSchema: z.ZodType<
  EventsRequest & { readonly follow?: boolean },
  Record<string, unknown>
> = z.strictObject({
  stack: name.exactOptional(),
  environment: name.exactOptional(),
  service: name.exactOptional(),
  instance: z.string().exactOptional(),
  version: z.string().exactOptional(),
  by: z.string().exactOptional(),
  sinceMs: numeral.exactOptional(),
  untilMs: numeral.exactOptional(),
  after: numeral.exactOptional(),
  last: numeral.exactOptional(),
  follow: flag.exactOptional(),
})
