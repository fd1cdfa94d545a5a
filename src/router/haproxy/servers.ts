/** The servers of a running HAProxy, over all of its workers. Each change is looked at once it is made. */
import { RepaveError } from '../../errors.ts'
import type { Address } from '../../model/address.ts'
import type { Clock } from '../../system/clock.ts'
import type { PoolName } from '../router.ts'
import { holdServer, serverOptions, type StaticServer } from './config.ts'
import type { HaproxyProcess, Running } from './haproxy-process.ts'
import { listenerName } from './routing.ts'
import { parseFrontends, parseServers, parseSessionIds, parseSessions, type ServerRow } from './worker-report.ts'

const deletePollMs = 5
const deleteDeadlineMs = 5_000
const stuckMs = 1_000

export class Servers {
  readonly #haproxy: HaproxyProcess
  readonly #clock: Clock

  constructor(haproxy: HaproxyProcess, clock: Clock) {
    this.#haproxy = haproxy
    this.#clock = clock
  }

  /** All servers of the current worker, or those of one pool. */
  async list({ current }: Running, pool?: PoolName): Promise<readonly ServerRow[]> {
    const answer = await this.#haproxy.master.tell(current, `show servers state${pool === undefined ? '' : ` ${pool}`}`)
    return parseServers(answer).filter(({ instance }) => instance !== holdServer)
  }

  async find(running: Running, pool: PoolName, instance: string): Promise<ServerRow | undefined> {
    return (await this.list(running, pool)).find((server) => server.instance === instance)
  }

  /** Requests at or queued for each server by `pool/instance`, replaced workers' included. */
  async sessions({ current, old }: Running, pool?: PoolName): Promise<ReadonlyMap<string, number>> {
    const command = `show stat ${pool ?? -1} 4 -1`
    const { master } = this.#haproxy
    const leaving = old.map((pid) => master.tellLeaving(pid, command))
    const answers = await Promise.all([master.tell(current, command), ...leaving])
    const total = new Map<string, number>()
    for (const [server, count] of answers.flatMap((answer) => [...parseSessions(answer)]))
      total.set(server, (total.get(server) ?? 0) + count)
    return total
  }

  /** The names of the current worker's frontends, one for each listener. */
  async frontends({ current }: Running): Promise<readonly string[]> {
    return parseFrontends(await this.#haproxy.master.tell(current, 'show stat -1 1 -1'))
  }

  /**
   * Into rotation. Added disabled and then enabled, since the word `enabled` on `add server` corrupts the
   * backend's counters in HAProxy 2.6.
   */
  async add(running: Running, pool: PoolName, instance: string, address: Address): Promise<void> {
    const known = await this.find(running, pool, instance)
    if (known && !sameAddress(known.address, address)) await this.delete(running, pool, instance)
    if (known?.admin === 'ready' && sameAddress(known.address, address)) return
    const words = await this.#tellAll(running, [
      `add server ${pool}/${instance} ${listenerName({ address: address.host, port: address.port })} ${serverOptions}`,
      `enable health ${pool}/${instance}`,
      `set server ${pool}/${instance} state ready`,
    ])
    const added = await this.find(running, pool, instance)
    if (added?.admin !== 'ready') throw failed(`add ${instance} to ${pool}`, words)
  }

  /** No new request reaches it from here on. */
  async drain(running: Running, pool: PoolName, instance: string): Promise<void> {
    const words = await this.#tellAll(running, [`set server ${pool}/${instance} state drain`])
    const drained = await this.find(running, pool, instance)
    if (drained?.admin === 'ready') throw failed(`drain ${instance} of ${pool}`, words)
  }

  /**
   * Ends every request that the server still has. Idempotent ones are tried again on another server; in a replaced
   * worker, whose servers can't be changed, that may be the same one, so this is to be repeated.
   */
  async cut(running: Running, pool: PoolName, instance: string): Promise<void> {
    await this.#tellAll(running, [
      `set server ${pool}/${instance} state maint`,
      `shutdown sessions server ${pool}/${instance}`,
    ])
    for (const pid of running.old) {
      const ids = parseSessionIds(await this.#haproxy.master.tellLeaving(pid, 'show sess'), pool, instance)
      for (const id of ids) await this.#haproxy.master.tellLeaving(pid, `shutdown session ${id}`)
    }
  }

  /** Removes a server; HAProxy refuses as long as connections to it are being closed. Only a stuck one is cut. */
  async delete(running: Running, pool: PoolName, instance: string): Promise<void> {
    const beganAtMs = this.#clock.steady()
    await this.#tellAll(running, [`set server ${pool}/${instance} state maint`])
    for (;;) {
      const words = await this.#tellAll(running, [`del server ${pool}/${instance}`])
      if ((await this.find(running, pool, instance)) === undefined) return
      const tookMs = this.#clock.steady() - beganAtMs
      if (tookMs > deleteDeadlineMs) throw failed(`delete ${instance} from ${pool}`, words)
      if (tookMs > stuckMs) await this.#tellAll(running, [`shutdown sessions server ${pool}/${instance}`])
      await this.#clock.sleep(deletePollMs)
    }
  }

  /** How a running HAProxy's servers are written down for a reload; those in maintenance are being removed. */
  static toStatic(servers: readonly ServerRow[]): readonly StaticServer[] {
    return servers
      .filter(({ admin }) => admin !== 'maint')
      .map(({ pool, instance, address, admin, up }) => ({
        pool,
        instance,
        address,
        disabled: admin === 'drain' || !up,
      }))
  }

  /** After a reload: draining servers drain again, and down ones are in, but down until their next good check. */
  async restore(running: Running, servers: readonly ServerRow[]): Promise<void> {
    for (const { pool, instance, admin, up } of servers)
      if (admin === 'drain') await this.drain(running, pool, instance)
      else if (admin === 'ready' && !up)
        await this.#tellAll(running, [
          `set server ${pool}/${instance} state ready`,
          `set server ${pool}/${instance} health down`,
        ])
  }

  async #tellAll({ current }: Running, commands: readonly string[]): Promise<string> {
    const answers = []
    for (const command of commands) answers.push(await this.#haproxy.master.tell(current, command))
    return answers
      .map((answer) => answer.trim())
      .filter((answer) => answer !== '')
      .join('; ')
  }
}

function sameAddress(a: Address, b: Address): boolean {
  return a.host === b.host && a.port === b.port
}

function failed(action: string, words: string): RepaveError {
  return new RepaveError('ROUTER_FAILED', `HAProxy did not ${action}: ${words || 'no reason given'}`, {
    hint: 'the pool must be configured before its servers are added; else try again',
  })
}
