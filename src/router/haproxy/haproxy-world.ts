/** For tests: a HAProxy in a temporary folder, and tiny servers behind it. Nothing of it outlives `close`. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Address } from '../../model/address.ts'
import { systemClock } from '../../system/clock.ts'
import type { Router } from '../router.ts'
import type { Answer, OpenRequest, RequestTarget, RouterWorld } from '../scene-contract.ts'
import { createHaproxyRouter } from './haproxy-router.ts'
import { haproxiesOf } from './proc.ts'

export interface HaproxyWorld extends RouterWorld {
  readonly folder: string
  readonly configFile: string
  /** Pids of this world's HAProxy processes. */
  processes(): Promise<readonly number[]>
  /** The server that answers as `instance`. */
  server(instance: string): Server
}

/** `subfolder` may be long: a socket's address has to fit all the same. */
export async function haproxyWorld(subfolder = 'haproxy'): Promise<HaproxyWorld> {
  const home = await mkdtemp(join(tmpdir(), 'repave-haproxy-'))
  const folder = join(home, subfolder)
  const configFile = join(folder, 'haproxy.cfg')
  const servers = new Map<string, Server>()
  const blockers: TcpServer[] = []
  const ports = await freePorts(2)
  const held = new HeldRequests()
  const another = (): Router => createHaproxyRouter({ folder })
  const router = another()
  const processes = () => haproxiesOf(configFile)
  const crash = async () => {
    for (const pid of await processes()) process.kill(pid, 'SIGKILL')
    await until(async () => (await processes()).length === 0)
  }
  return {
    folder,
    configFile,
    processes,
    router,
    another,
    crash,
    listens: [
      { address: '127.0.0.1', port: ports[0]! },
      { address: '127.0.0.1', port: ports[1]! },
    ],
    server: (instance) => servers.get(instance)!,
    serve: async (instance) => {
      const server = createServer((request, response) => held.receive(instance, request, response))
      servers.get(instance)?.close()
      servers.set(instance, server)
      return listening(server)
    },
    die: async (instance) => {
      const server = servers.get(instance)!
      server.close()
      server.closeAllConnections()
      await until(async () =>
        (await router.observe()).servers.some((each) => each.instance === instance && each.state === 'down'),
      )
    },
    request: (target) => send(target, 'GET', {}),
    open: (target) => held.open(target),
    occupy: async (port) => {
      const blocker = createTcpServer()
      blockers.push(blocker)
      await new Promise<void>((resolve) => {
        blocker.listen(port, '127.0.0.1', resolve)
      })
    },
    pass: async () => undefined,
    sighted: (events) => until(() => events.length > 0),
    close: async () => {
      await crash()
      for (const server of servers.values()) {
        server.close()
        server.closeAllConnections()
      }
      for (const blocker of blockers) blocker.close()
      await rm(home, { recursive: true })
    },
  }
}

/** Polls for a condition that another process brings about; fails with the test's own timeout. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await systemClock.sleep(5)
}

/** Ports of the loopback address that nothing listened on a moment ago. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createTcpServer())
  const addresses = await Promise.all(servers.map(listening))
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return addresses.map(({ port }) => port)
}

export function listening(server: TcpServer | Server): Promise<Address> {
  return new Promise((resolve, reject) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('not a TCP server'))
      else resolve({ host: '127.0.0.1', port: address.port })
    })
  })
}

/** Requests that stay with their instance until the test lets them go. */
class HeldRequests {
  readonly #received = new Map<string, (response: () => void) => void>()
  #count = 0

  receive(instance: string, request: IncomingMessage, response: ServerResponse): void {
    const answer = () => response.end(instance)
    response.statusCode = Number(request.headers['x-status'] ?? 200)
    const received = this.#received.get(String(request.headers['x-held']))
    request.resume().once('end', () => (received ? received(answer) : answer()))
  }

  async open(target: RequestTarget): Promise<OpenRequest> {
    const id = String(++this.#count)
    const { promise, resolve } = Promise.withResolvers<() => void>()
    this.#received.set(id, resolve)
    const answer = send(target, 'POST', { 'x-held': id }).catch(() => 'lost' as const)
    return { finish: await promise, answer }
  }
}

/** One request on a connection of its own; status 0 when nobody listens. */
function send(target: RequestTarget, method: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
  const { address, port } = target.listen
  return new Promise((resolve, reject) => {
    const options = { host: address, port, method, path: target.path, agent: false }
    const told = { ...headers, host: target.host, ...(target.status && { 'x-status': String(target.status) }) }
    const request = httpRequest({ ...options, headers: told }, (response) => {
      const status = response.statusCode ?? 0
      text(response).then((body) => resolve({ status, ...(status === 200 && { instance: body }) }), reject)
    })
    request.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNREFUSED' ? resolve({ status: 0 }) : reject(error),
    )
    request.end()
  })
}
