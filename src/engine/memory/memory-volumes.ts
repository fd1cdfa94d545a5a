/** The data volumes of a memory machine: whose they are. What is in them, no memory process says. */
import { RepaveError } from '../../errors.ts'
import { fleetName, scopeName, type FleetKey, type Scope } from '../../model/stack.ts'
import { dataVolumeName, type InstanceOrder } from '../engine.ts'

interface MemoryVolume {
  readonly owner: string
  readonly fleet: FleetKey
  readonly name: string
}

export class MemoryVolumes {
  readonly #volumes = new Map<string, MemoryVolume>()
  readonly #occupied = new Set<string>()

  /** Something that belongs to no controller takes a name. */
  occupy(volume: string): void {
    this.#occupied.add(volume)
  }

  isOccupied(volume: string): boolean {
    return this.#occupied.has(volume)
  }

  /** Makes those of an order that are not there yet; none of them where one is somebody else's. */
  ensure(owner: string, order: InstanceOrder): void {
    const wanted = Object.keys(order.spec.data ?? {}).map((name) => ({ owner, fleet: fleetOf(order), name }))
    for (const volume of wanted) this.#assertFree(volume)
    for (const volume of wanted) this.#volumes.set(keyOf(volume), volume)
  }

  /** Removes those of a scope, and answers their names. */
  discard(owner: string, scope: Scope): readonly string[] {
    const own = [...this.#volumes].filter(
      ([, volume]) => volume.owner === owner && scopeName(volume.fleet) === scopeName(scope),
    )
    for (const [key] of own) this.#volumes.delete(key)
    return own.map(([key]) => key).toSorted()
  }

  #assertFree(volume: MemoryVolume): void {
    const key = keyOf(volume)
    const present = this.#volumes.get(key)
    const isSame =
      !present ||
      (present.owner === volume.owner &&
        present.name === volume.name &&
        fleetName(present.fleet) === fleetName(volume.fleet))
    if (isSame && !this.#occupied.has(key)) return
    throw new RepaveError('NAME_TAKEN', `the volume ${key} belongs to someone else`, {
      hint: 'remove that volume, or name the volume, the service or the stack otherwise',
    })
  }
}

function fleetOf({ stack, environment, service }: FleetKey): FleetKey {
  return { stack, environment, service }
}

function keyOf({ fleet, name }: MemoryVolume): string {
  return dataVolumeName(fleet, name)
}
