/** `recall`: what must not run any more is refused, and what runs of it is replaced. */
import { refusalOf } from '../guard/refusals.ts'
import type { NewRefusal } from '../model/refusal.ts'
import type { ProgressReport, UnjudgedImage } from '../model/report.ts'
import type { Release, ServiceRelease } from '../model/release.ts'
import type { FleetKey } from '../model/stack.ts'
import type { RefuseRequest } from './commands.ts'
import type { Desk } from './desk.ts'
import { newRefusal } from './refuse.ts'
import { nothingToRollBack } from './rollback.ts'
import { resultServices } from './status.ts'
import { awaitRest, followDecision } from './take-up.ts'
import type { Turn } from './turns.ts'
import { type Past, provenReleases } from './way-back.ts'

export async function* recall(desk: Desk, request: RefuseRequest, turn: Turn): AsyncIterable<ProgressReport> {
  const asked: NewRefusal = { ...(await newRefusal(desk, request)), isRecall: true }
  const { refusal } = await desk.loop.decisions.examine(asked)
  const gone: string[] = []
  let outcome: Outcome = { gone, isNew: false, unjudged: [] }
  const take = async () => {
    const { isNew, unjudged, record } = await desk.recall(asked, (current, examined) =>
      replaced(desk, examined, current, gone),
    )
    outcome = { gone, isNew, unjudged }
    return record
  }
  for await (const report of reports(desk, refusal, turn, take))
    yield report.kind === 'result' ? concluded(report, outcome) : report
}

type Take = () => Promise<Awaited<ReturnType<Desk['take']>> | undefined>

async function* reports(desk: Desk, refusal: NewRefusal, turn: Turn, take: Take): AsyncIterable<ProgressReport> {
  if (runsAnywhere(desk, refusal)) return yield* followDecision(desk, refusal, turn, take)
  if (await take()) return yield* awaitRest(desk, refusal, turn)
  yield { kind: 'result', result: { ok: true, services: resultServices(desk.loop.view(refusal)), changed: false } }
}

/** Whether the environment is to run something of it, or has an instance of it. */
function runsAnywhere(desk: Desk, refusal: NewRefusal): boolean {
  const { decisions } = desk.loop
  const { stack, environment } = refusal
  const current = Object.entries(decisions.of(refusal)?.release.services ?? {})
  const fleets = desk.loop.view(refusal)?.fleets ?? []
  const there = fleets.flatMap(({ key, instances }) =>
    instances
      .flatMap(({ version }) => decisions.released(key, version) ?? [])
      .map((released) => [key.service, released] as const),
  )
  return [...current, ...there].some(([service, released]) =>
    refusalOf({ stack, environment, service }, released, [refusal]),
  )
}

/** `current` with something else for what is recalled, or without: the services of which nothing is left are in `gone`. */
async function replaced(
  desk: Desk,
  refusal: NewRefusal,
  current: Release,
  gone: string[],
): Promise<Release | undefined> {
  const { stack, environment } = current
  const concerned = Object.entries(current.services).filter(([service, released]) =>
    refusalOf({ stack, environment, service }, released, [refusal]),
  )
  if (concerned.length === 0) return undefined
  const { store } = desk.seams
  const past = { history: await store.releases(current), versions: await store.versions(current) }
  let release = current
  for (const [service, released] of concerned) {
    const { [service]: _recalled, ...others } = release.services
    const without = { ...release, services: others }
    const next = await firstThatCanRun(desk, refusal, { service, released, past, without })
    if (!next) gone.push(service)
    release = next ?? without
  }
  return release
}

interface Recalled {
  readonly service: string
  readonly released: ServiceRelease
  readonly past: Past
  readonly without: Release
}

/** With the newest proven version that is not refused, whose image is still there and whose routes can be had. */
async function firstThatCanRun(
  desk: Desk,
  refusal: NewRefusal,
  { service, released, past, without }: Recalled,
): Promise<Release | undefined> {
  const key: FleetKey = { stack: refusal.stack, environment: refusal.environment, service }
  const permitted = provenReleases(service, past).filter(
    (each) => !refusalOf(key, each, [refusal]) && !desk.loop.decisions.refusals.of(key, each),
  )
  for (const each of permitted) {
    const next = { ...each, replicas: released.replicas }
    const release = { ...without, services: { ...without.services, [service]: next } }
    if (await canRun(desk, release, next)) return release
  }
  return undefined
}

async function canRun(desk: Desk, release: Release, { spec }: ServiceRelease): Promise<boolean> {
  try {
    await desk.seams.engine.prepare({ kind: 'digest', digest: spec.image })
    await desk.admit(release)
    return true
  } catch {
    return false
  }
}

interface Outcome {
  readonly gone: readonly string[]
  readonly isNew: boolean
  readonly unjudged: readonly UnjudgedImage[]
}

/** Where nothing could take its place, the recalled code does not run, and neither does the service. */
function concluded(report: ProgressReport & { readonly kind: 'result' }, outcome: Outcome): ProgressReport {
  const { gone, isNew, unjudged } = outcome
  const changed = report.result.changed || isNew
  const result = { ...report.result, changed, ...(unjudged.length > 0 && { unjudged }) }
  if (!result.ok || gone.length === 0) return { kind: 'result', result }
  const { code, message, hint } = nothingToRollBack(
    `${gone.join(', ')} ${gone.length > 1 ? 'have' : 'has'} no other version that was ever proven and is not refused, and nothing of it is left running`,
  ).report()
  return { kind: 'result', result: { ...result, ok: false, code, message, hint } }
}
