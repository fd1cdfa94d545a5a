/** A real Prometheus, as setup/setup.sh unpacks it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { TemporaryFolder } from '../../src/system/temporary-folder.ts'
import { freePort } from '../end-to-end/free-port.ts'

const unpacked = resolve(import.meta.dirname, '../../node_modules/.cache/prometheus')
const program = existsSync(unpacked) ? unpacked : 'prometheus'

export interface Prometheus {
  readonly address: string
  readonly stop: () => Promise<void>
}

export interface PrometheusOptions {
  readonly options?: readonly string[]
  /** prometheus.yml; absent: it watches nothing. */
  readonly config?: string
}

/** Resolves once it answers. */
export async function startPrometheus(
  folder: TemporaryFolder,
  name: string,
  { options = [], config = 'scrape_configs: []\n' }: PrometheusOptions = {},
): Promise<Prometheus> {
  const file = await folder.write(`${name}.yml`, config)
  const address = `127.0.0.1:${await freePort()}`
  const places = [`--config.file=${file}`, `--storage.tsdb.path=${join(folder.path, name)}`]
  const started = spawn(program, [...places, `--web.listen-address=${address}`, ...options], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await once(started, 'spawn')
  await ready(started)
  return { address, stop: () => stop(started) }
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

async function stop(started: ChildProcess): Promise<void> {
  if (started.exitCode !== null) return
  started.kill()
  await once(started, 'exit')
}
