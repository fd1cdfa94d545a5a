/** Tells touches, each kind of an instance once in a while: the first is what counts. */
import type { Touch, TouchKind } from '../../model/touch.ts'
import type { SensedTouch, SensorLayer } from '../sensor.ts'
import { describeProcess } from './process-table.ts'
import { isRunning, type Watched } from './watched.ts'

export interface Finding {
  readonly kind: TouchKind
  readonly layer: SensorLayer
  readonly detail: string
  readonly isRefused?: true
  /** Who did it, where that is known. */
  readonly pid?: number
}

const againAfterMs = 60_000

export class Telling {
  readonly #toldAtMs = new Map<Watched, Map<TouchKind, number>>()
  readonly #listener: (sensed: SensedTouch) => void

  constructor(listener: (sensed: SensedTouch) => void) {
    this.#listener = listener
  }

  tell(watched: Watched, finding: Finding): void {
    const nowMs = Date.now()
    if (watched.subject.isOpen === true || this.#wasTold(watched, finding.kind, nowMs) || !isRunning(watched)) return
    this.#toldAtMs.set(watched, (this.#toldAtMs.get(watched) ?? new Map<TouchKind, number>()).set(finding.kind, nowMs))
    this.#listener({ instance: watched.subject.instance, touch: toTouch(finding, nowMs) })
  }

  forget(watched: Watched): void {
    this.#toldAtMs.delete(watched)
  }

  #wasTold(watched: Watched, kind: TouchKind, nowMs: number): boolean {
    const toldAtMs = this.#toldAtMs.get(watched)?.get(kind)
    return toldAtMs !== undefined && nowMs - toldAtMs < againAfterMs
  }
}

function toTouch({ kind, layer, detail, isRefused, pid }: Finding, atMs: number): Touch {
  const by = pid === undefined ? undefined : describeProcess(pid)
  const who = by === undefined ? '' : ` by pid ${by.pid}${by.executable === undefined ? '' : ` (${by.executable})`}`
  return { kind, layer, atMs, detail: `${detail}${who}`, ...(isRefused && { isRefused }), ...(by && { by }) }
}
