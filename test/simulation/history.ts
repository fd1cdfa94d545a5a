/** What happens in one simulated world, written down beforehand, so that a part of it can be left out. */
import type { Scope } from '../../src/model/stack.ts'
import type { TouchKind } from '../../src/model/touch.ts'
import type { SteerVerb } from '../../src/model/steering.ts'
import type { ServiceName, StackChoice } from './catalogue.ts'

/** `error`: nothing happens. `reported`: it happens, and an error is told. `slow`, `hang`: it takes long, and is done or fails. */
export const callFaults = ['error', 'reported', 'slow', 'hang'] as const
export type CallFault = (typeof callFaults)[number]

export const eventFaults = ['lost', 'doubled', 'reordered'] as const
export type EventFault = (typeof eventFaults)[number]

export type DiskFault = 'error' | 'reported' | 'broken'
export type ImageFault = 'error' | 'hang'

export type Command =
  | { readonly kind: 'up'; readonly scope: Scope; readonly choice: StackChoice; readonly rollback?: 'service' }
  /** Without `to`, to the newest proven version before the current one. */
  | { readonly kind: 'rollback'; readonly scope: Scope; readonly service?: ServiceName; readonly to?: string }
  /** `pick`: which of the instances that there are then, as a share. */
  | { readonly kind: 'replace'; readonly scope: Scope; readonly pick: number }
  | { readonly kind: 'down'; readonly scope: Scope }
  /** All are replaced. */
  | { readonly kind: 'repave'; readonly scope: Scope }
  /** Somebody has looked at what was touched. */
  | { readonly kind: 'acknowledge'; readonly scope: Scope }
  | { readonly kind: 'steer'; readonly scope: Scope; readonly verb: SteerVerb; readonly service?: ServiceName }
  /** What the service is to run then, as a version, by its image or by a package that the image holds. */
  | ({ readonly kind: 'refuse' } & RefusedThing)
  | ({ readonly kind: 'recall' } & RefusedThing)
  /** The newest refusal that counts then. */
  | { readonly kind: 'lift'; readonly scope: Scope }

interface RefusedThing {
  readonly scope: Scope
  readonly service: ServiceName
  readonly what: 'version' | 'image' | 'package'
}

export interface Crash {
  readonly kind: 'crash'
  /** At the so many-th effect or record from now; 0: at once. */
  readonly calls: number
  readonly when: 'before' | 'after'
  /** Whether what was under way takes effect, though nobody hears of it. */
  readonly finishing: boolean
  /** What someone asks for at that very moment. */
  readonly meanwhile?: Command
}

/** The controller is killed, and the next so many each at the so many-th call of its life: most of these are looks. */
export interface RecoveryCrash extends Omit<Crash, 'kind'> {
  readonly kind: 'crash-in-recovery'
  readonly times: number
}

export type Mishap =
  | { readonly kind: 'death'; readonly pick: number; readonly outOfMemory: boolean }
  | {
      readonly kind: 'sickness'
      readonly pick: number
      readonly answer: 'unhealthy' | 'silent'
      readonly forMs: number
    }
  /** A stranger removes an instance, or stops it. */
  | { readonly kind: 'removal'; readonly pick: number }
  | { readonly kind: 'stop'; readonly pick: number; readonly graceMs: number }
  /** A stranger reaches into an instance, or into so large a share of all at once. */
  | { readonly kind: 'touch'; readonly pick: number; readonly how: TouchKind }
  | { readonly kind: 'touches'; readonly share: number }
  | Crash
  | RecoveryCrash
  | { readonly kind: 'engine-calls' | 'router-calls'; readonly fault: CallFault; readonly calls: number }
  | { readonly kind: 'engine-away' | 'router-away'; readonly forMs: number }
  | { readonly kind: 'engine-restart' | 'router-restart' | 'controller-restart' }
  /** What is seen is `byMs` old when it is told. */
  | { readonly kind: 'engine-late' | 'router-late'; readonly byMs: number; readonly forMs: number }
  | { readonly kind: 'starts'; readonly calls: number }
  | { readonly kind: 'images'; readonly fault: ImageFault; readonly calls: number }
  | { readonly kind: 'events'; readonly fault: EventFault; readonly forMs: number }
  /** Nothing can be recorded; `reported`: it is, and is said not to be; `broken`: not for want of room. */
  | { readonly kind: 'disk-fails'; readonly fault: DiskFault; readonly forMs: number }
  | { readonly kind: 'disk-slow'; readonly byMs: number; readonly forMs: number }
  | { readonly kind: 'store-reads'; readonly calls: number }
  /** The controller's wall clock alone; negative: backwards. */
  | { readonly kind: 'clock-jump'; readonly byMs: number }
  /** Of each instance a probe now and then, but never two in a row. */
  | { readonly kind: 'probe-losses'; readonly forMs: number }
  /** All of one instance, which is well. */
  | { readonly kind: 'probe-timeouts'; readonly pick: number; readonly forMs: number }

export type Action = (Command | Mishap) & { readonly afterMs: number }

/** What a world is allowed to suffer; the fewer, the more can be asked of it. */
export const profiles = {
  calm: [],
  deaths: ['death', 'sickness'],
  touches: ['touch', 'touch', 'touch', 'touches', 'crash', 'crash', 'events', 'engine-calls', 'disk-fails', 'death'],
  strangers: ['removal', 'stop', 'events'],
  crashes: ['crash', 'crash-in-recovery', 'controller-restart'],
  engine: ['engine-calls', 'engine-away', 'engine-restart', 'starts', 'images', 'death'],
  router: ['router-calls', 'router-away', 'router-restart'],
  events: ['events', 'death', 'sickness'],
  disk: ['disk-fails', 'disk-slow', 'store-reads', 'death', 'crash'],
  clock: ['clock-jump', 'clock-jump', 'crash', 'death', 'starts'],
  sight: ['engine-late', 'router-late', 'death', 'crash'],
  probes: ['probe-losses', 'probe-timeouts', 'crash'],
  everything: [
    'death',
    'sickness',
    'touch',
    'touches',
    'removal',
    'stop',
    'crash',
    'crash-in-recovery',
    'controller-restart',
    'engine-calls',
    'engine-away',
    'engine-restart',
    'engine-late',
    'starts',
    'images',
    'router-calls',
    'router-away',
    'router-restart',
    'router-late',
    'events',
    'disk-fails',
    'disk-slow',
    'store-reads',
    'clock-jump',
    'probe-losses',
    'probe-timeouts',
  ],
} as const satisfies Record<string, readonly Mishap['kind'][]>

export type Profile = keyof typeof profiles

export interface History {
  readonly profile: Profile
  /** Whether each command waits until all before it is done, so that crashes are the only thing left to chance. */
  readonly patient: boolean
  /** Whether it ends once all has come to rest, without a try whether all can be had and be taken down again. */
  readonly isShort?: boolean
  readonly actions: readonly Action[]
}

const commands: readonly string[] = [
  'up',
  'rollback',
  'replace',
  'down',
  'repave',
  'acknowledge',
  'steer',
  'refuse',
  'recall',
  'lift',
] satisfies readonly Command['kind'][]

export function isCommand<Kind extends Command | Mishap>(action: Kind): action is Kind & Command {
  return commands.includes(action.kind)
}
