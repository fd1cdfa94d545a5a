/** A refusal: the record that something must not run (promise 7). */
import type { Scope } from './stack.ts'
import { type ImageDigest, shortVersion, type VersionId, versionName } from './version.ts'

/**
 * What must not run: one version, all that are made of an image, or all whose image has a label, is built on a base or
 * holds a package.
 */
export type RefusedContent =
  | { readonly kind: 'version'; readonly version: VersionId }
  | { readonly kind: 'image'; readonly digest: ImageDigest }
  | { readonly kind: 'label'; readonly label: string; readonly value: string }
  | RefusedHolding

/** What only a look into an image can tell. */
export type RefusedHolding = RefusedBase | RefusedPackage

export interface RefusedBase {
  readonly kind: 'base'
  /** As it was named. */
  readonly base: string
  /** By which else an image's labels may name it. */
  readonly digests: readonly string[]
  /** Its own, the lowest first; empty where the engine did not have it. */
  readonly layers: readonly string[]
  readonly found: FoundImages
}

export interface RefusedPackage {
  readonly kind: 'package'
  readonly name: string
  /** Absent: whichever. */
  readonly version?: string
  readonly found: FoundImages
}

/** The images that were looked into and that it is about, with what was found: `openssl 3.0.11-1 (deb)`. */
export type FoundImages = Readonly<Record<ImageDigest, string>>

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

/**
 * What people refuse: a version by its name, id or prefix, an image by its digest or a prefix, a label of images, a base
 * by its name or digest, or a package, of one version or of all.
 */
export type RefusedName =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'label'; readonly label: string; readonly value: string }
  | { readonly kind: 'base'; readonly base: string }
  | { readonly kind: 'package'; readonly name: string; readonly version?: string }

/** How people name what is refused: `web@4f9a1c2b`, `image sha256:…`, `label team=shop`, `package openssl@3.0.11-1`. */
export function refusedName(refusal: Pick<Refusal, 'what' | 'service'>): string {
  const { what, service } = refusal
  const name = contentName(refusal)
  if (what.kind === 'version') return service === undefined ? `version ${name}` : name
  return `${what.kind} ${name}${service === undefined ? '' : ` of ${service}`}`
}

/** `web@4f9a1c2b`, `sha256:…`, `team=shop`, `debian:12` or `openssl@3.0.11-1`. */
export function contentName({ what, service }: Pick<Refusal, 'what' | 'service'>): string {
  switch (what.kind) {
    case 'version':
      return service === undefined ? shortVersion(what.version) : versionName(service, what.version)
    case 'image':
      return what.digest
    case 'label':
      return `${what.label}=${what.value}`
    case 'base':
      return what.base
    case 'package':
      return what.version === undefined ? what.name : `${what.name}@${what.version}`
  }
}

export function isHolding(what: RefusedContent): what is RefusedHolding {
  return what.kind === 'base' || what.kind === 'package'
}
