/** The key `rollout` of a service. */
import * as z from 'zod'
import {
  defaultDeadlineMs,
  defaultKeepWarmMs,
  defaultMaxSurge,
  defaultMaxUnavailable,
  defaultStepHoldMs,
  defaultStepRequests,
  defaultSteps,
} from './defaults.ts'
import { defaultMaxPauseMs } from '../model/stack.ts'
import { duration, quantity, share } from './scalars.ts'
import { printDuration, printQuantity, printStep } from './units.ts'
import { verdict } from './verdict-definition.ts'

const step = z
  .strictObject({
    share: share('How many of the requests the new version gets, in steps of 0.1%.'),
    for: duration(
      '0s',
      '24h',
      `How long this share is held at least. Default: ${printDuration(defaultStepHoldMs)}.`,
    ).optional(),
    requests: z
      .int()
      .min(0)
      .max(1_000_000)
      .meta({
        description: `How many answers the new version has to give at least; with 0, only time counts. Default: ${defaultStepRequests}.`,
        examples: [100],
      })
      .optional(),
  })
  .refine((value) => value.for !== 0 || value.requests !== 0, 'must be held for a time or a number of requests')

const steps = z
  .array(step)
  .min(1, 'must hold at least one step; leave the key out for the default ones')
  .max(100, 'must hold at most 100 steps')
  .check(({ value, issues }) => {
    for (const [index, { share: input }] of value.entries())
      if (input <= (value[index - 1]?.share ?? 0))
        issues.push({ code: 'custom', input, path: [index, 'share'], message: 'must be more than in the step before' })
  })

export const rollout = z.strictObject({
  strategy: z
    .enum(['rolling', 'recreate', 'blueGreen', 'canary'])
    .meta({
      description:
        '"rolling" replaces some instances at a time, new ones first. "recreate" ends the old ones before the new ones begin. "blueGreen" makes the whole new fleet ready, and then gives it all requests at once. "canary" gives it a growing share of them. Default: "rolling", or "recreate" for a service with `data`.',
      examples: ['canary'],
    })
    .optional(),
  maxSurge: quantity(
    `How many instances above the replicas a rollout may run; a percentage rounds up. Not with "recreate". Default: ${printQuantity(defaultMaxSurge)}.`,
  ).optional(),
  maxUnavailable: quantity(
    `How many of the replicas may be missing during a rollout; a percentage rounds down. Not with "recreate". Default: ${printQuantity(defaultMaxUnavailable)}.`,
  ).optional(),
  deadline: duration(
    '1s',
    '24h',
    `How long a rollout may go without a further instance becoming ready before it is aborted. Default: ${printDuration(defaultDeadlineMs)}.`,
  ).optional(),
  keepWarm: duration(
    '0s',
    '24h',
    `How long the old fleet stays ready for a way back after a rollout with "blueGreen" or "canary". Default: ${printDuration(defaultKeepWarmMs)}.`,
  ).optional(),
  steps: steps
    .meta({
      description: `The shares of the requests that the new version gets with "canary", one after the other, before it gets all. Default: ${defaultSteps.map(printStep).join('; ')}.`,
      examples: [[{ share: '10%', for: '5m', requests: 1000 }]],
    })
    .optional(),
  verdict: verdict
    .meta({
      description:
        'What the new version is judged by, beside the old one, and taken back for. Default: that its instances are ready; with "canary", also its share of failed answers.',
      examples: [{ window: '1m' }],
    })
    .optional(),
  maxPause: duration(
    '1s',
    '168h',
    `How long a rollout may stay paused before it is aborted. Default: ${printDuration(defaultMaxPauseMs)}.`,
  ).optional(),
})
