import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, onTestFinished, test } from 'vitest'
import { defaultSocketPath, DockerClient } from './docker-client.ts'
import { createDockerEngine } from './docker-engine.ts'

const modern = { Version: '20.10.24', ApiVersion: '1.41', MinAPIVersion: '1.12', Arch: 'amd64' }

describe('the engine that answers', () => {
  test('is spoken to in the version of the API that the driver was written for', async () => {
    const { client, paths } = await serve({ '/version': { ...modern, ApiVersion: '1.51', MinAPIVersion: '1.24' } })
    await client.call('listNetworks')
    expect(paths).toEqual(['GET /version', 'GET /v1.41/networks'])
  })

  test('is spoken to in its own oldest version where that is newer', async () => {
    const { client, paths } = await serve({ '/version': { ...modern, ApiVersion: '1.52', MinAPIVersion: '1.44' } })
    await client.call('listNetworks')
    expect(paths.at(-1)).toBe('GET /v1.44/networks')
  })

  test('may be too old', async () => {
    const { client } = await serve({ '/version': { ...modern, Version: '19.03.15', ApiVersion: '1.40' } })
    await expect(client.version()).rejects.toMatchObject({ code: 'ENGINE_TOO_OLD' })
  })

  test('may be something else', async () => {
    const { client } = await serve({ '/version': 'hello' })
    await expect(client.version()).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
  })

  test('may answer with another shape than it should', async () => {
    const { socketPath } = await serve({ '/v1.41/containers/json': [{ Id: 7 }], '/v1.41/networks': [] })
    const engine = createDockerEngine({ owner: 'test', socketPath })
    await expect(engine.observe()).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
  })

  test.each([
    { stays: false, strangers: [] },
    { stays: true, strangers: ['visitor'] },
  ])('may list $strangers.length of what was in a network a moment ago', async ({ stays, strangers }) => {
    const network = { Id: 'n1', Name: 'repave-shop-default', Driver: 'bridge' }
    const visitor = { Containers: { c1: { Name: 'visitor' } } }
    let looks = 0
    const { socketPath } = await serve({ '/v1.41/networks': [network] }, (request, response) => {
      const isNetwork = request.url?.endsWith('/networks/n1')
      const inside = isNetwork && (looks++ === 0 || stays) ? visitor : {}
      response.end(JSON.stringify(isNetwork ? { ...network, ...inside } : []))
    })
    const engine = createDockerEngine({ owner: 'test', socketPath })
    const { foreign } = await engine.survey({ stack: 'shop', environment: 'default' })
    expect(foreign.map(({ name }) => name)).toEqual(strangers)
    expect(looks).toBe(2)
  })

  test('may hang up', async () => {
    const { client } = await serve({}, (request, response) => {
      if (request.url?.includes('networks')) response.destroy()
    })
    await expect(client.call('listNetworks')).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' })
  })

  test('may hang up in the middle of a build', async () => {
    const { socketPath } = await serve({}, (request, response) => {
      if (request.url?.includes('build')) response.write('{"stream":"Step 1"}\n', () => response.destroy())
    })
    const engine = createDockerEngine({ owner: 'test', socketPath })
    const context = Readable.from([Buffer.alloc(1024)])
    await expect(
      engine.prepare({ kind: 'build', context, dockerfile: 'Dockerfile', arguments: {}, tag: 'a:1' }),
    ).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' })
  })

  test('may fail with words of its own', async () => {
    const { client } = await serve({}, (request, response) => {
      if (request.url?.includes('networks')) response.writeHead(500).end('{"message":"no more addresses"}')
    })
    await expect(client.call('listNetworks')).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: 'the Docker engine failed to list networks: no more addresses (status 500)',
    })
  })

  test('may fail because its disk is full', async () => {
    // There is never room on /proc.
    const { client } = await serve({ '/v1.41/info': { DockerRootDir: '/proc' } }, (request, response) => {
      if (request.url?.includes('networks')) response.writeHead(500).end('{"message":"cannot write"}')
    })
    await expect(client.call('listNetworks')).rejects.toMatchObject({ code: 'DISK_FULL' })
  })
})

describe('without an engine', () => {
  test('the socket is missing', async () => {
    const client = new DockerClient('/nonexistent/docker.sock')
    await expect(client.version()).rejects.toMatchObject({ code: 'ENGINE_MISSING' })
  })

  test('the socket is there, and nobody listens', async () => {
    const socketPath = join(tmpdir(), `repave-test-${randomUUID()}.sock`)
    const listen = `require('node:net').createServer().listen('${socketPath}', () => process.kill(process.pid, 'SIGKILL'))`
    await once(spawn(process.execPath, ['-e', listen]), 'exit')
    onTestFinished(() => rm(socketPath))
    await expect(new DockerClient(socketPath).version()).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' })
  })

  test('only a unix socket can be named', () => {
    expect(defaultSocketPath({})).toBe('/var/run/docker.sock')
    expect(defaultSocketPath({ DOCKER_HOST: 'unix:///run/user/1000/docker.sock' })).toBe('/run/user/1000/docker.sock')
    expect(() => defaultSocketPath({ DOCKER_HOST: 'tcp://1.2.3.4:2375' })).toThrow('unix://')
  })
})

/** An engine that gives the answers listed, and otherwise does as `handle` says. */
async function serve(answers: Readonly<Record<string, unknown>>, handle: RequestListener = () => {}) {
  const socketPath = join(tmpdir(), `repave-test-${randomUUID()}.sock`)
  const paths: string[] = []
  const known: Readonly<Record<string, unknown>> = { '/version': modern, '/v1.41/info': {}, ...answers }
  const server = createServer((request, response) => {
    const path = request.url?.replace(/\?.*/, '') ?? ''
    paths.push(`${request.method} ${path}`)
    request.resume()
    if (path in known) response.end(JSON.stringify(known[path]))
    else if (handle.length > 0) handle(request, response)
    else response.end('[]')
  })
  server.listen(socketPath)
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { socketPath, paths, client: new DockerClient(socketPath) }
}
