/** What this machine has and lacks, for people. Pure. */
import { type Style, table } from './text.ts'

export interface Finding {
  readonly name: string
  /** `note`: good to know; only `lacks` keeps Repave from working. */
  readonly state: 'ok' | 'note' | 'lacks'
  readonly detail: string
  /** The command that mends it. */
  readonly remedy?: string
}

export function renderFindings(findings: readonly Finding[], style: Style): readonly string[] {
  const rows = findings.map(({ name, state, detail }) => [mark(state, style), name, detail])
  const lines = table(rows)
  return findings.flatMap(({ remedy }, index) => [
    lines[index] ?? '',
    ...(remedy === undefined ? [] : [`       ${style.dim('→')} ${remedy}`]),
  ])
}

function mark(state: Finding['state'], style: Style): string {
  switch (state) {
    case 'ok':
      return style.green('ok')
    case 'note':
      return style.yellow('note')
    case 'lacks':
      return style.red('lacks')
  }
}
