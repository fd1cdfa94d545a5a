/** One bridge network for each environment of a stack. Its instances reach out, but not each other. */
import type { NetworkCreateOptions } from 'dockerode'
import { RepaveError } from '../../errors.ts'
import { scopeName, type Scope } from '../../model/stack.ts'
import { createdObject, networkList } from './container-record.ts'
import { parseAnswer, type DockerClient } from './docker-client.ts'
import { isOwn, ownFilter, scopeLabels, scopeOf } from './labels.ts'

export class ScopeNetworks {
  readonly #client: DockerClient
  readonly #owner: string
  /** Network ids by scope. */
  readonly #ids = new Map<string, Promise<string>>()
  /** What the last listing showed, and what was made and removed since. */
  #scopes: Map<string, Scope> | undefined

  constructor(client: DockerClient, owner: string) {
    this.#client = client
    this.#owner = owner
  }

  /** The id of the scope's network, which is made when there is none. */
  ensure(scope: Scope): Promise<string> {
    const name = scopeName(scope)
    const known = this.#ids.get(name)
    if (known) return known
    const id = this.#findOrCreate(scope)
    this.#ids.set(name, id)
    id.catch(() => this.#ids.delete(name))
    return id
  }

  /** The network turned out not to be there any more. */
  forget(scope: Scope): void {
    this.#ids.delete(scopeName(scope))
  }

  /** The scopes that have a network; `isFresh`: as the engine has it now. */
  async scopes(isFresh: boolean): Promise<Scope[]> {
    if (isFresh || this.#scopes === undefined) {
      const scopes = (await this.#list()).flatMap((network) => scopeOf(network.Labels) ?? [])
      this.#scopes = new Map(scopes.map((scope) => [scopeName(scope), scope]))
    }
    return [...this.#scopes.values()]
  }

  async remove(scope: Scope): Promise<void> {
    this.forget(scope)
    const networks = await this.#list(scope)
    await Promise.all(networks.map(({ Id }) => this.#client.call('removeNetwork', { subject: Id, accept: [404] })))
    this.#scopes?.delete(scopeName(scope))
  }

  async #findOrCreate(scope: Scope): Promise<string> {
    const [present] = await this.#list(scope)
    if (present) return present.Id
    const body = networkBody(this.#owner, scope)
    const answer = await this.#client.call('createNetwork', { body, accept: [409] })
    if (answer.status !== 409) {
      this.#scopes?.set(scopeName(scope), { stack: scope.stack, environment: scope.environment })
      return parseAnswer(createdObject, answer, `create network ${body.Name}`).Id
    }
    throw new RepaveError('NAME_TAKEN', `a network ${body.Name} exists and is not this controller's`, {
      hint: `see whose it is with \`docker network inspect ${body.Name}\`; remove it, or name the stack or environment otherwise`,
    })
  }

  async #list(scope?: Scope): Promise<{ Id: string; Labels: Record<string, string> }[]> {
    const query = { filters: ownFilter(this.#owner, scope) }
    const networks = parseAnswer(networkList, await this.#client.call('listNetworks', { query }), 'list networks')
    return networks.filter((network) => isOwn(network.Labels, this.#owner, 'network'))
  }
}

export function networkName({ stack, environment }: Scope): string {
  return `repave-${stack}-${environment}`
}

/** The body of `POST /networks/create`. */
export function networkBody(owner: string, scope: Scope): NetworkCreateOptions {
  return {
    Name: networkName(scope),
    Driver: 'bridge',
    CheckDuplicate: true,
    Labels: { ...scopeLabels(owner, scope, 'network') },
    Options: { 'com.docker.network.bridge.enable_icc': 'false' },
  }
}
