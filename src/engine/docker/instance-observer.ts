/** Looks at the engine: one listing, and an inspection of each instance that is not as it was at the last look. */
import type { InstanceExit, ObservedInstance } from '../engine.ts'
import {
  containerList,
  containerRecord,
  sandboxIdOf,
  timeMs,
  type ContainerRecord,
  type ListedContainer,
} from './container-record.ts'
import { parseAnswer, type DockerClient } from './docker-client.ts'
import { fleetOf, isOwn, label, type Labels, ownFilter, probeOf, scopeOf } from './labels.ts'
import { networkName } from './scope-networks.ts'
import type { Scope } from '../../model/stack.ts'
import type { SeenPassing } from './passing-containers.ts'
import type { SeenSandbox } from './sandbox-pool.ts'
import { runningVersion } from './version-mapping.ts'

export interface Look {
  readonly instances: readonly ObservedInstance[]
  /** What the last inspection showed of those that run. */
  readonly running: readonly ContainerRecord[]
  readonly sandboxes: readonly SeenSandbox[]
  /** What was made for a moment. */
  readonly passing: readonly SeenPassing[]
}

/** What an inspection found, for as long as the listing shows the same state. */
interface Remembered {
  readonly state: string
  /** The container's own, which may be another one than the instance was created as. */
  readonly containerName: string
  readonly instance: ObservedInstance
  readonly container: ContainerRecord
  readonly port: number | null
  readonly sandboxId: string | undefined
}

export class InstanceObserver {
  readonly #client: DockerClient
  readonly #owner: string
  readonly #remembered = new Map<string, Remembered>()
  /** Ids of containers by the instance that they were created as. */
  readonly #ids = new Map<string, string>()
  /** Instances by the id of their sandbox. */
  readonly #inSandbox = new Map<string, string>()

  constructor(client: DockerClient, owner: string) {
    this.#client = client
    this.#owner = owner
  }

