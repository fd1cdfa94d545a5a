/** Reads the host's packet filter, where the engine's bridges are on this machine and root may look. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { programPath } from '../../system/program-path.ts'
import type { FirewallSurvey } from '../survey.ts'
import { firewallSurvey } from './firewall-rules.ts'

const run = promisify(execFile)
const timeoutMs = 10_000
const mostBytes = 32 * 1024 * 1024

export async function surveyFirewall(networkId: string): Promise<FirewallSurvey> {
  const bridge = `br-${networkId.slice(0, 12)}`
  if (!existsSync(`/sys/class/net/${bridge}`))
    return unseen("the engine's networks are not in this machine's network namespace")
  if (process.getuid?.() !== 0) return unseen('only root can read the packet filter')
  try {
    const options = { env: { ...process.env, PATH: programPath() }, timeout: timeoutMs, maxBuffer: mostBytes }
    const { stdout } = await run('iptables-save', ['-t', 'filter'], options)
    return firewallSurvey(stdout, bridge)
  } catch (error) {
    return unseen(whyNot(error))
  }
}

function unseen(why: string): FirewallSurvey {
  return { kind: 'unseen', why }
}

function whyNot(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ('code' in error && error.code === 'ENOENT') return 'there is no iptables-save: `apt-get install iptables`'
  return error.message.split('\n', 1)[0] ?? ''
}
