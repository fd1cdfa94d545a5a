/** What the queries of the running rollouts' verdicts give, asked again and again while a stage is held. */
import { asRepaveError } from '../errors.ts'
import { type FleetKey, fleetName, type PrometheusGate } from '../model/stack.ts'
import { gateVerdict, type GateVerdict } from '../rollout/gate-verdict.ts'
import type { Seams } from './seams.ts'

const askMs = 5_000

/** What is to be asked for a rollout, in the stage that is held now. */
export interface GateWatch {
  readonly key: FleetKey
  readonly rollout: number
  readonly stage: number
  readonly gates: readonly PrometheusGate[]
}

interface Asked {
  readonly watch: GateWatch
  readonly stop: AbortController
  /** The newest of each gate, in their order; undefined before its first answer. */
  readonly verdicts: (GateVerdict | undefined)[]
}

export class Gates {
  readonly #seams: Pick<Seams, 'gate' | 'clock'>
  readonly #onAnswer: () => void
  readonly #asked = new Map<string, Asked>()

  constructor(seams: Pick<Seams, 'gate' | 'clock'>, onAnswer: () => void) {
    this.#seams = seams
    this.#onAnswer = onAnswer
  }

  /** Asks for exactly these from now on. */
  follow(watches: readonly GateWatch[]): void {
    const wanted = new Map(watches.map((watch) => [watchName(watch), watch]))
    for (const [name, { stop }] of this.#asked) if (!wanted.has(name)) this.#forget(name, stop)
    for (const [name, watch] of wanted) if (!this.#asked.has(name)) this.#begin(name, watch)
  }

  /** In words, the first that is out of its limits, or else the first that has no number within them yet. */
  finding(key: FleetKey): { readonly worse?: string; readonly unknown?: string } {
    const asked = this.#asked.values().find(({ watch }) => fleetName(watch.key) === fleetName(key))
    if (!asked) return {}
    const worse = asked.verdicts.find((verdict) => verdict?.kind === 'worse')
    if (worse?.kind === 'worse') return { worse: worse.reason }
    const open = asked.verdicts.findIndex((verdict) => verdict?.kind !== 'fine')
    if (open === -1) return {}
    const verdict = asked.verdicts[open]
    const name = asked.watch.gates[open]?.name ?? ''
    return { unknown: verdict?.kind === 'insufficient' ? verdict.reason : `${name}: it was not answered yet` }
  }

  stop(): void {
    this.follow([])
  }

  #forget(name: string, stop: AbortController): void {
    stop.abort()
    this.#asked.delete(name)
  }

  #begin(name: string, watch: GateWatch): void {
    const asked: Asked = { watch, stop: new AbortController(), verdicts: watch.gates.map(() => undefined) }
    this.#asked.set(name, asked)
    for (const index of watch.gates.keys()) void this.#ask(asked, index)
  }

  async #ask({ watch, stop: { signal }, verdicts }: Asked, index: number): Promise<void> {
    const gate = watch.gates[index]!
    while (!signal.aborted) {
      const answer = await this.#seams.gate
        .measure(gate, signal)
        .then((value) => gateVerdict(gate, value))
        .catch((error: unknown): GateVerdict => {
          return { kind: 'insufficient', reason: `${gate.name}: ${asRepaveError(error).message}` }
        })
      if (signal.aborted) return
      verdicts[index] = answer
      this.#onAnswer()
      await this.#seams.clock.sleep(askMs, signal).catch(() => {})
    }
  }
}

function watchName({ key, rollout, stage }: GateWatch): string {
  return `${fleetName(key)}/${rollout}/${stage}`
}
