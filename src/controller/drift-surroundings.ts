/** Where the surroundings of instances are not as the engine made them. Pure. */
import type { FirewallDeviation, FirewallSurvey, ForeignObject, ScopeSurvey } from '../engine/survey.ts'
import type { DriftFinding } from '../model/report.ts'
import { type Scope, scopeName } from '../model/stack.ts'
import { finding } from './drift-finding.ts'

const anew = 'bring the environment down and up again: a network is made once, and not changed'

/** `hasInstances`: one without any needs no network. */
export function surroundingsFindings(
  scope: Scope,
  survey: ScopeSurvey,
  hasInstances: boolean,
): readonly DriftFinding[] {
  return [
    ...networkFindings(scope, survey, hasInstances),
    ...survey.foreign.map(foreignFinding),
    ...survey.misplaced.map(({ instance, expected, actual }) =>
      finding('network.placement', instance, {
        message: `it is in ${actual === 'none' ? 'no network' : `the networks ${actual}`}, where ${expected} is expected`,
        expected,
        actual,
        remedy: `put a clean one in its place: \`repave replace ${instance}\``,
      }),
    ),
    ...firewallFindings(survey.firewall),
  ]
}

function networkFindings(scope: Scope, { network }: ScopeSurvey, hasInstances: boolean): readonly DriftFinding[] {
  if (!network) {
    if (!hasInstances) return []
    const missing = { message: 'the environment has no network', expected: 'a network', actual: 'none', remedy: anew }
    return [finding('network.missing', scopeName(scope), missing)]
  }
  return network.deviations.map(({ setting, expected, actual }) =>
    finding('network.setting', `${network.name}/${setting}`, { expected, actual, remedy: anew }),
  )
}

function foreignFinding({ kind, name, where, detail }: ForeignObject): DriftFinding {
  const remedy =
    kind === 'container' ? `remove it: \`docker rm -f ${name}\`` : `remove it: \`docker network rm ${name}\``
  const actual = `a ${kind} that is not ours`
  return finding(`foreign.${where}`, name, { message: detail, expected: 'nothing of others', actual, remedy })
}

function firewallFindings(firewall: FirewallSurvey): readonly DriftFinding[] {
  return firewall.kind === 'deviates' ? firewall.deviations.map(firewallFinding) : []
}

function firewallFinding({ rule, state, purpose }: FirewallDeviation): DriftFinding {
  const [expected, actual] = state === 'missing' ? ['the rule', 'none'] : ['no such rule', 'the rule']
  const again = `put it back: \`iptables ${rule.replace(/^-A/, '-I')}\`, or restart the engine, which makes its rules anew`
  const remedy = state === 'missing' ? again : `take it out: \`iptables ${rule.replace(/^-A/, '-D')}\``
  return finding(`firewall.${state}`, rule, { message: `${state}: ${purpose}`, expected, actual, remedy })
}
