/** Names that a release must not share with another environment: `a-b` of `c` and `a` of `b-c` read the same. Pure. */
import { RepaveError } from '../errors.ts'
import type { Release } from '../model/release.ts'
import { type FleetKey, fleetName, scopeName } from '../model/stack.ts'
import { instancePrefix, scopePrefix } from '../plan/fleet.ts'

/** Throws NAME_TAKEN where the networks or the instances of the two would have the same names. */
export function refuseSharedNames(release: Release, other: Release): void {
  if (isEmpty(release) || isEmpty(other)) return
  if (scopePrefix(release) === scopePrefix(other)) throw sharedScope(release, other)
  const taken = new Map(fleetsOf(other).map((fleet) => [instancePrefix(fleet), fleet]))
  for (const fleet of fleetsOf(release)) {
    const owner = taken.get(instancePrefix(fleet))
    if (owner) throw sharedInstances(fleet, owner)
  }
}

function isEmpty({ services }: Release): boolean {
  return Object.keys(services).length === 0
}

function fleetsOf({ stack, environment, services }: Release): readonly FleetKey[] {
  return Object.keys(services).map((service) => ({ stack, environment, service }))
}

function sharedScope(release: Release, other: Release): RepaveError {
  const name = scopePrefix(release)
  return new RepaveError(
    'NAME_TAKEN',
    `${scopeName(release)} would have the name ${name}, which ${scopeName(other)} has`,
    {
      hint: 'give the stack or the environment another name',
      about: ['stack'],
    },
  )
}

function sharedInstances(fleet: FleetKey, owner: FleetKey): RepaveError {
  const names = `${instancePrefix(fleet)}-…`
  const message = `instances of ${fleetName(fleet)} would be named ${names}, as those of ${fleetName(owner)} are`
  return new RepaveError('NAME_TAKEN', message, {
    hint: 'give the service, the stack or the environment another name',
    about: ['services', fleet.service],
  })
}
