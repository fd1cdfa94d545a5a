/** Keeps the sensor with exactly the instances that run, and its word from counting for those that are given up. */
import type { SensedTouch, Sensor, SensorSubject } from '../../sensor/sensor.ts'
import { containerRecord, sandboxIdOf, type ContainerRecord } from './container-record.ts'
import { parseAnswer, type DockerClient } from './docker-client.ts'
import type { GivenUp } from './given-up.ts'
import { label, probeOf } from './labels.ts'
import { isProcessOf } from './local-process.ts'
import { isNumeric } from './volume-handover.ts'

export class SensorFeed {
  readonly #sensor: Sensor
  readonly #client: DockerClient
  readonly #givenUp: GivenUp
  /** What is followed, by container id, with the number of the look that was begun last when it came to be. */
  #followed = new Map<string, { readonly sensed: SensorSubject; readonly look: number }>()
  readonly #isHere: typeof isProcessOf
  /** Of those that run here, by container id. */
  readonly #sensedBefore = new Map<string, SensorSubject>()
  readonly #sandboxPids = new Map<string, number>()
  #told = ''

  /** `isHere`: whether a process id of the engine means that container's process here, too. */
  constructor(sensor: Sensor, client: DockerClient, givenUp: GivenUp, isHere = isProcessOf) {
    this.#isHere = isHere
    this.#sensor = sensor
    this.#client = client
    this.#givenUp = givenUp
  }

  senses(): ReturnType<Sensor['senses']> {
    return this.#sensor.senses()
  }

  /** What a look saw that had this number. Of those started since it began, it can't tell. */
  async follow(running: readonly ContainerRecord[], look: number): Promise<void> {
    const seen = await Promise.all(running.map((container) => this.#sensed(container)))
    const since = [...this.#followed.values()].filter((each) => each.look >= look)
    const here = seen.flatMap((sensed) => (sensed ? [{ sensed, look: look - 1 }] : []))
    this.#followed = new Map([...here, ...since].map((each) => [each.sensed.containerId, each]))
    for (const id of this.#sensedBefore.keys()) if (!this.#followed.has(id)) this.#sensedBefore.delete(id)
    await this.#tell()
  }

  /** One that was just started. */
  async followToo(container: ContainerRecord, look: number): Promise<void> {
    const sensed = await this.#sensed(container)
    if (!sensed) return
    this.#followed.set(container.Id, { sensed, look })
    await this.#tell()
  }

  /** One that was followed is given up: it is not followed any longer once this resolves. */
  async passOver(): Promise<void> {
    await this.#tell()
  }

  async watch(listener: (sensed: SensedTouch) => void, signal: AbortSignal): Promise<void> {
    await this.#sensor.watch((touched) => this.#isGivenUp(touched.instance) || listener(touched), signal)
  }

  #isGivenUp(instance: string): boolean {
    for (const { sensed } of this.#followed.values())
      if (sensed.instance === instance && !this.#givenUp.has(sensed.containerId)) return false
    return true
  }

  async #tell(): Promise<void> {
    const wanted = [...this.#followed.values()].map(({ sensed }) => sensed)
    const kept = wanted.filter(({ containerId }) => !this.#givenUp.has(containerId))
    const told = JSON.stringify(kept)
    if (told === this.#told) return
    this.#told = told
    try {
      await this.#sensor.follow(kept)
    } catch (error) {
      this.#told = ''
      throw error
    }
  }

  /** Undefined for one that runs on another machine than the sensor. */
  async #sensed(container: ContainerRecord): Promise<SensorSubject | undefined> {
    const { Id, State } = container
    const before = this.#sensedBefore.get(Id)
    if (before?.pid === State.Pid) return before
    if (!(await this.#isHere(Id, State.Pid))) return undefined
    const sensed = await this.#describe(container)
    this.#sensedBefore.set(Id, sensed)
    return sensed
  }

  async #describe(container: ContainerRecord): Promise<SensorSubject> {
    const sandboxId = sandboxIdOf(container.HostConfig.NetworkMode)
    const sandboxPid = sandboxId === undefined ? undefined : await this.#pidOf(sandboxId)
    return {
      ...sensedInstance(container),
      ...(sandboxId !== undefined && { sandboxId }),
      ...(sandboxPid !== undefined && { sandboxPid }),
    }
  }

  /** A sandbox runs from before its instance is made until after it is gone. */
  async #pidOf(sandboxId: string): Promise<number | undefined> {
    const known = this.#sandboxPids.get(sandboxId)
    if (known !== undefined) return known
    const answer = await this.#client.call('inspectContainer', { subject: sandboxId, accept: [404] })
    if (answer.status === 404) return undefined
    const { State } = parseAnswer(containerRecord, answer, `inspect sandbox ${sandboxId}`)
    if (!State.Running) return undefined
    this.#sandboxPids.set(sandboxId, State.Pid)
    return State.Pid
  }
}

function sensedInstance({ Id, Name, Image, State, Config, HostConfig, Mounts }: ContainerRecord): SensorSubject {
  const [user = ''] = Config.User.split(':')
  const executables = probeOf(Config.Labels)?.executables
  return {
    instance: Config.Labels[label.instance] ?? Name.replace(/^\//, ''),
    containerId: Id,
    pid: State.Pid,
    uid: isNumeric(user) ? Number(user) : undefined,
    tmpfs: Object.keys(HostConfig.Tmpfs).toSorted(),
    data: Mounts.map(({ Destination }) => Destination).toSorted(),
    image: Image,
    ...(executables && { executables }),
    ...(!HostConfig.ReadonlyRootfs && { isRootWritable: true }),
  }
}
