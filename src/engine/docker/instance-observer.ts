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
import type { Scope } from '../../model/stack.ts'
import type { SeenPassing } from './passing-containers.ts'
import type { SeenSandbox } from './sandbox-pool.ts'
import { runningVersion } from './version-mapping.ts'

export interface Look {
  readonly instances: readonly ObservedInstance[]
  readonly sandboxes: readonly SeenSandbox[]
  /** What was made for a moment. */
  readonly passing: readonly SeenPassing[]
}

/** What an inspection found, for as long as the listing shows the same state. */
interface Remembered {
  readonly state: string
  readonly instance: ObservedInstance
  readonly port: number | null
  readonly sandboxId: string | undefined
}

export class InstanceObserver {
  readonly #client: DockerClient
  readonly #owner: string
  readonly #remembered = new Map<string, Remembered>()

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
    const addresses = new Map(sandboxes.map((sandbox) => [sandbox.Id, addressOf(sandbox)]))
    const seen = await Promise.all(instances.map((instance) => this.#describe(instance, addresses)))
    return {
      instances: seen.flatMap((instance) => instance ?? []),
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

  /** The name of the instance that was last seen in a sandbox. */
  instanceIn(sandboxId: string): string | undefined {
    for (const { sandboxId: id, instance } of this.#remembered.values()) if (id === sandboxId) return instance.name
    return undefined
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
    addresses: ReadonlyMap<string, string | undefined>,
  ): Promise<ObservedInstance | undefined> {
    const known = this.#remembered.get(listed.Id)
    const remembered = known?.state === listed.State ? known : await this.#inspect(listed)
    if (remembered === undefined) return undefined
    const { instance, port, sandboxId } = remembered
    const host = addresses.get(sandboxId ?? '')
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
    const remembered = { state: State, instance, port, sandboxId: sandboxIdOf(container.HostConfig.NetworkMode) }
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
  const startedAtMs = timeMs(container.State.StartedAt)
  const exit = exitOf(container)
  return {
    ...fleet,
    name: container.Name.replace(/^\//, ''),
    claimed,
    version: runningVersion(container),
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

function addressOf(sandbox: ListedContainer): string | undefined {
  return sandbox.State === 'running' ? sandbox.NetworkSettings.find((address) => address !== '') : undefined
}

function sandboxesOf(sandboxes: readonly ListedContainer[], instances: readonly ListedContainer[]): SeenSandbox[] {
  const used = new Set(instances.map(({ HostConfig }) => sandboxIdOf(HostConfig.NetworkMode)))
  return sandboxes.flatMap(({ Id, Names, Labels, State }) => {
    const scope = scopeOf(Labels)
    return scope ? [{ id: Id, name: nameOf(Names), scope, isRunning: State === 'running', isUsed: used.has(Id) }] : []
  })
}

function passingOf({ Id, Names }: ListedContainer): SeenPassing {
  return { id: Id, name: nameOf(Names) }
}

function nameOf(names: readonly string[]): string {
  return names[0]?.replace(/^\//, '') ?? ''
}
