/** What Prometheus answered, which may be anything. */
import { z } from 'zod'

export type Reading =
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'fault'; readonly fault: string; readonly hint: string }

const sample = z.tuple([z.number(), z.string().regex(/^(NaN|[+-]?(Inf|\d[\d.]*(e[+-]?\d+)?))$/)])
const successAnswer = z.object({
  status: z.literal('success'),
  data: z.discriminatedUnion('resultType', [
    z.object({ resultType: z.literal('vector'), result: z.array(z.object({ value: sample.optional() })) }),
    z.object({ resultType: z.literal('scalar'), result: sample }),
    z.object({ resultType: z.enum(['matrix', 'string']) }),
  ]),
})
const errorAnswer = z.object({ error: z.string() })

/** The number that a query gave; not a number where there are no data. */
export function numberOf(text: string): Reading {
  const parsed = successAnswer.safeParse(parseJson(text))
  if (!parsed.success)
    return fault('answers otherwise than Prometheus does', 'look whether its address is that of a Prometheus')
  const { data } = parsed.data
  if (data.resultType === 'scalar') return { kind: 'number', number: toNumber(data.result[1]) }
  if (data.resultType === 'vector') return only(data.result)
  return fault(`answers with a ${data.resultType}`, 'write a query that gives one number now, such as a rate()')
}

function only(series: readonly { value?: z.infer<typeof sample> | undefined }[]): Reading {
  const [first, second] = series
  if (!first) return { kind: 'number', number: NaN }
  if (second) return fault(`answers with ${series.length} series`, 'make one of them: with sum(), max() or by a label')
  if (!first.value) return fault('answers with a histogram', 'take a number of it: with histogram_quantile()')
  return { kind: 'number', number: toNumber(first.value[1]) }
}

/** What it says about a failure, in one bounded line that can't steer a terminal. */
export function wordsOf(text: string): string {
  const parsed = errorAnswer.safeParse(parseJson(text))
  if (!parsed.success) return 'it gives no reason'
  return parsed.data.error.replaceAll(/\p{C}+/gu, ' ').slice(0, 300)
}

function toNumber(value: string): number {
  return Number(value.replace('Inf', 'Infinity'))
}

function fault(words: string, hint: string): Reading {
  return { kind: 'fault', fault: words, hint }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
