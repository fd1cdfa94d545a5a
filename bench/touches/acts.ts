/** What somebody does to an instance past Repave, and when it took effect. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Scene } from '../../test/end-to-end/scene.ts'

/** A container that is touched, with all that an act needs to know of it, looked up before. */
export interface Victim {
  readonly name: string
  readonly id: string
  readonly pid: number
  /** On the host: what it sees as its root. */
  readonly root: string
}

export interface Act {
  readonly what: string
  /** Resolves once whatever does it has ended. */
  readonly touch: (scene: Scene, victim: Victim) => Promise<unknown>
}

const limit = (id: string) => `/sys/fs/cgroup/pids/docker/${id}/pids.max`

export const acts: readonly Act[] = [
  {
    what: 'an exec, made through the engine',
    touch: ({ engine }, { id }) => engine.call('POST', `/containers/${id}/exec`, { Cmd: ['/bin/true'] }),
  },
  {
    what: 'a write to its memory',
    touch: async (_scene, { pid }) => writeFileSync(`/proc/${pid}/root/tmp/touched`, 'x'),
  },
  { what: 'a write to its root', touch: async (_scene, { root }) => writeFileSync(join(root, 'touched'), 'x') },
  { what: 'another limit', touch: async (_scene, { id }) => writeFileSync(limit(id), '1000') },
  {
    what: "a program of the host's in its network",
    touch: (_scene, { pid }) => run('nsenter', '-t', `${pid}`, '-n', 'sleep', '0.2'),
  },
  { what: 'a pause, through the engine', touch: ({ engine }, { id }) => engine.pause(id) },
]

export async function victimOf({ engine }: Scene, name: string): Promise<Victim> {
  const { Id: id, State, GraphDriver } = await engine.inspect(name)
  const { MergedDir: root = '' } = GraphDriver.Data as unknown as Readonly<Record<string, string>>
  return { name, id, pid: State.Pid, root }
}

/** It may be ended as the instance that it is in is. */
function run(program: string, ...parameters: readonly string[]): Promise<void> {
  return new Promise((resolve) => execFile(program, parameters, () => resolve()))
}
