/** Draws the particulars of a mishap. */
import type { Random } from '../../src/system/random.ts'
import { callFaults, eventFaults, type Mishap } from './history.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

export function drawMishap(random: Random, kind: Mishap['kind']): Mishap {
  switch (kind) {
    case 'death':
      return { kind, pick: random.next(), outOfMemory: random.next() < 0.2 }
    case 'sickness': {
      const answer = random.pick(['unhealthy', 'silent'] as const)
      return { kind, pick: random.next(), answer, forMs: 500 + random.integer(10_000) }
    }
    case 'touch':
      return { kind, pick: random.next(), how: random.pick(['exec', 'exec', 'write', 'pause', 'update']) }
    case 'touches':
      return { kind, share: random.next() }
    case 'removal':
      return { kind, pick: random.next() }
    case 'stop':
      return { kind, pick: random.next(), graceMs: random.integer(1_500) }
    case 'crash':
      return { kind, ...drawCrash(random, random.pick([0, 1, 1, 2, 3, 1 + random.integer(12)])) }
    case 'crash-in-recovery':
      return { kind, ...drawCrash(random, 1 + random.integer(16)), times: random.pick([1, 1, 2, 3]) }
    case 'engine-calls':
    case 'router-calls':
      return { kind, fault: random.pick(callFaults), calls: 1 + random.integer(4) }
    case 'engine-away':
    case 'router-away':
      return { kind, forMs: 200 + random.integer(8_000) }
    case 'engine-restart':
    case 'router-restart':
    case 'controller-restart':
      return { kind }
    case 'engine-late':
    case 'router-late':
      return { kind, byMs: 100 + random.integer(2_000), forMs: 1_000 + random.integer(15_000) }
    case 'starts':
    case 'store-reads':
      return { kind, calls: 1 + random.integer(3) }
    case 'images':
      return { kind, fault: random.pick(['error', 'hang']), calls: 1 + random.integer(2) }
    case 'events':
      return { kind, fault: random.pick(eventFaults), forMs: 1_000 + random.integer(15_000) }
    case 'disk-fails':
      return { kind, fault: random.pick(['error', 'broken', 'reported']), forMs: 200 + random.integer(12_000) }
    case 'disk-slow':
      return { kind, byMs: 100 + random.integer(2_400), forMs: 1_000 + random.integer(15_000) }
    case 'clock-jump':
      return { kind, byMs: random.pick([1, -1]) * random.pick([1_000, 20_000, 10 * minuteMs, dayMs]) }
    case 'probe-losses':
      return { kind, forMs: 2_000 + random.integer(20_000) }
    case 'probe-timeouts':
      return { kind, pick: random.next(), forMs: 500 + random.integer(10_000) }
  }
}

function drawCrash(random: Random, calls: number) {
  return { calls, when: random.pick(['before', 'after'] as const), finishing: random.next() < 0.5 }
}
