/** An instance that is about to be touched, and the hands of somebody on its machine. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { groupFolders } from '../../src/sensor/linux/control-groups.ts'
import { readMounts } from '../../src/system/mountinfo.ts'
import { run } from '../contract/sensor-fixture.ts'
import type { EngineApi } from './engine-api.ts'

export interface Target {
  readonly engine: EngineApi
  /** Of the instance, and of its container. */
  readonly name: string
  readonly id: string
  /** Its first process, in the host's numbering. */
  readonly pid: number
  /** The container that holds its network. */
  readonly sandbox: string
  /** On the host: what it sees as its root, what was written there, and its image. */
  readonly merged: string
  readonly upper: string
  readonly lower: string
  readonly logFile: string
}

export async function targetOf(engine: EngineApi, name: string): Promise<Target> {
  const { Id: id, State, HostConfig, GraphDriver, LogPath } = await engine.inspect(name)
  const folders = GraphDriver.Data as unknown as Readonly<Record<string, string>>
  return {
    engine,
    name,
    id,
    pid: State.Pid,
    sandbox: (HostConfig.NetworkMode ?? '').replace(/^container:/, ''),
    merged: folders['MergedDir'] ?? '',
    upper: folders['UpperDir'] ?? '',
    // Below the layer that the engine writes for each container.
    lower: folders['LowerDir']?.split(':')[1] ?? '',
    logFile: LogPath,
  }
}

/** Runs a program on the host that has to succeed; its output. */
export async function host(program: string, ...parameters: readonly string[]): Promise<string> {
  const { code, output } = await run(program, ...parameters)
  if (code !== 0) throw new Error(`${program} ${parameters.join(' ').slice(0, 80)}… ended with ${code}: ${output}`)
  return output
}

/** Runs a program on the host that may well be refused. */
export async function attempt(program: string, ...parameters: readonly string[]): Promise<void> {
  await run(program, ...parameters)
}

/** In the shell of the host, with `$PID`. */
export function shell({ pid }: Target, script: string): Promise<string> {
  return host('sh', '-c', script.replaceAll('$PID', String(pid)))
}

/** The file of a control group of the target's, by its name in either version of cgroups(7). */
export function groupFile({ pid, id }: Target, first: readonly [controller: string, file: string], second: string) {
  const folders = groupFolders(read(pid, 'cgroup'), readMounts(read('self', 'mountinfo')), id)
  const [controller, file] = first
  const own = folders.find((folder) => folder.split('/')[4]?.split(',').includes(controller))
  return own === undefined ? join(folders[0] ?? '', second) : join(own, file)
}

function read(process: number | 'self', file: string): string {
  return readFileSync(`/proc/${process}/${file}`, 'utf8')
}

/** The first process and all that descend from it. */
export function processesIn(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  return [pid, ...children.flatMap(processesIn)]
}
