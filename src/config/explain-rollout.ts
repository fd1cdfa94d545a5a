/** The rollout policy of a service as rows of `plan --explain`: only what its strategy has a use for. */
import { defaultMaxPauseMs, type PrometheusGate, type RolloutPolicy, type VerdictPolicy } from '../model/stack.ts'
import { printDuration, printQuantity, printStep } from './units.ts'

/** What a service has, as its keys in the file, the value, and who decides where the file says nothing. */
export type Row = readonly [keys: string, value: string, otherwise?: 'image']

export function rolloutRows(rollout: RolloutPolicy): readonly Row[] {
  const quantities: readonly Row[] = [
    ['rollout/maxSurge', printQuantity(rollout.maxSurge)],
    ['rollout/maxUnavailable', printQuantity(rollout.maxUnavailable)],
  ]
  return [
    ['rollout/strategy', rollout.strategy],
    ...(rollout.strategy === 'recreate' ? [] : quantities),
    ['rollout/deadline', printDuration(rollout.deadlineMs)],
    ...stagedRows(rollout),
    ...verdictRows(rollout.verdict),
    ['rollout/maxPause', printDuration(rollout.maxPauseMs ?? defaultMaxPauseMs)],
  ]
}

function stagedRows(rollout: RolloutPolicy): readonly Row[] {
  if (rollout.strategy !== 'blueGreen' && rollout.strategy !== 'canary') return []
  return [
    ...(rollout.strategy === 'canary' ? [['rollout/steps', rollout.steps.map(printStep).join('; ')] as const] : []),
    ['rollout/keepWarm', printDuration(rollout.keepWarmMs)],
  ]
}

function verdictRows(verdict: VerdictPolicy | undefined): readonly Row[] {
  if (!verdict) return [['rollout/verdict', 'none: that its instances are ready is enough']]
  const { windowMs, requests, errors, latency, prometheus = [] } = verdict
  return [
    ['rollout/verdict/window', printDuration(windowMs)],
    ['rollout/verdict/requests', String(requests)],
    ['rollout/verdict/errors', String(errors)],
    ...latencyRows(latency),
    ['rollout/verdict/prometheus', prometheus.map(gateWords).join('; ') || 'none'],
  ]
}

function latencyRows(latency: VerdictPolicy['latency']): readonly Row[] {
  if (!latency) return [['rollout/verdict/latency', 'not compared']]
  return [
    ['rollout/verdict/latency/percentile', String(latency.percentile)],
    ['rollout/verdict/latency/tolerance', String(latency.tolerance)],
  ]
}

function gateWords({ name, min, max }: PrometheusGate): string {
  const bounds = [min === undefined ? '' : `at least ${min}`, max === undefined ? '' : `at most ${max}`]
  return `${name} ${bounds.filter(Boolean).join(' and ')}`
}
