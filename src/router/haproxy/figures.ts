/** Requests as lines of HAProxy's log, which it keeps in a ring in its memory for whoever measures. */
import type { Answered } from '../router.ts'
import { poolAndLane, sitterOf } from './lanes.ts'

export const figuresRing = 'figures'

const marker = 'request'

/** `log-format` (HAProxy configuration manual, 8.2.4): the lane that was chosen, who answered, with what, and times. */
export const figuresLine = `${marker} %[var(txn.lane)] %b %s %ST %ts %TR %Tw %Tc %Tr %Ta`

/** HAProxy's own word for lines that did not fit into the ring. */
const droppedLine = /^\d+ events? dropped/

/** Undefined for lines about something else, and for requests of which the worker that they were handed to tells. */
export function parseFigures(line: string): Answered | 'lost' | undefined {
  if (droppedLine.test(line)) return 'lost'
  const [mark, chosen = '-', backend = '', server = '', status, ends = '', ...times] = line.split(' ')
  if (mark !== marker || chosen === '-') return undefined
  const [received = 0, queued = 0, connected = 0, answered = 0, total = 0] = times.map(Number)
  if (backend.startsWith('handover:') && connected >= 0) return undefined
  const { pool, lane } = poolAndLane(chosen)
  const sitter = sitterOf({ backend, server })
  const isUpgrade = status === '101'
  return {
    pool,
    instance: sitter?.instance ?? null,
    lane: sitter?.lane ?? lane,
    status: isUpgrade || isWhole(ends) ? Math.max(0, Number(status)) : 0,
    timeMs: isUpgrade ? past(queued) + past(connected) + past(answered) : past(total) - past(received),
  }
}

/**
 * Termination states (8.5): who ended it, and when. A client that leaves while it gets its answer has been answered;
 * an answer that broke off for any other reason, or that an administrator cut, has not been given.
 */
function isWhole(ends: string): boolean {
  const [who = '-', when = '-'] = ends
  if (who === 'K' || who === 'D') return false
  return 'Cc-L'.includes(who) || !'DL'.includes(when)
}

/** HAProxy has -1 for what was not reached. */
function past(ms: number): number {
  return Math.max(0, ms)
}
