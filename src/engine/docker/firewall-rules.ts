/**
 * The rules by which Docker keeps a bridge network apart, in the words of `iptables-save`. Pure.
 *
 * Docker 20.10 to 27: a rule in FORWARD drops what goes from one container of the network to another (`enable_icc=false`),
 * and two chains drop what goes from one of Docker's networks to another. Newer ones lay their rules out otherwise.
 */
import type { FirewallDeviation, FirewallSurvey } from '../survey.ts'

interface NeededRule {
  readonly rule: string
  readonly purpose: string
}

export function firewallSurvey(saved: string, bridge: string): FirewallSurvey {
  const lines = saved.split('\n').map((line) => line.trim())
  if (lines.some((line) => line.startsWith(':DOCKER-FORWARD ')))
    return { kind: 'unseen', why: 'this version of Docker lays its rules out in a way that is not known here' }
  const deviations = [...missingRules(lines, bridge), ...surplusRules(lines, bridge)]
  return deviations.length === 0 ? { kind: 'intact' } : { kind: 'deviates', deviations }
}

function missingRules(lines: readonly string[], bridge: string): readonly FirewallDeviation[] {
  return neededRules(bridge)
    .filter(({ rule }) => !lines.includes(rule))
    .map((needed) => ({ ...needed, state: 'missing' }))
}

function neededRules(bridge: string): readonly NeededRule[] {
  const apart = 'keeps the network apart from the others of the engine'
  return [
    {
      rule: `-A FORWARD -i ${bridge} -o ${bridge} -j DROP`,
      purpose: 'keeps the instances of the network apart from each other',
    },
    { rule: '-A FORWARD -j DOCKER-ISOLATION-STAGE-1', purpose: apart },
    { rule: `-A DOCKER-ISOLATION-STAGE-1 -i ${bridge} ! -o ${bridge} -j DOCKER-ISOLATION-STAGE-2`, purpose: apart },
    { rule: `-A DOCKER-ISOLATION-STAGE-2 -o ${bridge} -j DROP`, purpose: apart },
  ]
}

/** What accepts everything of the bridge before the rule that drops has its turn. */
function surplusRules(lines: readonly string[], bridge: string): readonly FirewallDeviation[] {
  const drop = lines.indexOf(`-A FORWARD -i ${bridge} -o ${bridge} -j DROP`)
  const interfaces = `( -i ${bridge})?( -o ${bridge})?`
  const acceptsAll = new RegExp(`^-A (FORWARD|DOCKER-USER)${interfaces} -j ACCEPT$`)
  return lines
    .filter((line, index) => acceptsAll.test(line) && (line.startsWith('-A DOCKER-USER') || index < drop))
    .map((rule) => ({ rule, state: 'surplus', purpose: 'lets through what has to be kept apart' }))
}
