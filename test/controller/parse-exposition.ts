/** The text form of Prometheus, read strictly: prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4. */

export interface ParsedSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface ParsedFamily {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly samples: readonly ParsedSample[]
}

/** Throws for whatever is not as it should be. */
export function parseExposition(text: string): ReadonlyMap<string, ParsedFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const families = new Map<string, ParsedFamily & { samples: ParsedSample[] }>()
  const seen = new Set<string>()
  let help: { name: string; help: string } | undefined
  let family: (ParsedFamily & { samples: ParsedSample[] }) | undefined
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [, helped, words] = /^# HELP ([a-z_]+) (\S.*)$/.exec(line) ?? []
    const [, typed, type] = /^# TYPE ([a-z_]+) (gauge|counter|histogram)$/.exec(line) ?? []
    if (helped !== undefined && words !== undefined) help = { name: helped, help: words }
    else if (typed !== undefined && type !== undefined) {
      if (help?.name !== typed) throw new Error(`${typed} has no HELP right before its TYPE`)
      if (families.has(typed)) throw new Error(`${typed} is there twice`)
      family = { ...help, type, samples: [] }
      families.set(typed, family)
    } else {
      const sample = parseSample(line)
      if (!family || !belongs(sample.name, family)) throw new Error(`a sample without its family: ${line}`)
      const key = line.slice(0, line.lastIndexOf(' '))
      if (seen.has(key)) throw new Error(`twice: ${key}`)
      seen.add(key)
      family.samples.push(sample)
    }
  }
  for (const each of families.values()) assertNamed(each)
  return families
}

function parseSample(line: string): ParsedSample {
  const [, name, labels = '', value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
  if (name === undefined || value === undefined) throw new Error(`no sample: ${line}`)
  const pairs = [...labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\["\\n])*)"(?:,|$)/g)]
  if (pairs.map(([whole]) => whole).join('') !== labels) throw new Error(`labels that are none: ${line}`)
  const number = value === '+Inf' ? Infinity : value === '-Inf' ? -Infinity : Number(value)
  if (Number.isNaN(number)) throw new Error(`no number: ${line}`)
  return { name, labels: Object.fromEntries(pairs.map(([, key, text]) => [key, text])), value: number }
}

function belongs(name: string, { name: family, type }: ParsedFamily): boolean {
  if (type !== 'histogram') return name === family
  return ['_bucket', '_sum', '_count'].some((suffix) => name === family + suffix)
}

/** By the conventions: prometheus.io/docs/practices/naming. */
function assertNamed({ name, type, samples }: ParsedFamily): void {
  if (!name.startsWith('repave_')) throw new Error(`${name} has another prefix`)
  if (name.endsWith('_total') !== (type === 'counter')) throw new Error(`${name} is a ${type}`)
  if (/_(?:ms|milliseconds|minutes|percent|kib|mib)(?:_|$)/.test(name)) throw new Error(`${name} is in no base unit`)
  if (type === 'counter' && samples.some(({ value }) => value < 0)) throw new Error(`${name} is negative`)
  if (type !== 'histogram') return
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`)
  for (const [until, group] of Map.groupBy(buckets, ({ labels: { le: _le, ...rest } }) => JSON.stringify(rest))) {
    const bounds = group.map(({ labels }) => (labels['le'] === '+Inf' ? Infinity : Number(labels['le'])))
    const isAscending = bounds.every((bound, index) => index === 0 || bound > bounds[index - 1]!)
    const isCumulative = group.every(({ value }, index) => index === 0 || value >= group[index - 1]!.value)
    if (!isAscending || !isCumulative || bounds.at(-1) !== Infinity) throw new Error(`${name} ${until} is no histogram`)
  }
}
