/** What every gate must do; run against each implementation, with queries of PromQL. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Gate } from './gate.ts'

const twoSeries = 'label_replace(vector(1), "n", "1", "", "") or label_replace(vector(2), "n", "2", "", "")'
const never = new AbortController().signal
const failsWith = (code: string) => expect.objectContaining({ code })

/** What each query of the suite gives. */
export const contractAnswers: Readonly<Record<string, number | 'none' | 'refused'>> = {
  'vector(3)': 3,
  'scalar(vector(0.25))': 0.25,
  '-1e-7': -1e-7,
  'vector(1) / 0': Infinity,
  'vector(-1) / 0': -Infinity,
  'absent(vector(1))': 'none',
  '0 / 0': 'none',
  'sum(': 'refused',
  'vector(1)[5m:1m]': 'refused',
  '"text"': 'refused',
  [twoSeries]: 'refused',
}

/** `deadUrl`: nothing listens there. */
export function gateContract(
  name: string,
  setup: () => Promise<{ readonly gate: Gate; readonly url: string; readonly deadUrl: string }>,
): void {
  describe(`the gate contract on ${name}`, () => {
    let scene: Awaited<ReturnType<typeof setup>>
    const measure = (query: string, url = scene.url, signal = never) => scene.gate.measure({ url, query }, signal)
    beforeAll(async () => {
      scene = await setup()
    })

    test.each(Object.entries(contractAnswers))('%s is %s', async (query, answer) => {
      if (answer === 'refused') await expect(measure(query)).rejects.toThrow(failsWith('GATE_FAILED'))
      else expect(await measure(query)).toBe(answer === 'none' ? undefined : answer)
    })

    test('a system that is away may answer later', async () => {
      await expect(measure('vector(3)', scene.deadUrl)).rejects.toThrow(failsWith('GATE_UNREACHABLE'))
    })

    test('who no longer wants the number does not get it', async () => {
      const signal = AbortSignal.abort(new Error('changed my mind'))
      await expect(measure('vector(3)', scene.url, signal)).rejects.toThrow('changed my mind')
    })
  })
}
