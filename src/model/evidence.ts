/** What is kept of a touched instance before it is destroyed. */
import type { FleetKey } from './stack.ts'
import type { Touch } from './touch.ts'
import type { VersionId } from './version.ts'

/** A piece of what was found in an instance; a name is a path in the bundle that it becomes part of. */
export type EvidencePart =
  | { readonly kind: 'found'; readonly name: string; readonly content: Uint8Array; readonly isSecret: boolean }
  | { readonly kind: 'missing'; readonly name: string; readonly reason: string }

export interface EvidenceOptions {
  /** With what its processes have written to their memory. */
  readonly memory?: boolean
}

/** Of which instance, and why. */
export interface EvidenceSubject extends FleetKey {
  readonly instance: string
  readonly version: VersionId
  readonly touches: readonly Touch[]
  readonly atMs: number
}

/** One bundle. */
export interface Evidence extends EvidenceSubject {
  /** `sha256:` and 64 hex digits: of the bundle as it is kept. */
  readonly digest: string
  readonly bytes: number
  /** What should be in it and is not, and why. */
  readonly missing: readonly { readonly name: string; readonly reason: string }[]
}
