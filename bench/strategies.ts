/**
 * Repave's strategies beside Docker Swarm and docker-compose, in one run on one machine:
 * `npm run bench:strategies [-- --save] [--instances 3] [--rounds 3] [--only swarm]`. As root.
 *
 * Machines differ and are noisy: the ratios are what counts. `--save` keeps the result in docs/results.
 */
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { contenders } from './peers/contenders.ts'
import { measure, ratePerSecond, type MeasurePlan } from './peers/measure.ts'
import { requireCompose } from './peers/require-compose.ts'
import { type Row, table } from './peers/table.ts'
import { save } from './save.ts'

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      save: { type: 'boolean', default: false },
      instances: { type: 'string', multiple: true, default: ['3', '10', '30'] },
      rounds: { type: 'string', default: '3' },
      only: { type: 'string', default: '' },
    },
  })
  requireCompose()
  const rounds = Number(values.rounds)
  const signal = interruption()
  const parts = [preface(rounds)]
  console.log(parts[0])
  for (const instances of values.instances.map(Number)) {
    const part = table(instances, await measureAll({ instances, rounds, signal }, values.only))
    console.log(`\n${part}`)
    parts.push(part)
  }
  if (values.save) await save('strategies', parts.join('\n\n'))
}

async function measureAll(plan: MeasurePlan, only: string): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const { open, role } of contenders) {
    const peer = open()
    if (!peer.name.includes(only)) continue
    process.stderr.write(`${plan.instances} × ${peer.name}\n`)
    const measured = await measure(peer, plan).catch((error: unknown) => failure(error, plan.signal))
    rows.push({ name: peer.name, measured, ...(role && { role }) })
  }
  return rows
}

/** One peer that fails leaves the others their figures. */
function failure(error: unknown, { aborted }: AbortSignal): Error {
  if (aborted || !(error instanceof Error)) throw error
  process.exitCode = 1
  return error
}

/** Aborts when someone wants this to end. */
function interruption(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort())
  return controller.signal
}

function preface(rounds: number): string {
  const load = loadavg()[0]?.toFixed(1)
  return `Node.js ${process.version}, ${cpus().length} CPUs (${cpus()[0]?.model ?? 'unknown'}), load average before: ${load}
Under ${ratePerSecond} requests a second, each on a connection of its own. Medians of ${rounds} rounds; failed requests of all.

Asked by the API of each; compose, and where it says so, by the command, which ends when nothing of the old is left.

all new      until every instance of the new version has answered, and the peer has said that it is done
last old     until the last answer of the version before
p99          of the answers from then to when all are new and no old one answers any more
rolled back  until the version before answers, and the last answer of the one that is left
(times)      as long as "repave, rolling, maxSurge 100%", and as the way back of "repave, blueGreen"`
}

await main()
