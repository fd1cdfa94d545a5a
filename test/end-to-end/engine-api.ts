/** The engine, asked past Repave: what tests and benchmarks believe. Docker Engine API 1.41. */
import type { Readable } from 'node:stream'
import type {
  ContainerInfo,
  ContainerInspectInfo,
  ImageInfo,
  ImageInspectInfo,
  NetworkInspectInfo,
  VolumeInspectInfo,
} from 'dockerode'
import { Pool } from 'undici'

export const defaultEngineSocket = (process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock').replace(/^unix:\/\//, '')

export class EngineApi {
  readonly socket: string
  readonly #pool: Pool

  constructor(socket: string = defaultEngineSocket) {
    this.socket = socket
    this.#pool = new Pool('http://engine', { socketPath: socket, connections: 8, headersTimeout: 0, bodyTimeout: 0 })
  }

  /** Running or not; all, or those with `label`. */
  containers(label?: string): Promise<readonly ContainerInfo[]> {
    return this.call(
      'GET',
      `/containers/json?all=true&filters=${filters(label === undefined ? {} : { label: [label] })}`,
    )
  }

  inspect(id: string): Promise<ContainerInspectInfo> {
    return this.call('GET', `/containers/${id}/json`)
  }

  /** The pid of a container's first process; 0 for one that has ended or is gone. */
  async firstProcess(id: string): Promise<number> {
    const { status, text } = await this.send('GET', `/containers/${id}/json`)
    if (status === 404) return 0
    if (status !== 200) throw new Error(`inspect ${id}: HTTP ${status}: ${text}`)
    return (JSON.parse(text) as ContainerInspectInfo).State.Pid
  }

  async signal(id: string, signal: 'KILL' | 'TERM'): Promise<void> {
    const { status, text } = await this.send('POST', `/containers/${id}/kill?signal=${signal}`)
    // 404 and 409: it has ended by itself.
    if (status >= 300 && status !== 404 && status !== 409) throw new Error(`kill ${id}: HTTP ${status}: ${text}`)
  }

  /** Pauses a container, as `docker pause` does. */
  async pause(id: string): Promise<void> {
    await this.call('POST', `/containers/${id}/pause`)
  }

  networks(label: string): Promise<readonly NetworkInspectInfo[]> {
    return this.call('GET', `/networks?filters=${filters({ label: [label] })}`)
  }

  async volumes(label: string): Promise<readonly VolumeInspectInfo[]> {
    const query = filters({ label: [label] })
    const { Volumes } = await this.call<{ readonly Volumes: VolumeInspectInfo[] | null }>(
      'GET',
      `/volumes?filters=${query}`,
    )
    return Volumes ?? []
  }

  async hasImage(reference: string): Promise<boolean> {
    const { status } = await this.send('GET', `/images/${reference}/json`)
    return status === 200
  }

  inspectImage(reference: string): Promise<ImageInspectInfo> {
    return this.call('GET', `/images/${reference}/json`)
  }

  /** Removes images with `label` that have no name and no container, as `docker image prune` does. */
  async pruneImages(label: string): Promise<void> {
    await this.call('POST', `/images/prune?filters=${filters({ dangling: ['true'], label: [label] })}`)
  }

  async build(tag: string, context: Readable): Promise<void> {
    const { status, text } = await this.send(
      'POST',
      `/build?t=${encodeURIComponent(tag)}&rm=true&forcerm=true`,
      context,
    )
    const error = text.split('\n').find((line) => line.includes('"error"'))
    if (status !== 200 || error) throw new Error(`building ${tag}: HTTP ${status}: ${error ?? text}`)
  }

  /** Removes all containers, networks and volumes with `label`, in use or not, and answers how many there were. */
  async removeAll(label: string): Promise<number> {
    const containers = await this.removeContainers(label)
    const [networks, volumes] = await Promise.all([this.networks(label), this.volumes(label)])
    await Promise.all(networks.map(({ Id }) => this.send('DELETE', `/networks/${Id}`)))
    await Promise.all(volumes.map(({ Name }) => this.send('DELETE', `/volumes/${Name}`)))
    return containers + networks.length + volumes.length
  }

  /** Running or not; answers how many there were. */
  async removeContainers(label: string): Promise<number> {
    const containers = await this.containers(label)
    await Promise.all(containers.map(({ Id }) => this.send('DELETE', `/containers/${Id}?force=true&v=true`)))
    return containers.length
  }

  /** Removes every name that images have in `repository`; what has no other name goes, with what it was built on. */
  async removeTags(repository: string): Promise<void> {
    const images = await this.call<readonly ImageInfo[]>(
      'GET',
      `/images/json?filters=${filters({ reference: [repository] })}`,
    )
    const tags = images.flatMap(({ RepoTags }) => RepoTags ?? []).filter((tag) => tag.startsWith(`${repository}:`))
    await Promise.all(tags.map((tag) => this.send('DELETE', `/images/${tag}`)))
  }

  async call<Answer>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<Answer> {
    const { status, text } = await this.send(method, path, body && JSON.stringify(body))
    if (status >= 300) throw new Error(`${method} ${path}: HTTP ${status}: ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as Answer
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  private async send(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: string | Readable,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const contentType = typeof body === 'string' ? 'application/json' : 'application/x-tar'
    const answer = await this.#pool.request({
      method,
      path: `/v1.41${path}`,
      ...(body !== undefined && { body, headers: { 'content-type': contentType } }),
    })
    return { status: answer.statusCode, text: await answer.body.text() }
  }
}

function filters(value: Readonly<Record<string, readonly string[]>>): string {
  return encodeURIComponent(JSON.stringify(value))
}
