/** Sees changes of an instance's mounts: the kernel tells whoever polls its table of them. */
import { closeSync, openSync } from 'node:fs'
import type { Sense } from '../../model/touch.ts'
import { unseen } from '../no-sensor.ts'
import { describeMountChange, mountAt, readMounts } from '../../system/mountinfo.ts'
import { readProc } from '../../system/process-files.ts'
import type { Telling } from './telling.ts'
import { sense, type Descriptor, type Failure, type Watch } from './watch.ts'
import type { Watched } from './watched.ts'

export class MountWatch implements Watch {
  readonly #telling: Telling
  readonly #failure: Failure | undefined
  readonly #tables = new Map<Watched, number>()

  constructor(telling: Telling) {
    this.#telling = telling
    this.#failure = readProc(process.pid, 'mountinfo') === undefined ? { call: '/proc', errno: 'ENOENT' } : undefined
  }

  senses(): readonly Sense[] {
    return [sense('mounts', this.#failure, 'any change of its mounts', unseen.mounts)]
  }

  descriptors(): readonly Descriptor[] {
    return [...this.#tables].map(([watched, descriptor]) => ({
      descriptor,
      waitFor: 'changed',
      handle: () => this.#compare(watched),
    }))
  }

  /** An open table holds its mounts: it is closed as soon as the instance ends, so that the engine can take them away. */
  follow(watched: Watched): void {
    try {
      this.#tables.set(watched, openSync(`/proc/${watched.subject.pid}/mountinfo`, 'r'))
    } catch {
      return
    }
    const root = mountAt(watched.mounts, '/')
    if (watched.subject.isRootWritable !== true && root?.options.includes('ro') === false)
      this.#tell(watched, 'its root is writable')
    this.#compare(watched)
  }

  unfollow(watched: Watched): void {
    const table = this.#tables.get(watched)
    if (table !== undefined) closeSync(table)
    this.#tables.delete(watched)
  }

  close(): void {
    for (const table of this.#tables.values()) closeSync(table)
  }

  #compare(watched: Watched): void {
    const text = readProc(watched.subject.pid, 'mountinfo')
    const change = text === undefined || text === '' ? undefined : describeMountChange(watched.mounts, readMounts(text))
    if (change !== undefined) this.#tell(watched, change)
  }

  #tell(watched: Watched, detail: string): void {
    this.#telling.tell(watched, { kind: 'mount', layer: 'mounts', detail })
  }
}
