/** Every kind of fault that a simulated world knows, by the name under which it is counted. */
import type { CallFault, DiskFault, EventFault } from './history.ts'
import type { Call } from './seams.ts'

export const faultNames = [
  'an instance dies',
  'an instance runs out of memory',
  'an instance turns unhealthy',
  'an instance stops answering',
  'an instance is touched',
  'an instance is halted by a stranger',
  'an instance is changed by a stranger',
  'many instances are touched at once',
  'an instance is removed by a stranger',
  'an instance is stopped by a stranger',
  'the controller is killed between two calls',
  'the controller is killed before an effect',
  'the controller is killed after an effect',
  'the controller is killed before a record',
  'the controller is killed after a record',
  'the controller is killed while it recovers',
  'the controller is told to stop',
  'a command comes while another runs',
  'a command comes as the controller dies',
  'the wall clock jumps forwards',
  'the wall clock jumps backwards',
  'the engine fails a call',
  'the engine does what it says it did not',
  'the engine takes long for a call',
  'the engine gives up a call after long',
  'the engine does not answer for a while',
  'the engine restarts',
  'the engine restarts under a command',
  'the engine is seen late',
  'a start fails and may be tried again',
  'an image can not be prepared',
  'an image takes long and can not be prepared',
  'the router fails a call',
  'the router does what it says it did not',
  'the router takes long for a call',
  'the router gives up a call after long',
  'the router does not answer for a while',
  'the router restarts',
  'the router restarts under a command',
  'the router is seen late',
  'an event is lost',
  'an event comes twice',
  'an event comes late',
  'the disk is full',
  'the disk is broken',
  'the disk keeps what it says it did not',
  'the disk is slow',
  'the store can not be read',
  'a single probe is lost',
  'a probe times out though the instance is well',
] as const

export type FaultName = (typeof faultNames)[number]

export const callFaultNames: Readonly<Record<'engine' | 'router', Readonly<Record<CallFault, FaultName>>>> = {
  engine: {
    error: 'the engine fails a call',
    reported: 'the engine does what it says it did not',
    slow: 'the engine takes long for a call',
    hang: 'the engine gives up a call after long',
  },
  router: {
    error: 'the router fails a call',
    reported: 'the router does what it says it did not',
    slow: 'the router takes long for a call',
    hang: 'the router gives up a call after long',
  },
}

export const eventFaultNames: Readonly<Record<EventFault, FaultName>> = {
  lost: 'an event is lost',
  doubled: 'an event comes twice',
  reordered: 'an event comes late',
}

export const diskFaultNames: Readonly<Record<DiskFault, FaultName>> = {
  error: 'the disk is full',
  broken: 'the disk is broken',
  reported: 'the disk keeps what it says it did not',
}

const costNoTime: ReadonlySet<FaultName> = new Set([
  'the controller is killed between two calls',
  'the controller is killed before an effect',
  'the controller is killed after an effect',
  'the controller is killed before a record',
  'the controller is killed after a record',
  'the controller is killed while it recovers',
  'the controller is told to stop',
  'a command comes while another runs',
  'a command comes as the controller dies',
  'the wall clock jumps forwards',
  'the wall clock jumps backwards',
  'an event is lost',
  'an event comes twice',
  'an event comes late',
  'a single probe is lost',
])

/** Whether it can keep a rollout from being in time. */
export function costsTime(fault: FaultName): boolean {
  return !costNoTime.has(fault)
}

export function crashName(when: 'before' | 'after', { nature }: Pick<Call, 'nature'>): FaultName {
  if (nature === 'look') return 'the controller is killed while it recovers'
  const names = {
    before: { act: 'the controller is killed before an effect', record: 'the controller is killed before a record' },
    after: { act: 'the controller is killed after an effect', record: 'the controller is killed after a record' },
  } as const
  return names[when][nature]
}
