/** `plan` and `up`: from a stack to images, to a release, to a fleet. */
import { PassThrough } from 'node:stream'
import { resolveImages, type ResolvedImages } from '../image/resolve.ts'
import { toRelease } from '../image/release.ts'
import type { Lock } from '../image/lock.ts'
import { refusedName } from '../model/refusal.ts'
import type { PlanReport, ProgressReport } from '../model/report.ts'
import { isSameRelease, type Release } from '../model/release.ts'
import { planRelease } from '../plan/plan.ts'
import type { PlanRequest, UpRequest } from './commands.ts'
import type { Desk } from './desk.ts'
import { recordingImages } from './records.ts'
import type { Unjudged } from './refusals.ts'
import { awaitRest, takeUp } from './take-up.ts'
import { timelineFor } from './timeline.ts'
import type { Turn } from './turns.ts'

export async function planUp(desk: Desk, request: PlanRequest): Promise<{ plan: PlanReport; lock: Lock }> {
  const { images, lock } = await resolveImages(
    request.stack,
    request.lock,
    recordingImages(desk.seams, request.stack),
    options(request),
  )
  const release = toRelease(request.stack, images)
  await desk.loop.decisions.refusals.admit(release, release.services)
  await desk.admit(release)
  const timeline = request.timeline && (await timelineFor(desk, release, request.timeline))
  return { plan: { ...planFor(desk, release), ...(timeline && { timeline }) }, lock }
}

export async function* up(desk: Desk, request: UpRequest, turn: Turn): AsyncIterable<ProgressReport> {
  const { images, lock } = yield* told<ResolvedImages>((tell) =>
    resolveImages(request.stack, request.lock, recordingImages(desk.seams, request.stack), {
      ...options(request),
      progress: (service, message) => tell({ kind: 'image', service, message }),
    }),
  )
  const release = toRelease(request.stack, images)
  const unjudged = await desk.loop.decisions.refusals.admit(release, release.services)
  await desk.admit(release)
  yield* unjudged.map(unjudgedReport)
  yield { kind: 'lock', lock }
  yield { kind: 'plan', plan: planFor(desk, release) }
  const current = desk.loop.decisions.of(release)?.release
  if (current && isSameRelease(current, release)) yield* awaitRest(desk, release, turn)
  else yield* takeUp(desk, { release, decision: 'up', reason: 'the stack file changed', by: request.by }, turn)
}

function unjudgedReport({ service, refusal, why }: Unjudged): ProgressReport {
  const message = `can't be judged by refusal ${refusal.id} (${refusedName(refusal)}): ${why}`
  return { kind: 'image', service, message }
}

function options({ refresh }: UpRequest): { refresh?: boolean } {
  return refresh === undefined ? {} : { refresh }
}

function planFor(desk: Desk, release: Release): PlanReport {
  const view = desk.loop.view(release)
  const instances = Object.fromEntries((view?.fleets ?? []).map((fleet) => [fleet.key.service, fleet.instances]))
  return planRelease({ services: desk.loop.decisions.of(release)?.release.services ?? {}, instances }, release)
}

/** Runs `work` and yields what it tells while it runs. */
async function* told<T>(
  work: (tell: (report: ProgressReport) => void) => Promise<T>,
): AsyncGenerator<ProgressReport, T> {
  const lines = new PassThrough({ objectMode: true })
  const result = work((report) => lines.write(report)).finally(() => lines.end())
  result.catch(() => {})
  yield* lines
  return result
}
