import { expect, test } from 'vitest'
import type { DriftException } from '../model/report.ts'
import { withExceptions } from './drift-exceptions.ts'
import { finding } from './drift-finding.ts'

const nowMs = Date.parse('2026-11-24T12:00:00Z')
const foreign = finding('foreign.network', 'redis', { expected: 'nothing', actual: 'a container', remedy: 'remove it' })
const address = finding('server.address', 'web-1', { expected: 'a:1', actual: 'b:1', remedy: 'wait' })
const accept = (what: string, until = '2027-01-31'): DriftException => ({ what, reason: 'it is measured', until })

test.each(['foreign', 'foreign.network:redis', 'foreign.*:redis', 'foreign.network:*', '*redis'])(
  '%s accepts what it names, and nothing else',
  (what) => {
    const exception = accept(what)
    expect(withExceptions([foreign, address], [exception], nowMs)).toEqual({
      findings: [address],
      accepted: [{ finding: foreign, exception }],
    })
  },
)

test.each(['redis', 'foreign.network', 'foreign.network:redis2', 'foreignXnetwork:redis', 'network'])(
  '%s accepts nothing, and is said to be unused',
  (what) => {
    expect(withExceptions([foreign], [accept(what)], nowMs)).toEqual({ findings: [foreign], unused: [accept(what)] })
  },
)

test('it counts to the end of its last day, and is a finding after it', () => {
  expect(withExceptions([foreign], [accept('foreign', '2026-11-24')], nowMs).findings).toEqual([])
  expect(withExceptions([foreign], [accept('foreign', '2026-11-23')], nowMs)).toMatchObject({
    findings: [foreign, { id: 'exception.expired:foreign', kind: 'exception', actual: 'one until 2026-11-23' }],
  })
})
