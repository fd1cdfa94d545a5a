/** The life of an instance: made, started, ended and removed, and read from meanwhile. */
import { RepaveError } from '../../errors.ts'
import type { Clock } from '../../system/clock.ts'
import { fleetName } from '../../model/stack.ts'
import type { InstanceOrder, LogLine, LogOptions, PreparedImage } from '../engine.ts'
import { containerRecord, createdObject, sandboxIdOf, timeMs, type ContainerRecord } from './container-record.ts'
import type { DataVolumes } from './data-volumes.ts'
import { parseAnswer, wordsOf, type Answer, type DockerClient } from './docker-client.ts'
import type { DockerImages } from './docker-images.ts'
import { logLines } from './instance-logs.ts'
import type { InstanceObserver } from './instance-observer.ts'
import { fleetOf, isOwn, label } from './labels.ts'
import { heedsSignal } from './local-process.ts'
import type { SandboxPool } from './sandbox-pool.ts'
import { instanceBody, runningSpec } from './version-mapping.ts'

export interface InstanceParts {
  readonly client: DockerClient
  readonly owner: string
  readonly clock: Clock
  readonly images: DockerImages
  readonly sandboxes: SandboxPool
  readonly data: DataVolumes
  readonly observer: InstanceObserver
}

const removalTimeoutMs = 60_000

export class DockerInstances {
  readonly #parts: InstanceParts
  readonly #creations = new Map<string, Promise<void>>()

  constructor(parts: InstanceParts) {
    this.#parts = parts
  }

  /** Makes the instance once, however often it is asked for at once. */
  create(order: InstanceOrder): Promise<void> {
    const creation =
      this.#creations.get(order.name) ?? this.#create(order).finally(() => this.#creations.delete(order.name))
    this.#creations.set(order.name, creation)
    return creation
  }

  async #create(order: InstanceOrder): Promise<void> {
    const present = await this.#inspect(order.name)
    if (present) return this.#assertSame(present, order)
    const image = await this.#parts.images.find(order.spec.image)
    assertRunnable(order, image)
    await this.#parts.data.ensure(order)
    const sandboxId = await this.#parts.sandboxes.take(order)
    try {
      await this.#createIn(sandboxId, order, image)
      this.#parts.sandboxes.occupy(sandboxId)
    } catch (error) {
      await this.#parts.sandboxes.giveBack(order, sandboxId, true)
      throw error
    }
  }

  async #createIn(sandboxId: string, order: InstanceOrder, image: PreparedImage): Promise<void> {
    const body = instanceBody(order, {
      owner: this.#parts.owner,
      sandboxId,
      imageVariables: Object.keys(image.environment),
    })
    const answer = await this.#parts.client.call('createContainer', {
      query: { name: order.name },
      body,
      accept: [400, 404, 409],
    })
    switch (answer.status) {
      case 400:
        throw cannotRun(order.name, wordsOf(answer))
      case 404:
        this.#parts.images.forget(order.spec.image)
        return void (await this.#parts.images.find(order.spec.image))
      case 409:
        throw nameTaken(order.name, "is not this controller's")
      default:
        if (image.volumes.length > 0)
          await this.#assertNoOtherVolume(parseAnswer(createdObject, answer, `create ${order.name}`).Id, order)
    }
  }

  /** It would outlive the instance, and be a place to write that its version doesn't name. */
  async #assertNoOtherVolume(id: string, { name, spec }: InstanceOrder): Promise<void> {
    const container = await this.#inspect(id)
    if (container === undefined || container.Mounts.length === Object.keys(spec.data ?? {}).length) return
    await this.#remove(id)
    throw new RepaveError('IMAGE_INVALID', `the engine gave ${name} a volume that its image declares`, {
      hint: 'list the paths that the image declares as volumes under `tmpfs:`, written as the image writes them',
    })
  }

  async start(name: string): Promise<void> {
    const container = await this.#requireOwn(name)
    if (hasRun(container)) return
    const first = await this.#tryToStart(container)
    if (isStarted(first)) return
    if (first.status === 400) throw cannotRun(name, wordsOf(first))
    // It can't be told from a status whether the instance or its surroundings are at fault: once more, in others.
    const again = await this.#madeAnew(container)
    const second = await this.#tryToStart(again)
    if (!isStarted(second)) throw await this.#startFailure(again, name, second)
  }

  async #tryToStart({ Id }: ContainerRecord): Promise<Answer> {
    try {
      return await this.#parts.client.call('startContainer', { subject: Id, accept: [304, 400, 404, 409, 500] })
    } finally {
      this.#parts.observer.forget(Id)
    }
  }

  /**
   * The instance in another container and sandbox: its sandbox may have died before it ever ran, and an engine that was
   * killed as it started one may hold remains under its id for good.
   */
  async #madeAnew(container: ContainerRecord): Promise<ContainerRecord> {
    const order = orderOf(container)
    if (order !== undefined) {
      await this.#removeWithSandbox(container)
      await this.create(order)
    }
    return this.#requireOwn(nameOf(container))
  }

  async #startFailure({ Id }: ContainerRecord, name: string, answer: Answer): Promise<RepaveError> {
    if (answer.status === 404 || answer.status === 409) return this.#parts.client.failure('startContainer', Id, answer)
    const failure = await this.#parts.client.failure('startContainer', Id, answer)
    return failure.code === 'DISK_FULL' ? failure : cannotRun(name, wordsOf(answer))
  }

  /** Of its container; throws INSTANCE_UNKNOWN. */
  async idOf(name: string): Promise<string> {
    return (await this.#requireOwn(name)).Id
  }

  async destroy(name: string, graceMs: number): Promise<void> {
    const container = await this.#inspect(name)
    if (container === undefined || !this.#isOwn(container)) return
    if (container.State.Running && graceMs > 0) await this.#askToEnd(container, graceMs)
    await this.#removeWithSandbox(container)
  }

  /** Signals, and waits for the end at most `graceMs`; the removal that follows kills. */
  async #askToEnd({ Id, State, Config }: ContainerRecord, graceMs: number): Promise<void> {
    const signal = Config.StopSignal || 'SIGTERM'
    if (!(await heedsSignal(Id, State.Pid, signal))) return
    await this.#parts.client.call('killContainer', { subject: Id, query: { signal }, accept: [404, 409] })
    const over = new AbortController()
    const end = this.#parts.client.call('waitForContainer', { subject: Id, accept: [404], signal: over.signal })
    const graceOver = this.#parts.clock.sleep(graceMs, over.signal)
    try {
      await Promise.race([end, graceOver])
    } finally {
      over.abort()
      await Promise.allSettled([end, graceOver])
    }
  }

  async #removeWithSandbox(container: ContainerRecord): Promise<void> {
    await this.#remove(container.Id)
    const fleet = fleetOf(container.Config.Labels)
    const sandboxId = sandboxIdOf(container.HostConfig.NetworkMode)
    // With capabilities it could have set its network namespace up in its own way.
    const isReusable = container.HostConfig.CapAdd.length === 0
    if (fleet && sandboxId !== undefined) await this.#parts.sandboxes.giveBack(fleet, sandboxId, isReusable)
  }

  async #remove(id: string): Promise<void> {
    const { client, observer } = this.#parts
    const query = { force: true, v: true }
    const answer = await client.call('removeContainer', { subject: id, query, accept: [404, 409] })
    // Somebody else is removing it already.
    if (answer.status === 409) {
      const condition = { condition: 'removed' }
      await client.call('waitForContainer', {
        subject: id,
        query: condition,
        accept: [404],
        timeoutMs: removalTimeoutMs,
      })
    }
    observer.forget(id)
  }

  async *logs(name: string, options: LogOptions): AsyncGenerator<LogLine, void, undefined> {
    const { Id } = await this.#requireOwn(name)
    const { tail = 'all', follow = false, signal } = options
    const query = { stdout: true, stderr: true, timestamps: true, follow, tail }
    const { client } = this.#parts
    try {
      const stream = await client.stream('readLogs', { subject: Id, query, ...(signal && { signal }) })
      yield* logLines(name, stream)
    } catch (error) {
      if (signal?.aborted !== true) throw client.translate(error)
    }
  }

  async #inspect(name: string): Promise<ContainerRecord | undefined> {
    if (name === '') return undefined
    const answer = await this.#parts.client.call('inspectContainer', { subject: name, accept: [404] })
    return answer.status === 404 ? undefined : parseAnswer(containerRecord, answer, `inspect container ${name}`)
  }

  async #requireOwn(name: string): Promise<ContainerRecord> {
    const container = await this.#inspect(name)
    if (container && this.#isOwn(container)) return container
    throw new RepaveError('INSTANCE_UNKNOWN', `no instance ${name}`, { hint: 'see which there are: `repave status`' })
  }

  #assertSame(container: ContainerRecord, order: InstanceOrder): void {
    const fleet = fleetOf(container.Config.Labels)
    if (!this.#isOwn(container) || !fleet) throw nameTaken(order.name, "is not this controller's")
    if (fleetName(fleet) !== fleetName(order)) throw nameTaken(order.name, `belongs to ${fleetName(fleet)}`)
  }

  #isOwn(container: ContainerRecord): boolean {
    return isOwn(container.Config.Labels, this.#parts.owner, 'instance')
  }
}

