import { expect, test } from 'vitest'
import type { ChangeFigures } from './figures.ts'
import { table } from './table.ts'

function figures(allNewMs: number, failed = 0): ChangeFigures {
  return { allNewMs, lastOldMs: allNewMs - 100, switchedMs: allNewMs - 50, failed, p99Ms: 7.4 }
}

test('a row has the medians of the rounds, and the failed requests of all', () => {
  const changes = [figures(900, 2), figures(1_100), figures(5_000, 1)]
  expect(table(3, [{ name: 'compose', measured: { changes, waysBack: [figures(250, 4)] } }])).toBe(
    `3 instances                                         all new  (times)  last old  failed       p99  rolled back  (times)  failed
compose                                              1.10 s             1.00 s       3      7 ms      0.200 s                4`,
  )
})

test('rows are compared with those that are meant for it, and the goals with what was reached', () => {
  const rows = [
    { name: 'at once', measured: { changes: [figures(2_000)], waysBack: [figures(2_000)] }, role: 'allAtOnce' },
    { name: 'warm', measured: { changes: [figures(2_200)], waysBack: [figures(60)] }, role: 'warm' },
    { name: 'swarm', measured: { changes: [figures(6_000)], waysBack: [figures(6_050)] }, role: 'swarm' },
  ] as const
  expect(table(10, rows)).toBe(
    `10 instances                                        all new  (times)  last old  failed       p99  rolled back  (times)  failed
at once                                              2.00 s    (1.0)    1.90 s       0      7 ms       1.95 s    (195)       0
warm                                                 2.20 s    (1.1)    2.10 s       0      7 ms      0.010 s    (1.0)       0
swarm                                                6.00 s    (3.0)    5.90 s       0      7 ms       6.00 s    (600)       0
  all new: Repave is 3.0 times as fast as Swarm (goal at 10 and at 30: 2.5)
  rolled back: Repave is 600.0 times as fast as Swarm (goal at 10 and at 30: 100)`,
  )
})

test('a peer that failed says why', () => {
  const [, line] = table(3, [{ name: 'compose', measured: new Error('2 of 3 have answered') }]).split('\n')
  expect(line).toMatch(/^compose +failed: 2 of 3 have answered$/)
})
