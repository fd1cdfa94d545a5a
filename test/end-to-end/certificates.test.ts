/** Certificates that are renewed, go missing or are no good, while other environments share the router. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { rename } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { get as getOverTls } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { openScene } from './open-scene.ts'
import { kill } from './processes.ts'
import type { Scene } from './scene.ts'

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']

test('a renewed certificate is served soon, and no request is lost', async () => {
  const scene = await openScene()
  await declare(scene, await freePort())
  await makePair(scene, curve)
  await scene.succeed('up', '--env', 'production')
  const [before, instances] = [await presented(scene.port), await scene.instanceIds()]

  await makePair(scene, curve)
  const deadline = Date.now() + 30_000
  while ((await presented(scene.port)) === before && Date.now() < deadline) await delay(20)
  expect(await presented(scene.port)).not.toBe(before)
  expect(await scene.instanceIds()).toEqual(instances)
  expect(await scene.succeed('up', '--env', 'production')).toMatchObject({ changed: false })
})

test('a key that is gone keeps neither its own environment nor another from serving', async () => {
  const scene = await openScene()
  const other = await freePort()
  await declare(scene, other)
  await makePair(scene, curve)
  await scene.succeed('up', '--env', 'production')
  const before = await presented(scene.port)
  await rename(join(scene.folder, 'shop.key'), join(scene.folder, 'away.key'))
  expect(await scene.succeed('up', '--env', 'staging')).toMatchObject({ ok: true })

  for (const { pid } of scene.routerProcesses()) kill(pid)
  await eventually('both serve again', async () => {
    const answers = await Promise.all([presented(scene.port), isAnswered(other)].map((each) => each.catch(() => false)))
    return answers[0] === before && answers[1] === true
  })
  const { output } = await scene.repave('status', '--env', 'production')
  expect(output).toContain('shop.key')
})

test('a certificate that the router finds too weak is refused at its line, and nothing is made', async () => {
  const scene = await openScene()
  await declare(scene, await freePort())
  await makePair(scene, ['-newkey', 'rsa:1024'])
  for (const command of ['plan', 'up']) {
    const ended = await scene.repave(command, '--env', 'production')
    expect(ended).toMatchObject({
      exitCode: 2,
      lines: expect.arrayContaining([
        expect.objectContaining({ code: 'CERTIFICATE_INVALID', line: expect.any(Number) }),
      ]),
    })
  }
  expect(await scene.instances()).toEqual([])
})

/** `production` with TLS, `staging` beside it without. */
async function declare(scene: Scene, stagingPort: number): Promise<void> {
  const tls = { certificate: './shop.pem', key: './shop.key' }
  await scene.write(
    stringify({
      stack: scene.stack,
      services: { web: scene.service({ replicas: 2 }) },
      environments: {
        production: { services: { web: { route: { listen: `127.0.0.1:${scene.port}`, tls } } } },
        staging: { services: { web: { route: { listen: `127.0.0.1:${stagingPort}` } } } },
      },
    }),
  )
}

async function makePair({ folder }: Scene, key: readonly string[]): Promise<void> {
  const files = ['-keyout', join(folder, 'shop.key'), '-out', join(folder, 'shop.pem')]
  await promisify(execFile)('openssl', ['req', '-x509', '-nodes', '-days', '1', '-subj', '/CN=shop', ...key, ...files])
}

/** The fingerprint of the certificate that answers; fails unless an instance does, too. */
async function presented(port: number): Promise<string> {
  const request = getOverTls({ host: '127.0.0.1', port, agent: false, rejectUnauthorized: false })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  if (!(response.socket instanceof TLSSocket)) throw new Error('not over TLS')
  const { fingerprint256 } = response.socket.getPeerCertificate()
  expect([response.statusCode, await text(response)]).toEqual([200, expect.stringMatching(/^first from /)])
  return fingerprint256
}

async function isAnswered(port: number): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).ok
}
