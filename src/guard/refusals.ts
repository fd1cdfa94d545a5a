/** Which refusal keeps something from running (promise 7). Pure. */
import { own } from '../model/own.ts'
import type { Refusal } from '../model/refusal.ts'
import type { ServiceRelease } from '../model/release.ts'
import { type FleetKey, scopeName } from '../model/stack.ts'

/** What a refusal can be about. */
export type Refusable = Pick<ServiceRelease, 'version' | 'spec' | 'labels'>

/** A refusal, or one that is about to be made. */
type Refusing = Omit<Refusal, 'id'>

/** The first of `refusals` that keeps `released` from running in the fleet of `key`; lifted ones keep nothing. */
export function refusalOf<Each extends Refusing>(
  key: FleetKey,
  released: Refusable,
  refusals: readonly Each[],
): Each | undefined {
  return refusals.find(
    (refusal) => refusal.lifted === undefined && isAbout(refusal, key) && isRefused(released, refusal.what),
  )
}

function isAbout(refusal: Refusing, key: FleetKey): boolean {
  if (scopeName(refusal) !== scopeName(key)) return false
  return refusal.service === undefined || refusal.service === key.service
}

function isRefused({ version, spec, labels }: Refusable, what: Refusal['what']): boolean {
  switch (what.kind) {
    case 'version':
      return version === what.version
    case 'image':
      return spec.image === what.digest
    case 'label':
      return own(labels, what.label) === what.value
    case 'base':
    case 'package':
      return Object.hasOwn(what.found, spec.image)
  }
}
