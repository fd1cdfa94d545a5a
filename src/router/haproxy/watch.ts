/** Notices at once when HAProxy goes away: a connection to its master closes. */
import { once } from 'node:events'
import type { Clock } from '../../system/clock.ts'
import type { RouterEvent } from '../router.ts'
import type { HaproxyProcess } from './haproxy-process.ts'

const retryMs = 100
/** A reload closes the connection too; the master answers again long before this. */
const reloadMs = 1_000

/** Says `lost` when a HAProxy that was there is gone, and `changed` when one has come or has been reloaded. */
export async function watchHaproxy(
  haproxy: HaproxyProcess,
  clock: Clock,
  listener: (event: RouterEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  let present = (await haproxy.running()) !== undefined
  while (!signal.aborted) {
    const socket = await haproxy.master.attend().catch(() => undefined)
    if (socket !== undefined) {
      if (!present) listener({ kind: 'changed' })
      present = true
      await once(socket, 'close', { signal }).catch(() => undefined)
      socket.destroy()
    }
    if (signal.aborted) return
    const back = present && (await comesBack(haproxy, clock, signal))
    if (signal.aborted) return
    if (present) listener({ kind: back ? 'changed' : 'lost' })
    present = back
    if (!back) await clock.sleep(retryMs, signal).catch(() => undefined)
  }
}

async function comesBack(haproxy: HaproxyProcess, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const deadline = clock.now() + reloadMs
  while (!signal.aborted && clock.now() < deadline) {
    if (await haproxy.running().catch(() => undefined)) return true
    if (!(await haproxy.mayComeBack())) return false
    await clock.sleep(retryMs / 10, signal).catch(() => undefined)
  }
  return false
}
