/**
 * The stack file, defined once: what parses it, what types `defineStack`, and what the JSON Schema is made of.
 *
 * Messages complete the sentence "services.web.port …". What a key means is its description, which editors show
 * and errors repeat.
 */
import * as z from 'zod'
import { defaultDrainMs, defaultEnvironment, defaultReplicas, defaultTiming } from './defaults.ts'
import { defaultHistory } from '../model/stack.ts'
import { guard, lifetime } from './guard-definition.ts'
import { resources } from './resources-definition.ts'
import { notifications } from './notification-definition.ts'
import { rollout } from './rollout-definition.ts'
import { routes } from './route-definition.ts'
import { absolutePath, duration, filePath, name, port, wellFormedText } from './scalars.ts'
import { printDuration } from './units.ts'

// Docker's reference grammar (github.com/distribution/reference): [host[:port]/]path[:tag][@digest].
const imagePattern =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/

const build = z.strictObject({
  dockerfile: filePath.meta({
    description: 'The Dockerfile, relative to the stack file and inside its folder.',
    examples: ['./Dockerfile', './web/Dockerfile'],
  }),
  context: filePath
    .meta({
      description: "The folder that the build may copy from, relative to the stack file. Default: the Dockerfile's.",
      examples: ['.', './web'],
    })
    .optional(),
  arguments: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name such as NODE_VERSION'), wellFormedText)
    .meta({ description: 'Values for the ARG lines of the Dockerfile.' })
    .optional(),
})

const environment = z
  .record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]*$/, 'must be a variable name such as LOG_LEVEL'),
    wellFormedText.meta({ description: 'The value, as text: quote numbers and booleans.' }),
  )
  .meta({ description: "Environment variables, added to the image's.", examples: [{ LOG_LEVEL: 'info' }] })

