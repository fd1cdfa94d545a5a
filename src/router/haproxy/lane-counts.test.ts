import { expect, test } from 'vitest'
import { parseCounts } from './lane-counts.ts'

const answer = `# pxname,svname,qcur,scur,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,ttime,
shop.production.web,BACKEND,1,2,0,30,0,4,5,0,12,
shop.production.web:b,BACKEND,0,0,0,0,0,0,0,0,0,
handover:8080:*,BACKEND,0,0,0,9,0,0,0,0,0,`

test('backends of pools are told of, by lane', () => {
  const answers = { '1xx': 0, '2xx': 30, '3xx': 0, '4xx': 4, '5xx': 5, other: 0 }
  const none = { '1xx': 0, '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0, other: 0 }
  const pool = 'shop.production.web'
  expect(parseCounts(answer, new Set([pool]))).toEqual([
    { pool, lane: 'a', answers, waiting: 1, open: 2, meanMs: 12 },
    { pool, lane: 'b', answers: none, waiting: 0, open: 0, meanMs: 0 },
  ])
  expect(parseCounts('', new Set([pool]))).toEqual([])
})
