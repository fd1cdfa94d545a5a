/** Docker for the contract suite: an image of its own, and the hands of somebody outside of Repave. */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { Pool } from 'undici'
import { z } from 'zod'
import type { Engine, ImageRequest } from '../../src/engine/engine.ts'
import type { ContractPrograms, DescribedKind, EngineFixture } from '../../src/engine/engine-contract.ts'
import type { Address } from '../../src/model/address.ts'
import type { TouchKind } from '../../src/model/touch.ts'
import { defaultSocketPath } from '../../src/engine/docker/docker-client.ts'
import { createDockerEngine } from '../../src/engine/docker/docker-engine.ts'
import { openSocketProxy, type SocketProxy } from './socket-proxy.ts'

const imageReference = 'localhost:1/repave-contract:1'
/** From the Debian package busybox-static. */
const busyboxPath = '/bin/busybox'
const dockerfile = `FROM scratch
COPY busybox /bin/busybox
ENV PATH=/bin GREETING=hello
ENTRYPOINT ["/bin/busybox"]
CMD ["sh", "-c", "true"]
`

export interface DockerFixture extends EngineFixture {
  /** Between the engine under test and dockerd. */
  readonly proxy: SocketProxy
  readonly outsider: Outsider
  /** Of the engine under test. */
  readonly owner: string
  /** A further engine with the owner of the one under test: the controller's next life. */
  nextLife(): Engine
}

export async function setUpDocker(): Promise<DockerFixture> {
  const socketPath = defaultSocketPath(process.env)
  const outsider = new Outsider(socketPath)
  const proxy = await openSocketProxy(socketPath)
  const owner = `contract-${randomUUID()}`
  const engine = createDockerEngine({ owner, socketPath: proxy.socketPath })
  const busybox = await readFile(busyboxPath).catch(() => {
    throw new Error(`${busyboxPath} is missing, which the test image is made of: apt-get install busybox-static`)
  })
  const image = await engine.prepare(buildRequest(imageReference, { Dockerfile: dockerfile, busybox }))
  const goodTag = `localhost:1/repave-contract-${randomUUID()}:1`
  const builtLabels = { 'org.example.contract': goodTag }
  const made = new Set([goodTag])
  const intruders: string[] = []
  const goodFile = `FROM scratch\nCOPY file /\nLABEL org.example.contract=${goodTag}\n`
  return {
    engine,
    owner,
    neighbour: createDockerEngine({ owner: `neighbour-${randomUUID()}`, socketPath }),
    nextLife: () => createDockerEngine({ owner, socketPath }),
    image,
    imageReference,
    programs,
    proxy,
    outsider,
    goodBuild: () => buildRequest(goodTag, { Dockerfile: goodFile, file: goodTag }),
    described: async (kind) => {
      const tag = `${goodTag}-${kind}`
      made.add(tag)
      return (await engine.prepare(buildRequest(tag, describedFiles(kind)))).digest
    },
    builtLabels,
    cleanUpBuilt: async () => {
      await outsider.delete(`/images/${goodTag}`)
      const filters = { dangling: ['true'], label: [`org.example.contract=${goodTag}`] }
      await outsider.post(`/images/prune?filters=${encodeURIComponent(JSON.stringify(filters))}`)
    },
    badBuild: () =>
      buildRequest(goodTag, {
        Dockerfile: `${dockerfile}RUN ["/bin/busybox", "sh", "-c", "echo broken on purpose; exit 7"]`,
        busybox,
      }),
    kill: async (name) => {
      await outsider.post(`/containers/${name}/kill`)
    },
    pause: async (name) => {
      await outsider.post(`/containers/${name}/pause`)
    },
    touch: async (name, kind = 'exec') => {
      await (touches.get(kind)?.(outsider, name) ?? noSuchTouch(kind))
    },
    touchKinds: [...touches.keys()],
    isAnswered,
    alter: async (name) => {
      await outsider.post(`/containers/${name}/update`, { PidsLimit: 77 })
    },
    intrude: async ({ stack, environment }) => {
      const name = `stranger-${randomUUID().slice(0, 8)}`
      const { Id } = await outsider.post(`/containers/create?name=${name}`, {
        Image: imageReference,
        Cmd: ['sleep', '3600'],
        HostConfig: { NetworkMode: `repave-${stack}-${environment}` },
      })
      intruders.push(String(Id))
      await outsider.post(`/containers/${name}/start`)
      return name
    },
    disconnect: async (name) => {
      const instance = containerMode.parse(await outsider.get(`/containers/${name}/json`))
      const sandbox = instance.HostConfig.NetworkMode.replace('container:', '')
      const { NetworkSettings } = containerNetworks.parse(await outsider.get(`/containers/${sandbox}/json`))
      for (const network of Object.keys(NetworkSettings.Networks))
        await outsider.post(`/networks/${network}/disconnect`, { Container: sandbox, Force: true })
    },
    evict: async () => {
      for (const id of intruders.splice(0)) await outsider.delete(`/containers/${id}?force=1`)
    },
    occupy: async (name) => {
      await outsider.post(`/containers/create?name=${name}`, { Image: imageReference })
    },
    isOccupied: async (name) => (await outsider.get(`/containers/${name}/json`))['Config'] !== undefined,
    occupyData: async (name) => {
      await outsider.post('/volumes/create', { Name: name })
    },
    isDataOccupied: async (name) => (await outsider.get(`/volumes/${name}`))['Name'] === name,
    recordedExit: (name) => outsider.lastExit(name),
    cutEvents: async () => proxy.cut(/\/events/),
    cleanup: async () => {
      await outsider.cleanup()
      for (const tag of made) await outsider.delete(`/images/${tag}`)
      await proxy.close()
    },
  }
}

