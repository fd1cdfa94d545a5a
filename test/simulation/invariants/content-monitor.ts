/** Promises 1 and 2: what runs is what its name says, and stays that as long as it lives. */
import type { MemoryInstance } from '../../../src/engine/memory/memory-machine.ts'
import type { MemoryProcess } from '../../../src/engine/memory/memory-process.ts'
import { shortVersion, versionId, type VersionSpec } from '../../../src/model/version.ts'
import type { WorldTruth } from '../fleet-truth.ts'
import { ViolationError, type Monitor } from './invariant.ts'

interface Birth {
  readonly spec: VersionSpec

  process: MemoryProcess | undefined
}

export class ContentMonitor implements Monitor {
  readonly #births = new WeakMap<MemoryInstance, Birth>()

  onCreated(instance: MemoryInstance): void {
    const { name, version, spec, stack, environment, service } = instance.order
    const content = versionId(spec)
    this.#births.set(instance, { spec, process: instance.process })
    if (content !== version) throw new ViolationError('named by content', `${name} claims a version that it is not`)
    if (!name.startsWith(`${stack}-${environment}-${service}-${shortVersion(content)}-`))
      throw new ViolationError('named by content', `${name} is not named by its content`)
  }

  onStep({ fleets }: WorldTruth): void {
    for (const { instances } of fleets) for (const instance of instances) this.#check(instance)
  }

  #check(instance: MemoryInstance): void {
    const birth = this.#births.get(instance)
    const { name, spec } = instance.order
    if (!birth) throw new ViolationError('nothing is altered', `${name} was never created`)
    if (birth.spec !== spec && !instance.isTouched)
      throw new ViolationError('nothing is altered', `${name} is not what it was created as`)
    birth.process ??= instance.process
    if (birth.process !== instance.process) throw new ViolationError('nothing is altered', `${name} ran a second time`)
  }
}
