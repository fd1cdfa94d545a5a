/** The labels by which the driver knows its own: what has another owner, or none, is never touched. */
import { z } from 'zod'
import { canonicalJson } from '../../model/canonical.ts'
import type { FleetKey, Scope } from '../../model/stack.ts'
import type { Health, VersionSpec } from '../../model/version.ts'
import type { InstanceOrder } from '../engine.ts'

export const label = {
  /** The controller's state folder: two controllers on one engine never touch each other's objects. */
  owner: 'repave.owner',
  role: 'repave.role',
  stack: 'repave.stack',
  environment: 'repave.environment',
  service: 'repave.service',
  version: 'repave.version',
  /** What the instance was created as: a container can be renamed from outside. */
  instance: 'repave.instance',
  /** What a version calls a data volume. */
  data: 'repave.data',
  /** Different for each volume that is made, so that one can be told from the last one of its name. */
  making: 'repave.making',
  /** The part of a version that Docker has no setting for, as JSON. */
  probe: 'repave.probe',
  /** Of an image: the path in it of its software bill of materials, CycloneDX or SPDX in JSON. */
  sbom: 'repave.sbom',
} as const

export type Labels = Readonly<Record<string, string>>

/** Set on every object, so that a label that an image brings along can't play the role. */
export type Role = 'instance' | 'sandbox' | 'network' | 'volume' | 'handover' | 'reading'

/** Of what belongs to no scope. */
export function ownerLabels(owner: string, role: Role): Labels {
  return { [label.owner]: owner, [label.role]: role }
}

export function scopeLabels(owner: string, scope: Scope, role: Role): Labels {
  return {
    ...ownerLabels(owner, role),
    [label.stack]: scope.stack,
    [label.environment]: scope.environment,
  }
}

export function instanceLabels(owner: string, order: InstanceOrder): Labels {
  return {
    ...scopeLabels(owner, order, 'instance'),
    [label.service]: order.service,
    [label.version]: order.version,
    [label.instance]: order.name,
    [label.probe]: probeLabel(order.spec),
  }
}

export function volumeLabels(owner: string, fleet: FleetKey, name: string, making: string): Labels {
  return {
    ...scopeLabels(owner, fleet, 'volume'),
    [label.service]: fleet.service,
    [label.data]: name,
    [label.making]: making,
  }
}

/** The value of the `filters` parameter that lists what `owner` has, in one scope or in all. */
export function ownFilter(owner: string, scope?: Scope): string {
  const wanted = [`${label.owner}=${owner}`]
  if (scope) wanted.push(`${label.stack}=${scope.stack}`, `${label.environment}=${scope.environment}`)
  return JSON.stringify({ label: wanted })
}

export function isOwn(labels: Labels, owner: string, role: Role): boolean {
  return labels[label.owner] === owner && labels[label.role] === role
}

export function scopeOf(labels: Labels): Scope | undefined {
  const { [label.stack]: stack, [label.environment]: environment } = labels
  return stack === undefined || environment === undefined ? undefined : { stack, environment }
}

export function fleetOf(labels: Labels): FleetKey | undefined {
  const scope = scopeOf(labels)
  const { [label.service]: service } = labels
  return scope === undefined || service === undefined ? undefined : { ...scope, service }
}

export type Probe = Pick<VersionSpec, 'port' | 'health' | 'executables'>

function probeLabel({ port, health, executables }: VersionSpec): string {
  return canonicalJson({ port, health, ...(executables && { executables }) })
}

/** What the label says; undefined where it says nothing sensible. */
export function probeOf(labels: Labels): Probe | undefined {
  try {
    return probeSchema.safeParse(JSON.parse(labels[label.probe] ?? '')).data
  } catch {
    return undefined
  }
}

const timing = {
  intervalMs: z.number(),
  timeoutMs: z.number(),
  healthyAfter: z.number(),
  unhealthyAfter: z.number(),
}
const healthSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('http'), path: z.string(), ...timing }),
  z.strictObject({ kind: z.literal('tcp'), ...timing }),
  z.strictObject({ kind: z.literal('process'), ...timing }),
]) satisfies z.ZodType<Health>
const probeSchema = z.strictObject({
  port: z.number().nullable(),
  health: healthSchema,
  executables: z.array(z.string()).exactOptional(),
})
