/** A release: what an environment should run. Content-named, like a version. */
import { createHash } from 'node:crypto'
import { canonicalJson } from './canonical.ts'
import { own } from './own.ts'
import type { Scope, ServiceSpec, Stack } from './stack.ts'
import type { VersionId, VersionSpec } from './version.ts'

export interface ServiceRelease extends Pick<
  ServiceSpec,
  | 'replicas'
  | 'standby'
  | 'routes'
  | 'rollout'
  | 'dependsOn'
  | 'history'
  | 'rehearsal'
  | 'lifetime'
  | 'guard'
  | 'drainMs'
> {
  readonly version: VersionId
  readonly spec: VersionSpec
  /** What people called the image: a reference, or the path of a Dockerfile. */
  readonly imageName: string
  /** Of the image. Absent: it has none. */
  readonly labels?: Readonly<Record<string, string>>
}

export interface Release extends Scope, Pick<Stack, 'rollback' | 'notifications'> {
  readonly services: Readonly<Record<string, ServiceRelease>>
}

/** Whether both run the same in the same way: what people call an image, and what its labels say, is no part of that. */
export function isSameService(a: ServiceRelease | undefined, b: ServiceRelease | undefined): boolean {
  if (a === b || !a || !b) return a === b
  return effectiveText(a) === effectiveText(b)
}

/** Of services that are asked about again and again; none of them ever changes. */
const effectiveTexts = new WeakMap<ServiceRelease, string>()

function effectiveText(service: ServiceRelease): string {
  const known = effectiveTexts.get(service)
  if (known !== undefined) return known
  const { imageName: _imageName, labels: _labels, ...effective } = service
  const text = canonicalJson(effective)
  effectiveTexts.set(service, text)
  return text
}

/** Whether each of the services of both is the same, and so is what a failed rollout takes back, and who is told. */
export function isSameRelease(a: Release, b: Release): boolean {
  if (a.rollback !== b.rollback || !isSameTelling(a, b)) return false
  return Object.keys({ ...a.services, ...b.services }).every((service) =>
    isSameService(own(a.services, service), own(b.services, service)),
  )
}

function isSameTelling({ notifications: a = [] }: Release, { notifications: b = [] }: Release): boolean {
  return canonicalJson(a) === canonicalJson(b)
}

/** Where a ledger's files hold what a decision is for. */
export function blobPath(release: Release): string {
  return `blob/${releaseId(release)}`
}

/** The SHA-256 of the release's RFC 8785 form, in hex. */
export function releaseId(release: Release): string {
  return createHash('sha256').update(canonicalJson(release)).digest('hex')
}
