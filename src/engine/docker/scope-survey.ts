/** Looks around a scope: its network, who is in there, and whether the host keeps it apart. Changes nothing. */
import { type Scope, scopeName } from '../../model/stack.ts'
import type { VersionSpec } from '../../model/version.ts'
import type { Deviation, ForeignObject, MisplacedInstance, ScopeSurvey, SurveyedNetwork } from '../survey.ts'
import {
  connectedList,
  type ConnectedContainer,
  containerRecord,
  networkList,
  networkRecord,
  type NetworkRecord,
  sandboxIdOf,
} from './container-record.ts'
import { type DockerClient, parseAnswer } from './docker-client.ts'
import { fleetOf, isOwn, label, type Labels, ownFilter, type Role, scopeOf } from './labels.ts'
import { surveyFirewall } from './local-firewall.ts'
import { networkBody } from './scope-networks.ts'
import { runningSpec } from './version-mapping.ts'

export class ScopeSurveyor {
  readonly #client: DockerClient
  readonly #owner: string

  constructor(client: DockerClient, owner: string) {
    this.#client = client
    this.#owner = owner
  }

  async survey(scope: Scope): Promise<ScopeSurvey> {
    const networks = await this.#networks(scope)
    const containers = await this.#containers()
    const own = containers.filter(({ Labels }) => this.#isOf(Labels, scope))
    const wanted = networkBody(this.#owner, scope).Name
    const network = networks.find(({ Name }) => Name === wanted)
    const strangers = await Promise.all(networks.map((each) => this.#foreignIn(each, containers, scope)))
    return {
      ...(network && { network: surveyedNetwork(network) }),
      foreign: [
        ...strangers.flat(),
        ...own.filter(({ Labels }) => !this.#isKnown(Labels)).map(pretender),
        ...networks.filter((each) => each !== network).map(surplusNetwork),
      ],
      misplaced: misplaced(
        own.filter((each) => this.#has(each, 'instance')),
        containers,
        network,
      ),
      specs: await this.#specs(own.filter((each) => this.#has(each, 'instance'))),
      firewall: network ? await surveyFirewall(network.Id) : { kind: 'unseen', why: 'there is no network' },
    }
  }

  async #networks(scope: Scope): Promise<readonly NetworkRecord[]> {
    const query = { filters: ownFilter(this.#owner, scope) }
    const listed = parseAnswer(networkList, await this.#client.call('listNetworks', { query }), 'list networks')
    const inspected = await Promise.all(listed.map(({ Id }) => this.#inspectNetwork(Id)))
    return inspected.flatMap((network) => network ?? [])
  }

  /** Undefined for one that vanished after it was listed. */
  async #inspectNetwork(id: string): Promise<NetworkRecord | undefined> {
    const answer = await this.#client.call('inspectNetwork', { subject: id, accept: [404] })
    return answer.status === 404 ? undefined : parseAnswer(networkRecord, answer, `inspect network ${id}`)
  }

  /** Of all owners, and of none. */
  async #containers(): Promise<readonly ConnectedContainer[]> {
    const query = { all: true }
    return parseAnswer(connectedList, await this.#client.call('listContainers', { query }), 'list containers')
  }

  /** Also what is in there without being a container, as far as the network itself knows it. */
  async #foreignIn(
    network: NetworkRecord,
    containers: readonly ConnectedContainer[],
    scope: Scope,
  ): Promise<readonly ForeignObject[]> {
    const { Id, Name } = network
    const isSandbox = (each: ConnectedContainer) => this.#has(each, 'sandbox') && this.#isOf(each.Labels, scope)
    const connected = containers.filter(({ NetworkSettings }) => [...NetworkSettings.values()].includes(Id))
    const strangers = connected.filter((each) => !isSandbox(each)).map((each) => nameOf(each))
    const known = new Set(containers.map((each) => each.Id))
    const others = await this.#stillIn(
      network,
      Object.keys(network.Containers).filter((id) => !known.has(id)),
    )
    return [...strangers, ...others].map((name) => {
      return { kind: 'container', name, where: 'network', detail: `it is in the network ${Name}` }
    })
  }

  /** The names of those of `ids` that did not leave before the containers were listed. */
  async #stillIn({ Id }: NetworkRecord, ids: readonly string[]): Promise<readonly string[]> {
    if (ids.length === 0) return []
    const { Containers = {} } = (await this.#inspectNetwork(Id)) ?? {}
    return ids.flatMap((id) => Containers[id]?.Name ?? [])
  }

  /** What each instance runs, inspected anew. */
  async #specs(instances: readonly ConnectedContainer[]): Promise<ReadonlyMap<string, VersionSpec>> {
    const specs = await Promise.all(
      instances.map(async (instance): Promise<readonly (readonly [string, VersionSpec])[]> => {
        const answer = await this.#client.call('inspectContainer', { subject: instance.Id, accept: [404] })
        if (answer.status === 404) return []
        const spec = runningSpec(parseAnswer(containerRecord, answer, `inspect container ${instance.Id}`))
        return spec ? [[nameOf(instance), spec]] : []
      }),
    )
    return new Map(specs.flat())
  }

  #has({ Labels }: ConnectedContainer, role: Role): boolean {
    return isOwn(Labels, this.#owner, role)
  }

  /** Whether the labels say that it is this controller's, in this scope. */
  #isOf(labels: Labels, scope: Scope): boolean {
    const claimed = scopeOf(labels)
    return labels[label.owner] === this.#owner && claimed !== undefined && scopeName(claimed) === scopeName(scope)
  }

  #isKnown(labels: Labels): boolean {
    if (isOwn(labels, this.#owner, 'instance')) return fleetOf(labels) !== undefined
    return (['sandbox', 'handover', 'reading'] as const).some((role) => isOwn(labels, this.#owner, role))
  }
}

function surveyedNetwork(network: NetworkRecord): SurveyedNetwork {
  const { Name, Driver, Internal, EnableIPv6, Attachable, Options } = network
  const settings: readonly (readonly [string, string, string])[] = [
    ['driver', 'bridge', Driver],
    ['internal', 'false', String(Internal)],
    ['ipv6', 'false', String(EnableIPv6)],
    ['attachable', 'false', String(Attachable)],
    ...optionSettings(Options),
  ]
  const deviations = settings.filter(([, expected, actual]) => expected !== actual)
  return {
    name: Name,
    deviations: deviations.map(([setting, expected, actual]): Deviation => ({ setting, expected, actual })),
  }
}

/** Those that it was created with, and those that were not asked for. */
function optionSettings(options: Readonly<Record<string, string>>): readonly (readonly [string, string, string])[] {
  const wanted: Readonly<Record<string, string>> = networkBody('', { stack: '', environment: '' }).Options ?? {}
  const names = Object.keys({ ...wanted, ...options }).toSorted()
  return names.map((name) => [name, wanted[name] ?? 'none', options[name] ?? 'none'])
}

/** Instances have the network of their sandboxes, each of which is in the scope's network, and in no other. */
function misplaced(
  instances: readonly ConnectedContainer[],
  containers: readonly ConnectedContainer[],
  network: NetworkRecord | undefined,
): readonly MisplacedInstance[] {
  const byId = new Map(containers.map((container) => [container.Id, container]))
  return instances
    .filter(({ State }) => State === 'running' || State === 'paused')
    .flatMap((instance) => {
      const sandbox = byId.get(sandboxIdOf(instance.HostConfig.NetworkMode) ?? '')
      const actual = placeOf(sandbox)
      const expected = network ? [network.Name] : []
      return actual.join() === expected.join() && expected.length > 0
        ? []
        : [
            {
              instance: nameOf(instance),
              expected: network?.Name ?? 'its network',
              actual: actual.join(', ') || 'none',
            },
          ]
    })
}

function placeOf(sandbox: ConnectedContainer | undefined): readonly string[] {
  if (sandbox?.State !== 'running') return []
  return [...sandbox.NetworkSettings.keys()].toSorted()
}

function pretender(container: ConnectedContainer): ForeignObject {
  const detail = 'its labels say that it is one of ours, and it is no kind of object that we make'
  return { kind: 'container', name: nameOf(container), where: 'labels', detail }
}

function surplusNetwork({ Name }: NetworkRecord): ForeignObject {
  return { kind: 'network', name: Name, where: 'labels', detail: "its labels say that it is the environment's network" }
}

function nameOf({ Names, Id }: ConnectedContainer): string {
  return Names[0]?.replace(/^\//, '') ?? Id
}
