/** What happens in a timeline, in words. */
import { durationWords } from '../model/duration.ts'
import type { ServiceRelease } from '../model/release.ts'
import type { TimelineAssumption, TimelineEvent, TimelinePoint } from '../model/report.ts'
import { shortVersion, type VersionId } from '../model/version.ts'
import { allRequests, type Stage } from '../rollout/stage.ts'
import { stagesOf } from '../rollout/stages.ts'

/** What happens to several instances at once is told once. */
export type CountedKind = Extract<TimelineEvent['kind'], 'started' | 'standby' | 'ready' | 'leaving' | 'gone'>

const happens: Readonly<Record<CountedKind, readonly [one: string, several: string]>> = {
  started: ['is started', 'are started'],
  standby: ['stands by', 'stand by'],
  ready: ['is ready', 'are ready'],
  leaving: ['leaves', 'leave'],
  gone: ['is gone', 'are gone'],
}

export function countedEvent(kind: CountedKind, version: VersionId, count: number): TimelineEvent {
  const [one, several] = happens[kind]
  const instances = `${count} instance${count === 1 ? '' : 's'}`
  return { kind, message: `${instances} of ${shortVersion(version)} ${count === 1 ? one : several}` }
}

export function waitingEvent(services: readonly string[]): TimelineEvent {
  return { kind: 'waiting', message: `waits for ${services.join(', ')}` }
}

type Hold = Pick<Stage, 'holdMs' | 'requests'>

/** `5 % of the requests go to 90ab12cd, held for 1 m and 100 answers` */
export function shareEvent(version: VersionId, thousandths: number, hold: Hold): TimelineEvent {
  const share = thousandths === allRequests ? 'all requests' : `${thousandths / 10} % of the requests`
  const held = holdWords(hold)
  return { kind: 'share', message: `${share} go to ${shortVersion(version)}${held ? `, held ${held}` : ''}` }
}

export function heldEvent(version: VersionId, hold: Hold): TimelineEvent {
  return { kind: 'held', message: `${shortVersion(version)} is watched ${holdWords(hold)}` }
}

function holdWords({ holdMs, requests }: Hold): string {
  const time = holdMs > 0 ? `for ${durationWords(holdMs)}` : ''
  const answers = requests > 0 ? `${requests} answers` : ''
  return time && answers ? `${time} and ${answers}` : time || (answers && `for ${answers}`)
}

export function succeededEvent(version: VersionId, from: VersionId | null, warmMs: number): TimelineEvent {
  const warm = from !== null && warmMs > 0 ? `; ${shortVersion(from)} stays warm for ${durationWords(warmMs)}` : ''
  return { kind: 'succeeded', message: `done: ${shortVersion(version)} serves${warm}` }
}

export function cooledEvent(version: VersionId): TimelineEvent {
  return { kind: 'cooled', message: `${shortVersion(version)} is kept warm no longer` }
}

export function abortedEvent(reason: string): TimelineEvent {
  return { kind: 'aborted', message: `would be taken back: ${reason}` }
}

/** What is taken for given of the requests that a service gets, where its rollout needs some. */
export function requestsAssumption(
  { rollout, replicas }: ServiceRelease,
  isStaged: boolean,
  requestsPerSecond: number | undefined,
): readonly TimelineAssumption[] {
  const stages = (isStaged && stagesOf({ rollout, replicas }, false)) || []
  const needed = [rollout.verdict?.requests ?? 0, ...stages.map(({ requests }) => requests)]
  if (needed.every((requests) => requests === 0)) return []
  const basis =
    requestsPerSecond === undefined
      ? 'the answers that are needed are taken to come in time'
      : `${requestsPerSecond} requests a second, as was said`
  return [{ what: 'requests', basis }]
}

/** Those of the times that something in `points` took. */
export function assumptionsOf(
  points: readonly TimelinePoint[],
  assumptions: readonly TimelineAssumption[],
): readonly TimelineAssumption[] {
  const kinds = new Set(points.flatMap(({ events }) => events.map(({ kind }) => kind)))
  const shownBy = { start: 'started', drain: 'leaving', end: 'gone' } as const
  return assumptions.filter(({ what }) => what === 'requests' || kinds.has(shownBy[what]))
}
