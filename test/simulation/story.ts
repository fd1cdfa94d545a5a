/** What happened in a simulated world, in the order in which it happened, for people to read and machines to compare. */
import type { Clock } from '../../src/system/clock.ts'
import type { Action, Crash } from './history.ts'
import { serviceNames, type ServiceChoice, type StackChoice, type StrategyChoice } from './catalogue.ts'
import type { Quantity, Scope } from '../../src/model/stack.ts'

export type Teller =
  | 'people'
  | 'mishap'
  | 'controller'
  | 'engine'
  | 'router'
  | 'store'
  | 'ledger'
  | 'machine'
  | 'traffic'

export class Story {
  readonly #clock: Clock
  readonly #startedAtMs: number
  readonly lines: string[] = []

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startedAtMs = clock.now()
  }

  tell(teller: Teller, text: string): void {
    const seconds = ((this.#clock.now() - this.#startedAtMs) / 1000).toFixed(3)
    this.lines.push(`${seconds.padStart(9)}s  ${teller.padEnd(10)}  ${text}`)
  }
}

/** `up shop/live: web = usual.2 × 3 (surge 1, unavailable 0)` */
export function actionWords(action: Action): string {
  switch (action.kind) {
    case 'up':
      return `up ${scopeWords(action.scope)}: ${choiceWords(action.choice)}${action.rollback ? '; each goes back alone' : ''}`
    case 'rollback':
      return `rollback ${scopeWords(action.scope)} ${action.to ?? action.service ?? ''}`.trim()
    case 'refuse':
    case 'recall':
      return `${action.kind} the ${action.what} of ${scopeWords(action.scope)} ${action.service}`
    case 'replace':
    case 'down':
    case 'repave':
    case 'acknowledge':
    case 'lift':
      return `${action.kind} ${scopeWords(action.scope)}`
    case 'steer':
      return `rollout ${action.verb} ${scopeWords(action.scope)} ${action.service ?? ''}`.trim()
    case 'death':
      return `an instance ${action.outOfMemory ? 'runs out of memory' : 'dies'}`
    case 'sickness':
      return `an instance is ${action.answer} for ${action.forMs} ms`
    case 'touch':
      return `a stranger touches an instance: ${action.how}`
    case 'touches':
      return `a stranger touches ${Math.round(action.share * 100)} % of all instances`
    case 'removal':
      return 'a stranger removes an instance'
    case 'stop':
      return `a stranger stops an instance, and kills it after ${action.graceMs} ms`
    case 'crash': {
      const time = action.calls === 0 ? 'now' : `${action.when} effect or record ${action.calls} from now`
      return `the controller crashes ${time}${crashWords(action)}`
    }
    case 'crash-in-recovery': {
      const next = action.times === 1 ? 'the next one' : `each of the next ${action.times}`
      return `the controller crashes now, and ${next} ${action.when} its call ${action.calls}${crashWords(action)}`
    }
    case 'engine-calls':
    case 'router-calls':
      return `the next ${action.calls} ${action.kind.replace('-', ' ')}: ${action.fault}`
    case 'engine-away':
    case 'router-away':
      return `the ${action.kind.replace('-away', '')} does not answer for ${action.forMs} ms`
    case 'engine-restart':
    case 'router-restart':
    case 'controller-restart':
      return `the ${action.kind.replace('-restart', '')} restarts`
    case 'engine-late':
    case 'router-late':
      return `what is seen of the ${action.kind.replace('-late', '')} is ${action.byMs} ms old, for ${action.forMs} ms`
    case 'starts':
      return `the next ${action.calls} starts fail`
    case 'images':
      return `the next ${action.calls} images can't be prepared${action.fault === 'hang' ? ', after long' : ''}`
    case 'disk-fails': {
      const outcome = action.fault === 'reported' ? 'all is recorded and said not to be' : 'nothing is recorded'
      return `the disk is ${action.fault === 'broken' ? 'broken' : 'full'} for ${action.forMs} ms, ${outcome}`
    }
    case 'disk-slow':
      return `the disk takes ${action.byMs} ms for a record, for ${action.forMs} ms`
    case 'store-reads':
      return `the next ${action.calls} reads of the store fail`
    case 'clock-jump':
      return `the wall clock of the controller jumps ${action.byMs > 0 ? 'forwards' : 'backwards'} by ${Math.abs(action.byMs)} ms`
    case 'probe-losses':
      return `single probes get lost for ${action.forMs} ms`
    case 'probe-timeouts':
      return `no probe reaches an instance for ${action.forMs} ms`
    case 'events':
      return `events are ${action.fault} for ${action.forMs} ms`
  }
}

function crashWords({ finishing, meanwhile }: Pick<Crash, 'finishing' | 'meanwhile'>): string {
  const rest = finishing ? 'what it began goes on' : 'what it began is lost'
  return meanwhile ? `, ${rest}; as it dies: ${actionWords({ ...meanwhile, afterMs: 0 })}` : `, ${rest}`
}

export function scopeWords({ stack, environment }: Scope): string {
  return `${stack}/${environment}`
}

function choiceWords(choice: StackChoice): string {
  const services = serviceNames.flatMap((name) => {
    const service = choice[name]
    if (!service) return []
    const { image, generation, replicas, maxSurge, maxUnavailable, drainMs } = service
    const policy = `surge ${quantityWords(maxSurge)}, unavailable ${quantityWords(maxUnavailable)}, drain ${drainMs} ms`
    return [`${name} = ${image}.${generation} × ${replicas} (${[policy, ...extraWords(service)].join(', ')})`]
  })
  return services.join(', ')
}

function extraWords({
  strategy,
  verdict,
  standby,
  dependsOn,
  rehearsalMs,
  lifetimeMs,
  escalation,
  path,
}: ServiceChoice): readonly string[] {
  return [
    ...(strategy ? [strategyWords(strategy)] : []),
    ...(verdict ? [`judged ${verdict.windowMs} ms by ${verdict.requests} requests`] : []),
    ...(standby ? [`${standby} stand by`] : []),
    ...(dependsOn ? [`after ${dependsOn.join(' and ')}`] : []),
    ...(rehearsalMs === undefined ? [] : ['rehearsed']),
    ...(lifetimeMs === undefined ? [] : [`lives for ${lifetimeMs} ms`]),
    ...(escalation ? [`${escalation} where it is escalated`] : []),
    ...(path === undefined ? [] : [`at ${path}`]),
  ]
}

function strategyWords(choice: StrategyChoice): string {
  if (!('keepWarmMs' in choice)) return choice.strategy
  const steps = choice.strategy === 'canary' ? choice.steps : []
  const stages = steps.map(({ share, holdMs, requests }) => `${share * 100} % for ${holdMs} ms and ${requests}`)
  return [choice.strategy, ...stages, `warm ${choice.keepWarmMs} ms`].join(' ')
}

function quantityWords(quantity: Quantity): string {
  return quantity.kind === 'count' ? `${quantity.count}` : `${quantity.share * 100} %`
}
