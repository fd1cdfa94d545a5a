/** A refusal: the record that something must not run (promise 7). */
import type { Scope } from './stack.ts'
import { type ImageDigest, shortVersion, type VersionId, versionName } from './version.ts'

/** What must not run: one version, all that are made of an image, or all whose image has a label. */
export type RefusedContent =
  | { readonly kind: 'version'; readonly version: VersionId }
  | { readonly kind: 'image'; readonly digest: ImageDigest }
  | { readonly kind: 'label'; readonly label: string; readonly value: string }

/** It counts in one environment, until it is lifted. */
export interface Refusal extends Scope {
  /** Counts up over all environments. */
  readonly id: number
  /** Absent: whichever service. */
  readonly service?: string
  readonly what: RefusedContent
  readonly reason: string
  readonly by: string
  readonly atMs: number
  /** What ran already was replaced too. */
  readonly isRecall?: true
  readonly lifted?: Lifted
}

export interface Lifted {
  readonly by: string
  readonly reason: string
  readonly atMs: number
}

export type NewRefusal = Omit<Refusal, 'id' | 'lifted'>

/** What people refuse: a version by its name, id or prefix, an image by its digest or a prefix, or a label of images. */
export type RefusedName =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'label'; readonly label: string; readonly value: string }

/** How people name what is refused: `web@4f9a1c2b`, `image sha256:…`, `label team=shop`. */
export function refusedName({ what, service }: Pick<Refusal, 'what' | 'service'>): string {
  const where = service === undefined ? '' : ` of ${service}`
  switch (what.kind) {
    case 'version':
      return service === undefined ? `version ${shortVersion(what.version)}` : versionName(service, what.version)
    case 'image':
      return `image ${what.digest}${where}`
    case 'label':
      return `label ${what.label}=${what.value}${where}`
  }
}
