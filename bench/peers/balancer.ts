/**
 * HAProxy in front of a peer's fleet. It finds the instances by the engine's DNS, which answers in the network namespace
 * of a container alone; so it runs in that of one that does nothing else.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { connectIn } from '../../src/router/haproxy/socket-in.ts'
import { parseServers } from '../../src/router/haproxy/worker-report.ts'
import { programPath } from '../../src/system/program-path.ts'
import { eventually } from '../../test/end-to-end/eventually.ts'
import type { Entrance } from './peer.ts'
import type { PeerEngine } from './peer-engine.ts'

const socketName = 'haproxy.sock'
const environment = { PATH: programPath() }
const patienceMs = 60_000

export class Balancer {
  readonly entrance: Entrance
  readonly #folder: string
  readonly #haproxy: ChildProcess

  /** In front of the instances that `name` stands for in `network`. */
  static async start(engine: PeerEngine, network: string, name: string): Promise<Balancer> {
    const folder = join(engine.folder, 'balancer')
    await mkdir(folder)
    await writeFile(join(folder, 'haproxy.cfg'), config(name))
    await promisify(execFile)('haproxy', ['-c', '-f', 'haproxy.cfg'], { cwd: folder, env: environment })
    return new Balancer(folder, await holdNamespace(engine, network))
  }

  private constructor(folder: string, namespace: string) {
    this.entrance = { url: 'http://127.0.0.1:8080/', namespace }
    this.#folder = folder
    this.#haproxy = spawn('nsenter', [`--net=${namespace}`, 'haproxy', '-db', '-f', join(folder, 'haproxy.cfg')], {
      cwd: folder,
      env: environment,
      stdio: 'ignore',
    })
  }

  /** Resolves once requests can go to `count` instances, and no others. */
  async serving(count: number): Promise<void> {
    await eventually(`HAProxy has ${count} usable servers`, async () => (await this.#usable()) === count, patienceMs)
  }

  async close(): Promise<void> {
    if (this.#haproxy.exitCode !== null || this.#haproxy.signalCode !== null) return
    this.#haproxy.kill('SIGKILL')
    await once(this.#haproxy, 'exit')
  }

  async #usable(): Promise<number> {
    const socket = await connectIn(this.#folder, socketName)
    if (socket === undefined) return 0
    socket.end('show servers state\n')
    return parseServers(await text(socket)).filter(({ admin, up }) => admin === 'ready' && up).length
  }
}

/** The file of the network namespace of a container that only waits. */
async function holdNamespace({ api, image }: PeerEngine, network: string): Promise<string> {
  const { Id } = await api.call<{ Id: string }>('POST', '/containers/create?name=balancer', {
    Image: image,
    Entrypoint: ['/bin/busybox', 'sleep', '2147483647'],
    HostConfig: { NetworkMode: network },
  })
  await api.call('POST', `/containers/${Id}/start`)
  return `/proc/${await api.firstProcess(Id)}/ns/net`
}

/**
 * What Repave's own has too, as far as it is not about how it changes servers. With no usable server a request is
 * refused at once. There are slots for two fleets of 30.
 */
function config(name: string): string {
  return `
global
  maxconn 4000
  stats socket unix@${socketName} mode 600
resolvers engine
  nameserver embedded 127.0.0.11:53
  accepted_payload_size 8192
  timeout resolve 100ms
  timeout retry 100ms
  hold valid 100ms
  hold obsolete 0s
defaults
  mode http
  balance leastconn
  option http-server-close
  option http-pretend-keepalive
  timeout connect 200ms
  timeout client 60s
  timeout http-request 10s
  timeout queue 6s
  timeout server 300s
listen web
  bind 127.0.0.1:8080
  option httpchk GET /healthz
  option redispatch 1
  retries 30
  retry-on conn-failure empty-response junk-response
  server-template web 64 ${name}:8080 resolvers engine init-addr none check inter 500ms fastinter 100ms fall 2 rise 1 observe layer4 error-limit 1 on-error mark-down
`
}
