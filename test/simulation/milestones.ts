/** What rollouts and people came to in simulated worlds, by the name under which it is counted. */
import type { Entry } from '../../src/model/entry.ts'
import { isErring } from './catalogue.ts'
import { needsRequests, type Rollout } from './decided.ts'
import { isStaged } from './fleet-truth.ts'

const ofRollouts = {
  'a rolling rollout succeeds': (rollout) => is(rollout, 'rolling', 'succeeded'),
  'a rolling rollout is taken back': (rollout) => is(rollout, 'rolling', 'aborted'),
  'a rolling rollout is superseded': (rollout) => is(rollout, 'rolling', 'superseded'),
  'a recreate rollout succeeds': (rollout) => is(rollout, 'recreate', 'succeeded'),
  'a recreate rollout is taken back': (rollout) => is(rollout, 'recreate', 'aborted'),
  'a recreate rollout is superseded': (rollout) => is(rollout, 'recreate', 'superseded'),
  'a blue-green rollout succeeds': (rollout) => is(rollout, 'blueGreen', 'succeeded'),
  'a blue-green rollout is taken back': (rollout) => is(rollout, 'blueGreen', 'aborted'),
  'a blue-green rollout is superseded': (rollout) => is(rollout, 'blueGreen', 'superseded'),
  'a canary rollout succeeds': (rollout) => is(rollout, 'canary', 'succeeded'),
  'a canary rollout is taken back': (rollout) => is(rollout, 'canary', 'aborted'),
  'a canary rollout is superseded': (rollout) => is(rollout, 'canary', 'superseded'),
  'a canary passes its first stage': ({ record, service }) =>
    service.rollout.strategy === 'canary' && (record.stage ?? 0) > 0,
  'a rollout moves requests by shares': isStaged,
  'a rollout with some that stand by succeeds': ({ record, service }) =>
    record.state === 'succeeded' && (service.standby ?? 0) > 0,
  'a rollout after another one succeeds': ({ record, service }) =>
    record.state === 'succeeded' && (service.dependsOn ?? []).length > 0,
  'a switch back succeeds': ({ record }) => record.state === 'succeeded' && record.isSwitch === true,
  'a rollout succeeds that is judged by requests': ({ record, from, service }) =>
    record.state === 'succeeded' && isChange(from, service) && needsRequests(service),
  'a rollout is taken back that is judged by requests': ({ record, from, service }) =>
    record.state === 'aborted' && isChange(from, service) && needsRequests(service),
  'a rollout to what answers with errors is taken back': ({ record, service }) =>
    record.state === 'aborted' && isErring(service.imageName),
} as const satisfies Record<string, (rollout: Rollout) => boolean>

const ofEntries = {
  'a rollout passes a stage': 'rollout.stepped',
  'what was kept warm cools': 'fleet.cooled',
  'somebody pauses a rollout': 'decision.pause',
  'somebody resumes a rollout': 'decision.resume',
  'somebody promotes a rollout': 'decision.promote',
  'somebody goes back': 'decision.rollback',
  'somebody has an instance replaced': 'decision.replace',
  'somebody takes all down': 'decision.down',
  'somebody refuses something': 'decision.refuse',
  'somebody recalls something': 'decision.recall',
  'somebody lifts a refusal': 'decision.refusal-lifted',
  'an instance is tainted': 'instance.tainted',
  'an instance is cordoned': 'instance.cordoned',
  'evidence is kept': 'capture.done',
  'a tainted instance goes without evidence': 'evidence.missing',
  'a service is escalated': 'escalation.began',
  'the sensor is suspected': 'sensor.suspected',
  'somebody has looked': 'taint.acknowledged',
  'somebody has all replaced': 'decision.repave',
  'a rehearsal passes': 'rehearsal.passed',
  'a rehearsal fails': 'rehearsal.failed',
} as const

export type MilestoneName = keyof typeof ofRollouts | keyof typeof ofEntries

export const milestoneNames: readonly MilestoneName[] = [...keysOf(ofRollouts), ...keysOf(ofEntries)]

/** How often a world came to each. */
export function milestonesOf(
  rollouts: readonly Rollout[],
  entries: readonly Entry[],
): ReadonlyMap<MilestoneName, number> {
  return new Map<MilestoneName, number>([
    ...keysOf(ofRollouts).map((name) => [name, rollouts.filter(ofRollouts[name]).length] as const),
    ...keysOf(ofEntries).map((name) => [name, entries.filter(({ kind }) => kind === ofEntries[name]).length] as const),
  ])
}

type Service = Rollout['service']

/** Of those that lead from one version to another. */
function is({ record, from, service }: Rollout, strategy: string, state: string): boolean {
  return service.rollout.strategy === strategy && record.state === state && isChange(from, service)
}

function isChange(from: Service | undefined, to: Service): boolean {
  return from !== undefined && from.version !== to.version
}

function keysOf<Name extends string>(record: Readonly<Record<Name, unknown>>): readonly Name[] {
  return Object.keys(record) as Name[]
}
