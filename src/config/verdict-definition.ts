/** The key `verdict` of a rollout: what a new version is judged by. */
import * as z from 'zod'
import { defaultLatency, defaultVerdict } from './defaults.ts'
import { duration, httpUrl, name, wellFormedText } from './scalars.ts'
import { printDuration } from './units.ts'

const latency = z.strictObject({
  percentile: z
    .number()
    .min(50)
    .max(99.9)
    .meta({
      description: `Slow is what takes longer than this percentage of the old version's answers. Default: ${defaultLatency.percentile}.`,
      examples: [95, 99],
    })
    .optional(),
  tolerance: z
    .number()
    .min(1)
    .max(100)
    .meta({
      description: `How many times the old version's odds of a slow answer the new one may have. Default: ${defaultLatency.tolerance}.`,
      examples: [1.5],
    })
    .optional(),
})

const url = httpUrl.meta({
  description: 'Where Prometheus is, with the path before /api/v1 if it has one.',
  examples: ['http://prometheus:9090'],
})

/** JSON has no negative zero: what is read back from a release would not be what went into it. */
const bound = (words: string) =>
  z
    .number()
    .meta({ description: words, examples: [0.01] })
    .transform((value) => value + 0)

const gate = z
  .strictObject({
    name: name.meta({ description: 'What the gate is called in messages.', examples: ['errors'] }),
    url,
    query: wellFormedText
      .min(1, 'must not be empty')
      .meta({ description: 'A PromQL query that gives one number.', examples: ['sum(rate(failures_total[1m]))'] }),
    min: bound('The least number that passes.').optional(),
    max: bound('The greatest number that passes.').optional(),
  })
  .check(({ value: { min, max }, issues, value }) => {
    if (min === undefined && max === undefined)
      issues.push({ code: 'custom', input: value, message: 'must have `min` or `max`, or both' })
    else if (min !== undefined && max !== undefined && min > max)
      issues.push({ code: 'custom', input: max, path: ['max'], message: `must be at least \`min\`, which is ${min}` })
  })

const prometheus = z
  .array(gate)
  .min(1, 'must hold at least one query')
  .max(32, 'must hold at most 32 queries')
  .check(({ value, issues }) => {
    for (const [index, { name: input }] of value.entries())
      if (value.findIndex((other) => other.name === input) < index)
        issues.push({ code: 'custom', input, path: [index, 'name'], message: 'must be a name that no other query has' })
  })

const { windowMs, requests, errors } = defaultVerdict

export const verdict = z.strictObject({
  window: duration(
    '0s',
    '1h',
    `How long every instance is watched once the new version has all of its requests. Default: ${printDuration(windowMs)}.`,
  ).optional(),
  requests: z
    .int()
    .min(0)
    .max(1_000_000)
    .meta({
      description: `The least number of answers of the new version before it can pass. Default: ${requests}, and 0 for a service without a route.`,
      examples: [100],
    })
    .optional(),
  errors: z
    .boolean()
    .meta({ description: `Whether its share of failed answers may not be greater. Default: ${errors}.` })
    .optional(),
  latency: latency
    .meta({
      description: 'Compare how many answers are slow, too. Default: they are not compared.',
      examples: [{ percentile: 99 }],
    })
    .optional(),
  prometheus: prometheus
    .meta({ description: 'Queries whose answers have to be within bounds for it to pass. Default: none.' })
    .optional(),
})
