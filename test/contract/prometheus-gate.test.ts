/** The gate contract on a real Prometheus that watches nothing, over HTTP and HTTPS: see setup/setup.sh. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gateContract } from '../../src/gate/gate-contract.ts'
import { PrometheusGate } from '../../src/gate/prometheus/prometheus-gate.ts'
import { type TemporaryFolder, temporaryFolder } from '../../src/system/temporary-folder.ts'
import { freePort } from '../end-to-end/free-port.ts'
import { type Prometheus, startPrometheus } from './prometheus-process.ts'

const trusted = getCACertificates('default')

let folder: TemporaryFolder
let plain: Prometheus
let secure: Prometheus

beforeAll(async () => {
  folder = await temporaryFolder()
  const config = await makeCertificate(folder)
  plain = await startPrometheus(folder, 'plain')
  secure = await startPrometheus(folder, 'secure', { options: [`--web.config.file=${config}`] })
})
afterAll(async () => {
  setDefaultCACertificates(trusted)
  for (const started of [plain, secure]) await started?.stop()
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
