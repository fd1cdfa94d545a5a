/** What HAProxy counts for each backend anyway, so that nobody has to follow its requests. */
import { type AnswerClass, answerClasses, type LaneCounts } from '../router.ts'
import { poolAndLane } from './lanes.ts'

/** All backends, and no servers: `show stat <proxy> <type> <server>` (HAProxy management guide). */
export const showCounts = 'show stat -1 2 -1'

const prefixOf: Readonly<Record<AnswerClass, string>> = {
  '1xx': 'hrsp_1xx',
  '2xx': 'hrsp_2xx',
  '3xx': 'hrsp_3xx',
  '4xx': 'hrsp_4xx',
  '5xx': 'hrsp_5xx',
  other: 'hrsp_other',
}

/** Backends that are no lane of a pool are left out; `pools`: those that there are. */
export function parseCounts(answer: string, pools: ReadonlySet<string>): readonly LaneCounts[] {
  const [header = '', ...lines] = answer.split('\n').filter((line) => line !== '')
  const columns = header.replace(/^# /, '').split(',')
  return lines.flatMap((line) => {
    const cells = line.split(',')
    const number = (name: string) => Number(cells[columns.indexOf(name)] ?? 0) || 0
    const { pool, lane } = poolAndLane(cells[columns.indexOf('pxname')] ?? '')
    if (!pools.has(pool)) return []
    const answers = Object.fromEntries(answerClasses.map((each) => [each, number(prefixOf[each])]))
    return [{ pool, lane, answers, waiting: number('qcur'), open: number('scur'), meanMs: number('ttime') }]
  })
}