type Act = (outsider: Outsider, name: string) => Promise<unknown>

/** What somebody outside does through the engine's socket. */
const touches: ReadonlyMap<TouchKind, Act> = new Map<TouchKind, Act>([
  [
    'exec',
    async (outsider, name) => {
      const { Id } = await outsider.post(`/containers/${name}/exec`, { Cmd: ['/bin/busybox', 'true'] })
      await outsider.post(`/exec/${String(Id)}/start`, { Detach: true })
    },
  ],
  ['attach', (outsider, name) => outsider.post(`/containers/${name}/attach?logs=1`)],
  ['copy', (outsider, name) => outsider.get(`/containers/${name}/archive?path=/bin/busybox`)],
  ['export', (outsider, name) => outsider.get(`/containers/${name}/export`)],
  ['commit', (outsider, name) => outsider.commit(name)],
  ['signal', (outsider, name) => outsider.post(`/containers/${name}/kill?signal=USR1`)],
  ['pause', (outsider, name) => outsider.post(`/containers/${name}/pause`)],
  ['rename', (outsider, name) => outsider.post(`/containers/${name}/rename?name=${name}-renamed`)],
  ['update', (outsider, name) => outsider.post(`/containers/${name}/update`, { PidsLimit: 77 })],
  ['network', (outsider, name) => outsider.leaveNetwork(name)],
])

async function noSuchTouch(kind: TouchKind): Promise<never> {
  throw new Error(`nobody knows how to do ${kind} here`)
}

const patienceMs = 500

async function isAnswered({ host, port }: Address): Promise<boolean> {
  const socket = connect(port, host)
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(patienceMs) })
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

const programs: ContractPrograms = {
  polite: shell('trap "exit 0" TERM; trap "" USR1; /bin/busybox sleep 3600 & wait'),
  serve: shell('trap "exit 0" TERM; /bin/busybox nc -ll -p 8080 -e /bin/busybox cat & wait'),
  stubborn: shell('trap "" TERM; while :; do /bin/busybox sleep 1; done'),
  missing: ['/no/such/program'],
  exit: (code) => shell(`exit ${code}`),
  count: (count) => shell(`trap "exit 0" TERM; /bin/busybox seq 1 ${count}; /bin/busybox sleep 3600 & wait`),
  bothStreams: shell('echo out; echo err >&2'),
}

function shell(script: string): string[] {
  return ['/bin/busybox', 'sh', '-c', script]
}

type Files = Readonly<Record<string, string | Buffer>>

const packageStatus = `Package: libssl3
Status: install ok installed
Version: 3.0.11-1
`
const otherStatus = 'Package: base-files\nVersion: 12.4\n'
const bill = {
  bomFormat: 'CycloneDX',
  components: [{ group: '@acme', name: 'web', version: '1.2.0', purl: 'pkg:npm/%40acme/web@1.2.0' }],
}

function statusFiles(status: string): Files {
  return { Dockerfile: 'FROM scratch\nCOPY status /var/lib/dpkg/status\n', status }
}

function describedFiles(kind: DescribedKind): Files {
  const listed = {
    Dockerfile: 'FROM scratch\nCOPY status /var/lib/dpkg/status\nCOPY base-files /var/lib/dpkg/status.d/base-files\n',
    status: packageStatus,
    'base-files': otherStatus,
  }
  switch (kind) {
    case 'listed':
      return listed
    case 'sbom':
      return {
        Dockerfile: 'FROM scratch\nCOPY bom /bom.json\nVOLUME /data\nLABEL repave.sbom=/bom.json\n',
        bom: JSON.stringify(bill),
      }
    case 'derived':
      return {
        Dockerfile: `${listed.Dockerfile}COPY base-files /more\n`,
        status: packageStatus,
        'base-files': otherStatus,
      }
    case 'broken':
      return statusFiles('\u0000garbage')
    case 'endless':
      return statusFiles(packageStatus.repeat(400_000))
    case 'based':
      return {
        Dockerfile: `FROM scratch\nCOPY file /\nLABEL org.opencontainers.image.base.name=debian:12 org.opencontainers.image.base.digest=sha256:${'0'.repeat(64)}\n`,
        file: 'based',
      }
  }
}

