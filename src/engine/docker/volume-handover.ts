/**
 * Makes a version's user the owner of an empty volume, which the engine gives to root.
 *
 * Nothing is run for it, nor is anything copied into an instance. When a container is created, not started, the engine
 * fills an empty volume from the image's folder at that place, owner and mode included. So an image is built that has
 * such a folder, which `COPY --chown` makes without running anything, a container is created from it with the volume
 * in that place, and both are removed. A volume that holds something stays as it is.
 */
import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { RepaveError } from '../../errors.ts'
import type { Scope } from '../../model/stack.ts'
import type { VersionSpec } from '../../model/version.ts'
import type { InstanceOrder } from '../engine.ts'
import type { ContainerBody } from './container-record.ts'
import type { DockerClient } from './docker-client.ts'
import type { DockerImages } from './docker-images.ts'
import type { KeptImages } from './kept-images.ts'
import { scopeLabels } from './labels.ts'
import type { PassingContainers } from './passing-containers.ts'

export class VolumeHandover {
  readonly #client: DockerClient
  readonly #owner: string
  readonly #images: DockerImages
  readonly #kept: KeptImages
  readonly #passing: PassingContainers

  constructor(client: DockerClient, owner: string, images: DockerImages, kept: KeptImages, passing: PassingContainers) {
    this.#client = client
    this.#owner = owner
    this.#images = images
    this.#kept = kept
    this.#passing = passing
  }

  async give(volume: string, order: InstanceOrder): Promise<void> {
    await this.#kept.withPassing(async (tag) => {
      await this.#build(tag, order)
      await this.#touch(volume, handoverBody(this.#owner, order, tag, volume))
    })
  }

  /** Only the image knows who has a name; of a number everybody does. */
  async #build(tag: string, { name, spec }: InstanceOrder): Promise<void> {
    const { user, image } = spec
    if (!wellFormed.test(user)) throw unknownOwner(name, user, 'that is no user')
    if (!isNumeric(user)) await this.#assertNoTriggers(name, spec)
    const context = ownedFolder(isNumeric(user) ? 'scratch' : image, user)
    const failure = await this.#images.buildPassing(context, tag)
    if (failure !== undefined) throw await this.#client.unlessDiskFull(unknownOwner(name, user, failure))
  }

  /** They would be run as root. */
  async #assertNoTriggers(name: string, { user, image }: VersionSpec): Promise<void> {
    if ((await this.#images.triggers(image)).length === 0) return
    throw unknownOwner(name, user, 'the image has ONBUILD instructions, which are not carried out')
  }

  /** To make the container is all that is needed. */
  async #touch(volume: string, body: ContainerBody): Promise<void> {
    const name = `repave-${volume}-handover-${randomUUID().slice(0, 8)}`
    await this.#passing.with(name, body, async () => {})
  }
}

const folder = '/.repave-data'
const wellFormed = /^[\w.-]+(:[\w.-]+)?$/

/** Whether no image is needed to know who that is. */
export function isNumeric(user: string): boolean {
  return /^\d+(:\d+)?$/.test(user)
}

/** A build context for an image with an empty folder that belongs to `user`; without a group to that of root. */
function ownedFolder(image: string, user: string): Readable {
  const owner = user.includes(':') ? user : `${user}:0`
  const tar = pack()
  tar.entry({ name: 'Dockerfile' }, `FROM ${image}\nCOPY --chown=${owner} data ${folder}/\n`)
  tar.entry({ name: 'data', type: 'directory', mode: 0o755, mtime: new Date(0) })
  tar.finalize()
  return Readable.from(tar)
}

/** The body of `POST /containers/create` for a container that is never started. */
function handoverBody(owner: string, scope: Scope, image: string, volume: string): ContainerBody {
  return {
    Image: image,
    Entrypoint: [folder],
    Cmd: [],
    User: '65532:65532',
    Labels: { ...scopeLabels(owner, scope, 'handover') },
    HostConfig: {
      NetworkMode: 'none',
      CgroupnsMode: 'private',
      Mounts: [{ Type: 'volume', Source: volume, Target: folder }],
    },
  }
}

function unknownOwner(name: string, user: string, why: string): RepaveError {
  return new RepaveError('INSTANCE_CANNOT_RUN', `${name} can't run: its data can't be given to ${user}: ${why}`, {
    hint: 'write the user of the service by number: `user: 1000:1000`',
  })
}
