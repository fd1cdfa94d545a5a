/** The keys `lifetime` and `guard` of a service. */
import * as z from 'zod'
import { defaultEscalation, defaultLifetime } from '../model/stack.ts'
import { otherLimits } from './resources-definition.ts'
import { absolutePath, duration, share } from './scalars.ts'
import { printDuration, printShare } from './units.ts'

export const lifetime = z
  .strictObject({
    max: duration(
      '1m',
      '8760h',
      `How old an instance may become before a clean one takes its place. Default: ${printDuration(defaultLifetime.maxMs)}.`,
    ).optional(),
    jitter: share(
      `How much earlier that may be, drawn for each instance, so that those born together do not end together. Default: ${printShare(defaultLifetime.jitter)}.`,
    )
      .refine((value) => value <= 0.9, 'must be at most 90%')
      .optional(),
  })
  .meta({ description: 'Nothing grows old: every instance has a deadline.', examples: [{ max: '24h' }] })

const escalation = z.strictObject({
  after: z
    .int()
    .min(2)
    .max(1000)
    .meta({
      description: `How many touched instances are too many to be answered with clean ones alone. Default: ${defaultEscalation.after}.`,
      examples: [3],
    })
    .optional(),
  within: duration('1s', '24h', `Within which time. Default: ${printDuration(defaultEscalation.withinMs)}.`).optional(),
  action: z
    .enum(['hold', 'rollback', 'tighten'])
    .meta({
      description: `What follows, until somebody acknowledges it. "hold" takes a running rollout back, and lets clean instances come slowly. "rollback" goes back to the version before, too; "tighten" replaces all instances by ones that get no more than \`limits\`. Default: "${defaultEscalation.action}".`,
      examples: ['rollback'],
    })
    .optional(),
  limits: otherLimits
    .meta({
      description:
        'With "tighten", the most that an instance gets, until something else is decided; what is left out stays.',
      examples: [{ cpus: 0.1, pids: 16 }],
    })
    .optional(),
})

export const guard = z
  .strictObject({
    escalation: escalation.meta({ description: 'What follows when instances are touched again and again.' }).optional(),
    executables: z
      .array(absolutePath)
      .min(1, 'must hold at least one path; leave the key out to allow every program of the image')
      .max(1000, 'must hold at most 1000 paths')
      .meta({
        description:
          'The only programs that may run in an instance, as paths in it. Default: every program of its image, started by the instance itself.',
        examples: [['/usr/bin/node']],
      })
      .optional(),
    memory: z
      .boolean()
      .meta({ description: 'Whether evidence holds what processes have written to memory. Default: false.' })
      .optional(),
  })
  .meta({ description: 'Touched is dead: what is watched, and what follows.' })
