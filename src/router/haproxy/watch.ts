/** Notices at once when HAProxy goes away: a connection to its master closes. */
import { once } from 'node:events'
import type { Clock } from '../../system/clock.ts'
import type { RouterEvent } from '../router.ts'
import type { HaproxyProcess } from './haproxy-process.ts'

const retryMs = 100

/**
 * Says `changed` when one is first seen, has come, or has been reloaded, which closes the connection too, and `lost`
 * when one that was seen is gone.
 */
export async function watchHaproxy(
  haproxy: HaproxyProcess,
  clock: Clock,
  listener: (event: RouterEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  let present = false
  while (!signal.aborted) {
    const socket = await haproxy.master.attend().catch(() => undefined)
    if (socket !== undefined) {
      if (!present) listener({ kind: 'changed' })
      present = true
      // It may be closed by now, and would not say so again.
      if (!socket.closed) await once(socket, 'close', { signal }).catch(() => undefined)
      socket.destroy()
    }
    if (signal.aborted) return
    const back: boolean = present && (await haproxy.running().catch(() => undefined)) !== undefined
    if (present) listener({ kind: back ? 'changed' : 'lost' })
    present = back
    if (!back) await clock.sleep(retryMs, signal).catch(() => undefined)
  }
}
