/** What is known and accepted for a time, held against what was found. Pure. */
import type { DriftException, DriftFinding, DriftReport } from '../model/report.ts'
import { finding } from './drift-finding.ts'

type Judged = Pick<DriftReport, 'findings' | 'accepted' | 'unused'>

const dayMs = 86_400_000

/** An exception whose time is over accepts nothing, and is a finding. */
export function withExceptions(
  findings: readonly DriftFinding[],
  exceptions: readonly DriftException[],
  nowMs: number,
): Judged {
  const counting = exceptions.filter((exception) => !isOver(exception, nowMs))
  const accepted = findings.flatMap((each) => {
    const exception = counting.find(({ what }) => matches(what, each))
    return exception ? [{ finding: each, exception }] : []
  })
  const unused = counting.filter(({ what }) => !findings.some((each) => matches(what, each)))
  const isAccepted = new Set(accepted.map((each) => each.finding))
  return {
    findings: [
      ...findings.filter((each) => !isAccepted.has(each)),
      ...exceptions.filter((exception) => isOver(exception, nowMs)).map(expired),
    ],
    ...(accepted.length > 0 && { accepted }),
    ...(unused.length > 0 && { unused }),
  }
}

/** It counts to the end of its last day. */
function isOver({ until }: DriftException, nowMs: number): boolean {
  return nowMs >= Date.parse(until) + dayMs
}

/** A kind, or an id in which `*` stands for anything. */
function matches(what: string, { kind, id }: DriftFinding): boolean {
  if (what === kind) return true
  const parts = what.split('*').map((part) => RegExp.escape(part))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(id)
}

function expired({ what, reason, until }: DriftException): DriftFinding {
  return finding('exception.expired', what, {
    message: `its time was over after ${until}: ${reason}`,
    expected: 'an exception that still counts, or none',
    actual: `one until ${until}`,
    remedy: 'take it out of `drift.exceptions` in the stack file, or give it another day and reason',
  })
}
