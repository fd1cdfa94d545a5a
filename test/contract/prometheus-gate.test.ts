/** The gate contract on a real Prometheus that watches nothing, over HTTP and HTTPS: see setup/setup.sh. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gateContract } from '../../src/gate/gate-contract.ts'
import { PrometheusGate } from '../../src/gate/prometheus/prometheus-gate.ts'
import { type TemporaryFolder, temporaryFolder } from '../../src/system/temporary-folder.ts'
import { freePort } from '../end-to-end/free-port.ts'

const unpacked = resolve(import.meta.dirname, '../../node_modules/.cache/prometheus')
const program = existsSync(unpacked) ? unpacked : 'prometheus'
const trusted = getCACertificates('default')

let folder: TemporaryFolder
let plain: Prometheus
let secure: Prometheus

interface Prometheus {
  readonly address: string
  readonly process: ChildProcess
}

beforeAll(async () => {
  folder = await temporaryFolder()
  const config = await makeCertificate(folder)
  plain = await start('plain')
  secure = await start('secure', [`--web.config.file=${config}`])
})
afterAll(async () => {
  setDefaultCACertificates(trusted)
  for (const started of [plain, secure]) await stop(started)
  await folder?.[Symbol.asyncDispose]()
})

gateContract('Prometheus', async () => ({
  gate: new PrometheusGate(),
  url: `http://${plain.address}`,
  deadUrl: `http://127.0.0.1:${await freePort()}`,
}))

test('over HTTPS, it is asked only if its certificate is trusted', async () => {
  await expect(securely()).rejects.toThrow(expect.objectContaining({ code: 'GATE_UNREACHABLE' }))
  setDefaultCACertificates([...trusted, await readFile(join(folder.path, 'certificate.pem'), 'utf8')])
  expect(await securely()).toBe(3)
})

function securely(): Promise<number | undefined> {
  return new PrometheusGate().measure({ url: `https://${secure.address}`, query: '3' }, new AbortController().signal)
}

async function makeCertificate({ path }: TemporaryFolder): Promise<string> {
  const [certificate, key] = [join(path, 'certificate.pem'), join(path, 'key.pem')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-keyout', key, '-out', certificate]
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  await promisify(execFile)('openssl', ['req', '-x509', '-nodes', '-days', '1', ...curve, ...names])
  return folder.write('web.yml', `tls_server_config: { cert_file: ${certificate}, key_file: ${key} }\n`)
}

async function start(name: string, options: readonly string[] = []): Promise<Prometheus> {
  const config = await folder.write(`${name}.yml`, 'scrape_configs: []\n')
  const address = `127.0.0.1:${await freePort()}`
  const places = [`--config.file=${config}`, `--storage.tsdb.path=${join(folder.path, name)}`]
  const started = spawn(program, [...places, `--web.listen-address=${address}`, ...options], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await once(started, 'spawn')
  await ready(started)
  return { address, process: started }
}

async function ready(started: ChildProcess): Promise<void> {
  const lines: string[] = []
  for await (const line of createInterface(started.stderr!)) {
    if (line.includes('Server is ready to receive web requests')) {
      started.stderr!.resume()
      return
    }
    lines.push(line)
  }
  throw new Error(`Prometheus did not start:\n${lines.join('\n')}`)
}

async function stop(started: Prometheus | undefined): Promise<void> {
  if (started?.process.exitCode !== null) return
  started.process.kill()
  await once(started.process, 'exit')
}
