/**
 * Data volumes: what outlives the instances of a service.
 *
 * The driver removes them in `discard` alone. `docker volume prune` of Docker before version 23 removes those that no
 * container has, also where they have a name: nothing can protect the data of a service that is down from that.
 *
 * A local volume of Docker takes no `nodev` and `nosuid`: for a bind mount the kernel ignores them, and a version has
 * neither the capability to make a device nor, with `no-new-privileges`, any use for a set-uid program.
 */
import { randomUUID } from 'node:crypto'
import { RepaveError } from '../../errors.ts'
import { fleetName, scopeName, type FleetKey, type Scope } from '../../model/stack.ts'
import { dataVolumeName, type InstanceOrder } from '../engine.ts'
import { volumeList, volumeRecord, type VolumeRecord } from './container-record.ts'
import { parseAnswer, wordsOf, type DockerClient } from './docker-client.ts'
import { fleetOf, isOwn, label, ownFilter, volumeLabels } from './labels.ts'
import { isNumeric, type VolumeHandover } from './volume-handover.ts'

export class DataVolumes {
  readonly #client: DockerClient
  readonly #owner: string
  readonly #handover: VolumeHandover
  /** What has been handed over, by volume and user. */
  readonly #handedOver = new Map<string, Promise<void>>()

  constructor(client: DockerClient, owner: string, handover: VolumeHandover) {
    this.#client = client
    this.#owner = owner
    this.#handover = handover
  }

  /** Makes the volumes of an order that are not there yet, and its user the owner of those that are empty. */
  async ensure(order: InstanceOrder): Promise<void> {
    await Promise.all(Object.keys(order.spec.data ?? {}).map((name) => this.#ensure(order, name)))
  }

  async #ensure(order: InstanceOrder, name: string): Promise<void> {
    const volume = await this.#findOrCreate(order, name)
    const { user, image } = order.spec
    const key = [volume.Name, volume.Labels[label.making], user, isNumeric(user) ? '' : image].join(' ')
    const handedOver = this.#handedOver.get(key) ?? this.#handover.give(volume.Name, order)
    this.#handedOver.set(key, handedOver)
    await handedOver.catch((error: unknown) => {
      this.#handedOver.delete(key)
      throw error
    })
  }

  /** The engine answers with the volume that there is, whosever it is. */
  async #findOrCreate(fleet: FleetKey, name: string): Promise<VolumeRecord> {
    const volume = dataVolumeName(fleet, name)
    const body = { Name: volume, Driver: 'local', Labels: volumeLabels(this.#owner, fleet, name, randomUUID()) }
    const answer = await this.#client.call('createVolume', { body, accept: [409] })
    if (answer.status === 409) throw nameTaken(volume, "is not this controller's")
    const found = parseAnswer(volumeRecord, answer, `create volume ${volume}`)
    this.#assertSame(found, fleet, name)
    return found
  }

  #assertSame({ Name, Labels }: VolumeRecord, fleet: FleetKey, name: string): void {
    const owner = fleetOf(Labels)
    if (!isOwn(Labels, this.#owner, 'volume') || !owner) throw nameTaken(Name, "is not this controller's")
    if (fleetName(owner) === fleetName(fleet) && Labels[label.data] === name) return
    throw nameTaken(Name, `is ${Labels[label.data] ?? ''} of ${fleetName(owner)}`)
  }

  /** Removes the volumes of a scope, and answers their names. */
  async discard(scope: Scope): Promise<readonly string[]> {
    const query = { filters: ownFilter(this.#owner, scope) }
    const listed = parseAnswer(volumeList, await this.#client.call('listVolumes', { query }), 'list volumes')
    const own = listed.Volumes.filter(({ Labels }) => isOwn(Labels, this.#owner, 'volume'))
    await Promise.all(own.map(({ Name }) => this.#remove(scope, Name)))
    return own.map(({ Name }) => Name).toSorted()
  }

  async #remove(scope: Scope, volume: string): Promise<void> {
    const answer = await this.#client.call('removeVolume', { subject: volume, accept: [404, 409] })
    if (answer.status === 409) throw dataInUse(scope, wordsOf(answer))
  }
}

export function dataInUse(scope: Scope, why: string): RepaveError {
  return new RepaveError('DATA_IN_USE', `the data of ${scopeName(scope)} is in use: ${why}`, {
    hint: 'take down what uses it: `repave down`',
  })
}

function nameTaken(volume: string, why: string): RepaveError {
  return new RepaveError('NAME_TAKEN', `a volume ${volume} exists and ${why}`, {
    hint: `see whose it is with \`docker volume inspect ${volume}\`; remove it, or name the volume or the service otherwise`,
  })
}