function isStarted({ status }: Answer): boolean {
  return status < 400
}

function hasRun(container: ContainerRecord): boolean {
  return timeMs(container.State.StartedAt) !== undefined
}

function nameOf(container: ContainerRecord): string {
  return container.Name.replace(/^\//, '')
}

/** The order that an instance was made by; undefined where it is not as ordered any more. */
function orderOf(container: ContainerRecord): InstanceOrder | undefined {
  const fleet = fleetOf(container.Config.Labels)
  const version = container.Config.Labels[label.version]
  const spec = runningSpec(container)
  return fleet && version !== undefined && spec ? { ...fleet, name: nameOf(container), version, spec } : undefined
}

/** What the engine would fill in from the image, or make a volume of, is refused before it is asked. */
function assertRunnable({ name, spec }: InstanceOrder, image: PreparedImage): void {
  if (spec.command.length === 0) throw cannotRun(name, 'neither the stack file nor the image says what to run')
  const places = [...spec.tmpfs, ...Object.values(spec.data ?? {})]
  const uncovered = image.volumes.filter((path) => !places.includes(path))
  if (uncovered.length > 0)
    throw new RepaveError('IMAGE_INVALID', `the image of ${name} declares volumes: ${uncovered.join(', ')}`, {
      hint: 'list them under `tmpfs:`, so that they are writable and end with the instance, or under `data:`',
    })
}

function cannotRun(name: string, words: string): RepaveError {
  return new RepaveError('INSTANCE_CANNOT_RUN', `${name} can't run: ${words}`, {
    hint: 'check command, user, working directory and resources of the service against its image',
  })
}

function nameTaken(name: string, why: string): RepaveError {
  return new RepaveError('NAME_TAKEN', `a container ${name} exists and ${why}`, {
    hint: `see whose it is with \`docker inspect ${name}\`; remove it, or name the stack or service otherwise`,
  })
}