  /** All instances and sandboxes, of one scope or of all. */
  async look(options: { readonly isFresh: boolean; readonly scope?: Scope }): Promise<Look> {
    if (options.isFresh) this.#remembered.clear()
    const listed = await this.#list(options.scope)
    const sandboxes = listed.filter(({ Labels }) => isOwn(Labels, this.#owner, 'sandbox'))
    const instances = listed.filter(({ Labels }) => isOwn(Labels, this.#owner, 'instance'))
    if (options.scope === undefined) this.#forgetAllBut(instances)
    for (const { Id, Names, Labels, HostConfig } of instances)
      this.place(Labels[label.instance] ?? nameOf(Names), Id, sandboxIdOf(HostConfig.NetworkMode))
    const byId = new Map(sandboxes.map((sandbox) => [sandbox.Id, sandbox]))
    const seen = await Promise.all(instances.map((instance) => this.#describe(instance, byId)))
    return {
      instances: seen.flatMap((instance) => instance ?? []),
      running: instances.flatMap(({ Id }) => this.#running(Id) ?? []),
      sandboxes: sandboxesOf(sandboxes, instances),
      passing: listed.filter(({ Labels }) => this.#isPassing(Labels)).map(passingOf),
    }
  }

  #isPassing(labels: Labels): boolean {
    return isOwn(labels, this.#owner, 'handover') || isOwn(labels, this.#owner, 'reading')
  }

  /** Something has happened to the container: it is inspected again. */
  forget(id: string): void {
    this.#remembered.delete(id)
  }

  /** The instance of that name is this container, in this sandbox. */
  place(name: string, id: string, sandboxId: string | undefined): void {
    this.#ids.set(name, id)
    if (sandboxId !== undefined) this.#inSandbox.set(sandboxId, name)
  }

  /** It is gone; its sandbox may be another instance's soon. */
  vacate(name: string, id: string, sandboxId: string | undefined): void {
    if (this.#ids.get(name) === id) this.#ids.delete(name)
    if (sandboxId !== undefined) this.#inSandbox.delete(sandboxId)
  }

  /** The container that was created as this instance, whatever it is called now. */
  idOf(name: string): string | undefined {
    return this.#ids.get(name)
  }

  instanceIn(sandboxId: string): string | undefined {
    return this.#inSandbox.get(sandboxId)
  }

  /** Whether the last look saw that it had ended. */
  hasEnded(id: string): boolean {
    return this.#remembered.get(id)?.instance.phase === 'exited'
  }

  #running(id: string): ContainerRecord | undefined {
    const remembered = this.#remembered.get(id)
    return remembered?.instance.phase === 'running' ? remembered.container : undefined
  }

  async #list(scope: Scope | undefined): Promise<ListedContainer[]> {
    const query = { all: true, filters: ownFilter(this.#owner, scope) }
    return parseAnswer(containerList, await this.#client.call('listContainers', { query }), 'list containers')
  }

  #forgetAllBut(listed: readonly ListedContainer[]): void {
    const ids = new Set(listed.map(({ Id }) => Id))
    for (const id of this.#remembered.keys()) if (!ids.has(id)) this.#remembered.delete(id)
  }

  /** Undefined for one that vanished after it was listed. */
  async #describe(
    listed: ListedContainer,
    sandboxes: ReadonlyMap<string, ListedContainer>,
  ): Promise<ObservedInstance | undefined> {
    const known = this.#remembered.get(listed.Id)
    const remembered = known && isUnchanged(known, listed) ? known : await this.#inspect(listed)
    if (remembered === undefined) return undefined
    const { port, sandboxId } = remembered
    const sandbox = sandboxes.get(sandboxId ?? '')
    const instance = inSandbox(remembered.instance, sandbox)
    const host = sandbox && addressOf(sandbox)
    if (instance.phase !== 'running' || host === undefined || port === null) return instance
    return { ...instance, address: { host, port } }
  }

  async #inspect({ Id, State }: ListedContainer): Promise<Remembered | undefined> {
    const answer = await this.#client.call('inspectContainer', { subject: Id, accept: [404] })
    if (answer.status === 404) return undefined
    const container = parseAnswer(containerRecord, answer, `inspect container ${Id}`)
    const instance = observedInstance(container)
    if (instance === undefined) return undefined
    const port = probeOf(container.Config.Labels)?.port ?? null
    const containerName = bareName(container.Name)
    const sandboxId = sandboxIdOf(container.HostConfig.NetworkMode)
    const remembered = { state: State, containerName, instance, container, port, sandboxId }
    // A state that has moved on since the listing is looked at again the next time.
    if (container.State.Status === State) this.#remembered.set(Id, remembered)
    return remembered
  }
}

/** An instance as its inspection shows it, without its address; undefined where its labels don't name one. */
export function observedInstance(container: ContainerRecord): ObservedInstance | undefined {
  const fleet = fleetOf(container.Config.Labels)
  const claimed = container.Config.Labels[label.version]
  if (fleet === undefined || claimed === undefined) return undefined
  const containerName = bareName(container.Name)
  const name = container.Config.Labels[label.instance] ?? containerName
  const startedAtMs = timeMs(container.State.StartedAt)
  const exit = exitOf(container)
  return {
    ...fleet,
    name,
    claimed,
    // One that was renamed is not what was made, whatever runs in it.
    version: name === containerName ? runningVersion(container) : undefined,
    phase: phaseOf(container),
    isPaused: container.State.Status === 'paused',
    createdAtMs: timeMs(container.Created) ?? 0,
    ...(startedAtMs !== undefined && { startedAtMs }),
    ...(exit && { exit }),
  }
}

function phaseOf({ State }: ContainerRecord): ObservedInstance['phase'] {
  switch (State.Status) {
    case 'created':
      // A start that failed leaves the exit code that a shell would give.
      return State.ExitCode === 0 ? 'created' : 'exited'
    case 'running':
    case 'paused':
    case 'restarting':
      return 'running'
    default:
      return 'exited'
  }
}

function exitOf(container: ContainerRecord): InstanceExit | undefined {
  const { State } = container
  if (phaseOf(container) !== 'exited') return undefined
  return {
    code: State.ExitCode,
    outOfMemory: State.OOMKilled,
    // The engine notes a start when it hears of it, and of a short life it may hear after its end.
    atMs: Math.max(timeMs(State.FinishedAt) ?? 0, timeMs(State.StartedAt) ?? 0, timeMs(container.Created) ?? 0),
    ...(State.Error !== '' && { message: State.Error }),
  }
}

function isUnchanged({ state, containerName }: Remembered, { State, Names }: ListedContainer): boolean {
  return state === State && containerName === nameOf(Names)
}

/** What is in other networks than those of its scope is not what was made either. */
function inSandbox(instance: ObservedInstance, sandbox: ListedContainer | undefined): ObservedInstance {
  if (sandbox?.State !== 'running' || isInOwnNetwork(sandbox, instance)) return instance
  return { ...instance, version: undefined }
}

function isInOwnNetwork({ NetworkSettings }: ListedContainer, scope: Scope): boolean {
  return NetworkSettings.length === 1 && NetworkSettings[0]?.name === networkName(scope)
}

/** That in its own network, where it is in others too. */
function addressOf({ State, Labels, NetworkSettings }: ListedContainer): string | undefined {
  const scope = scopeOf(Labels)
  const own = NetworkSettings.find(({ name }) => scope && name === networkName(scope))
  return State === 'running' ? own?.address || undefined : undefined
}

function sandboxesOf(sandboxes: readonly ListedContainer[], instances: readonly ListedContainer[]): SeenSandbox[] {
  const used = new Set(instances.map(({ HostConfig }) => sandboxIdOf(HostConfig.NetworkMode)))
  return sandboxes.flatMap((sandbox) => {
    const { Id, Names, Labels, State } = sandbox
    const scope = scopeOf(Labels)
    if (scope === undefined) return []
    const isRunning = State === 'running' && isInOwnNetwork(sandbox, scope)
    return [{ id: Id, name: nameOf(Names), scope, isRunning, isUsed: used.has(Id) }]
  })
}

function passingOf({ Id, Names }: ListedContainer): SeenPassing {
  return { id: Id, name: nameOf(Names) }
}

function nameOf(names: readonly string[]): string {
  return bareName(names[0] ?? '')
}

function bareName(name: string): string {
  return name.replace(/^\//, '')
}