export function buildRequest(tag: string, files: Files): ImageRequest {
  return { kind: 'build', context: archive(files), dockerfile: 'Dockerfile', arguments: {}, tag }
}

function archive(files: Readonly<Record<string, string | Buffer>>): Readable {
  const tar = pack()
  for (const [name, content] of Object.entries(files)) tar.entry({ name, mode: 0o755 }, content)
  tar.finalize()
  return Readable.from(tar)
}

const listedContainer = z.object({
  Id: z.string(),
  Labels: z.record(z.string(), z.string()),
  HostConfig: z.object({ NetworkMode: z.string() }),
})

const containerMode = z.object({ HostConfig: z.object({ NetworkMode: z.string() }) })
const containerNetworks = z.object({
  NetworkSettings: z.object({ Networks: z.record(z.string(), z.unknown()) }),
})

const listedImages = z.array(z.object({ RepoTags: z.array(z.string()) }))

type Json = Readonly<Record<string, unknown>>

/** Somebody with the engine's socket who heeds none of Repave's rules. Cleans up what it made. */
export class Outsider {
  readonly #pool: Pool
  readonly #made: string[] = []
  readonly #volumes: string[] = []

  constructor(socketPath: string) {
    this.#pool = new Pool('http://docker', { socketPath })
  }

  get(path: string): Promise<Json> {
    return this.#send('GET', path)
  }

  /** `GET /containers/json` */
  async list(path: string): Promise<readonly { id: string; role: string | undefined; networkMode: string }[]> {
    const response = await this.#pool.request({ method: 'GET', path: `/v1.41${path}` })
    const listed = z.array(listedContainer).parse(await response.body.json())
    return listed.map(({ Id, Labels, HostConfig }) => ({
      id: Id,
      role: Labels['repave.role'],
      networkMode: HostConfig.NetworkMode,
    }))
  }

  /** The names of images of a repository. */
  async tags(repository: string): Promise<readonly string[]> {
    const filters = encodeURIComponent(JSON.stringify({ reference: [repository] }))
    const response = await this.#pool.request({ method: 'GET', path: `/v1.41/images/json?filters=${filters}` })
    return listedImages.parse(await response.body.json()).flatMap(({ RepoTags }) => RepoTags)
  }

  delete(path: string): Promise<Json> {
    return this.#send('DELETE', path)
  }

  async post(path: string, body?: object): Promise<Json> {
    const answer = await this.#send('POST', path, body)
    if (path.startsWith('/containers/create')) this.#made.push(String(answer['Id']))
    if (path === '/volumes/create') this.#volumes.push(String(answer['Name']))
    return answer
  }

  /** From the engine's own record of events, which also holds what has been removed since. */
  async lastExit(name: string): Promise<number | undefined> {
    const filters = encodeURIComponent(JSON.stringify({ container: [name], event: ['die'] }))
    const until = Math.ceil(Date.now() / 1000)
    const response = await this.#pool.request({
      method: 'GET',
      path: `/v1.41/events?since=0&until=${until}&filters=${filters}`,
    })
    const last = (await response.body.text()).trim().split('\n').at(-1)
    return last ? Number(JSON.parse(last).Actor.Attributes.exitCode) : undefined
  }

  /** The image that it makes is gone at once. */
  async commit(name: string): Promise<void> {
    const { Id } = await this.post(`/commit?container=${name}&pause=false`)
    await this.delete(`/images/${String(Id)}`)
  }

  /** Takes a running instance's sandbox out of its network. */
  async leaveNetwork(name: string): Promise<void> {
    const { HostConfig } = await this.get(`/containers/${name}/json`)
    const sandbox = String((HostConfig as Json)['NetworkMode']).slice('container:'.length)
    const { NetworkSettings } = await this.get(`/containers/${sandbox}/json`)
    for (const network of Object.keys((NetworkSettings as { Networks: Json }).Networks))
      await this.post(`/networks/${network}/disconnect`, { Container: sandbox })
  }

  async cleanup(): Promise<void> {
    await Promise.all(this.#made.map((id) => this.delete(`/containers/${id}?force=1&v=1`)))
    await Promise.all(this.#volumes.map((name) => this.delete(`/volumes/${name}`)))
  }

  async #send(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<Json> {
    const response = await this.#pool.request({
      method,
      path: `/v1.41${path}`,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    const text = await response.body.text()
    return text.startsWith('{') ? JSON.parse(text) : {}
  }
}
