/** Runs the load generator in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { defaultPlan, type LoadPlan } from './generate.ts'
import type { LoadReport } from './tally.ts'

type Line = { readonly kind: 'answering' } | { readonly kind: 'report'; readonly report: LoadReport }

export interface RunningLoad {
  /** Ends the load, waits for outstanding answers and returns what was seen. */
  stop(): Promise<LoadReport>
  /** Ends the process; for clean-up. */
  kill(): void
}

/** Resolves once the first answer has come. `namespace`: the file of the network namespace that the load comes from. */
export async function startLoad(
  plan: Partial<LoadPlan> & Pick<LoadPlan, 'url'>,
  namespace?: string,
): Promise<RunningLoad> {
  const generator = [process.execPath, join(import.meta.dirname, 'main.ts'), ...options({ ...defaultPlan, ...plan })]
  const [program = '', ...parameters] =
    namespace === undefined ? generator : ['nsenter', `--net=${namespace}`, ...generator]
  const child = spawn(program, parameters, {
    // The channel ends this process when its parent dies.
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const answering = Promise.withResolvers<void>()
  const reported = Promise.withResolvers<LoadReport>()
  reported.promise.catch(() => {})
  readLines(child, (line) => (line.kind === 'report' ? reported.resolve(line.report) : answering.resolve()))
  // Not `exit`, which may come before the last line has been read.
  void once(child, 'close').then(() => {
    const ended = new Error(`the load on ${plan.url} ended without a report`)
    answering.reject(ended)
    reported.reject(ended)
  })
  await answering.promise
  const stop = (): Promise<LoadReport> => {
    child.kill('SIGTERM')
    return reported.promise
  }
  return { stop, kill: () => child.kill('SIGKILL') }
}

function options(plan: LoadPlan): readonly string[] {
  const flags: [string, string][] = [
    ['--url', plan.url],
    ['--rate', String(plan.ratePerSecond)],
    ['--timeout-ms', String(plan.timeoutMs)],
  ]
  for (const method of plan.methods) flags.push(['--method', method])
  if (plan.host !== undefined) flags.push(['--host', plan.host])
  const switches = [plan.connections === 'new' ? '--new-connections' : '', plan.traced ? '--traced' : '']
  return [...flags.flat(), ...switches.filter(Boolean)]
}

function readLines(child: ChildProcess, onLine: (line: Line) => void): void {
  if (!child.stdout) throw new Error('the load process has no output')
  createInterface({ input: child.stdout }).on('line', (text) => onLine(JSON.parse(text) as Line))
}