const health = z.strictObject({
  http: z
    .string()
    .regex(/^\/[!-"$-~]*$/, 'must be a path such as /healthz, of printable ASCII characters without # or spaces')
    .max(1024, 'must be at most 1024 characters long')
    .meta({ description: 'Healthy when GET on this path answers 2xx or 3xx.', examples: ['/healthz'] })
    .optional(),
  tcp: z
    .literal(true)
    .meta({ description: 'Healthy when the port accepts a connection. The default for a service with a port.' })
    .optional(),
  interval: duration(
    '100ms',
    '10m',
    `How long from one probe to the next. Default: ${printDuration(defaultTiming.intervalMs)}.`,
  ).optional(),
  timeout: duration(
    '10ms',
    '1m',
    `How long a probe may take. Default: ${printDuration(defaultTiming.timeoutMs)}.`,
  ).optional(),
  healthyAfter: z
    .int()
    .min(1)
    .max(100)
    .meta({
      description: `How many successes in a row make an instance healthy. Default: ${defaultTiming.healthyAfter}.`,
      examples: [1],
    })
    .optional(),
  unhealthyAfter: z
    .int()
    .min(1)
    .max(100)
    .meta({
      description: `How many failures in a row make a healthy instance unhealthy. Default: ${defaultTiming.unhealthyAfter}.`,
      examples: [3],
    })
    .optional(),
})

const replicas = z
  .int()
  .min(0)
  .max(1000)
  .meta({ description: `How many instances run. Default: ${defaultReplicas}.`, examples: [3] })

const standby = z
  .int()
  .min(0)
  .max(100)
  .meta({
    description:
      'How many more instances are kept healthy, out of rotation, to step in at once when one dies. Default: 0.',
    examples: [1],
  })

const history = z
  .int()
  .min(1)
  .max(1000)
  .meta({
    description: `How many versions are kept as a way back, with their images. Default: ${defaultHistory}.`,
    examples: [defaultHistory],
  })

const rehearsal = z
  .strictObject({
    every: duration('1m', '720h', 'How long from one rehearsal to the next.'),
  })
  .meta({
    description:
      'Start earlier versions aside from time to time, to know of one that would fail before it is needed. Default: never.',
    examples: [{ every: '24h' }],
  })

const drain = duration(
  '0s',
  '24h',
  `How long requests may take to finish when an instance goes, and then its process to end after SIGTERM. Default: ${printDuration(defaultDrainMs)}.`,
)

const service = z.strictObject({
  image: z
    .string()
    .max(512, { error: 'must be at most 512 characters long', abort: true })
    .regex(imagePattern, 'must be an image reference: lower-case name, then :tag or @sha256:digest')
    .meta({
      description: 'The image to run: any reference. It is resolved to a digest and locked in repave.lock.json.',
      examples: ['nginx:1.27', 'ghcr.io/acme/web:1.4'],
    })
    .optional(),
  build: build
    .meta({ description: 'Build the image from a Dockerfile instead of naming one with `image`.' })
    .optional(),
  command: z
    .array(wellFormedText)
    .min(1, "must hold at least the program; leave the key out for the image's own command")
    .max(1000, 'must hold at most 1000 arguments')
    .meta({
      description: "The program and its arguments; replaces the image's entrypoint and command both.",
      examples: [['/usr/bin/web', '--port', '8080']],
    })
    .optional(),
  environment: environment.optional(),
  user: z
    .union([
      z.int().min(0).max(4_294_967_294),
      z
        .string()
        .regex(
          /^[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?$/,
          'must be a user id, uid:gid, or a name',
        )
        .max(128, 'must be at most 128 characters long'),
    ])
    .meta({
      description: "Who the process runs as. Default: the image's user, or 65532:65532 where that is root.",
      examples: [1000, '1000:1000', 'www-data'],
    })
    .transform(String)
    .optional(),
  port: port
    .meta({ description: 'The port that the process listens on inside the instance.', examples: [8080] })
    .optional(),
  route: routes.optional(),
  health: health
    .meta({
      description:
        'How an instance shows that it can serve. Default: tcp, or for a service without a port, its process.',
      examples: [{ http: '/healthz' }],
    })
    .optional(),
  resources: resources.meta({ description: 'The limits of one instance.' }).optional(),
  tmpfs: z
    .array(absolutePath)
    .max(64, 'must hold at most 64 paths')
    .meta({
      description: 'The only writable paths of an instance, in memory. Everything else is read-only.',
      examples: [['/tmp']],
    })
    .optional(),
  data: z
    .record(name, absolutePath)
    .refine((data) => Object.keys(data).length <= 64, 'must hold at most 64 volumes')
    .meta({
      description:
        'Named volumes, and the path of each inside the instance: all that outlives instances. Those of a service share them.',
      examples: [{ uploads: '/data' }],
    })
    .optional(),
  replicas: replicas.optional(),
  standby: standby.optional(),
  rollout: rollout.meta({ description: 'How a new version takes over.' }).optional(),
  dependsOn: z
    .array(name)
    .max(100, 'must hold at most 100 services')
    .meta({
      description: 'Services that have to be ready before a new version of this one is rolled out. Default: none.',
      examples: [['db']],
    })
    .optional(),
  history: history.optional(),
  rehearsal: rehearsal.optional(),
  lifetime: lifetime.optional(),
  guard: guard.optional(),
  drain: drain.optional(),
})

const serviceOverride = z.strictObject({
  replicas: replicas.optional(),
  standby: standby.optional(),
  route: routes.optional(),
  rollout: rollout
    .meta({
      description:
        "What differs in how a new version takes over; other keys are the service's, as far as they go with the strategy here.",
    })
    .optional(),
  history: history.optional(),
  rehearsal: rehearsal.optional(),
  lifetime: lifetime.optional(),
  guard: guard.optional(),
  drain: drain.optional(),
  environment: environment
    .meta({ description: "Environment variables added to the service's. They make another version of it." })
    .optional(),
})

const exception = z.strictObject({
  what: z
    .string()
    .regex(/^[^\s](?:.*[^\s])?$/, 'must be the kind or the id of a finding')
    .max(1024, 'must be at most 1024 characters long')
    .meta({
      description:
        'The kind or the id of a finding, as `repave drift --json` shows it; * in an id stands for anything.',
      examples: ['foreign', 'network.setting:repave-shop-default/*'],
    }),
  reason: wellFormedText
    .min(1, 'must say why')
    .max(1024, 'must be at most 1024 characters long')
    .meta({ description: 'Why that is accepted.' }),
  until: z.iso
    .date('must be a day, such as 2027-01-31')
    .meta({ description: 'The last day on which it is accepted, in UTC.', examples: ['2027-01-31'] }),
})

export const driftDefinition = z.strictObject({
  exceptions: z
    .array(exception)
    .max(1000, 'must hold at most 1000 exceptions')
    .meta({ description: 'Findings that are known and accepted for a time. They are no part of a release.' })
    .optional(),
})

export const stackDefinition = z.strictObject({
  $schema: z.string().meta({ description: 'The JSON Schema of this file, for editors.' }).optional(),
  stack: name.meta({ description: 'The name of the stack: all that this file describes.', examples: ['shop'] }),
  services: z
    .record(name, service.meta({ description: 'One workload, run as a fleet of identical instances.' }))
    .refine((services) => Object.keys(services).length > 0, 'must hold at least one service')
    .meta({ description: 'The services of the stack, by name.' }),
  rollback: z
    .enum(['stack', 'service'])
    .meta({
      description: 'What goes back when a rollout fails: the whole "stack", or that "service" alone. Default: "stack".',
      examples: ['service'],
    })
    .optional(),
  drift: driftDefinition.meta({ description: 'What `repave drift` is to pass over.' }).optional(),
  notifications: notifications
    .meta({
      description:
        'Webhooks that are told of what happens, signed by the Standard Webhooks specification. Default: none.',
    })
    .optional(),
  environments: z
    .record(
      name,
      z
        .strictObject({
          services: z
            .record(name, serviceOverride.meta({ description: 'What differs for this service.' }))
            .meta({ description: 'What differs here, by service.' })
            .optional(),
          notifications: notifications
            .meta({ description: "The webhooks that are told here, in the place of the stack's." })
            .optional(),
        })
        .meta({ description: 'One environment, and what differs in it.' }),
    )
    .meta({
      description: `Where the stack runs, by name; --env NAME chooses. Default: one called "${defaultEnvironment}".`,
    })
    .optional(),
})

/** What people write. */
export type StackInput = z.input<typeof stackDefinition>

/** What was written, with units parsed; nothing is filled in yet. */
export type StackDefinition = z.output<typeof stackDefinition>
export type ServiceDefinition = StackDefinition['services'][string]
export type ServiceOverride = NonNullable<
  NonNullable<NonNullable<StackDefinition['environments']>[string]['services']>[string]
>
