/** Who is measured, and how each is set up. */
import { ComposePeer } from './compose-peer.ts'
import type { Peer } from './peer.ts'
import { RepavePeer } from './repave-peer.ts'
import { SwarmPeer } from './swarm-peer.ts'

/** Repave as all others are compared with until all are new, and on the way back; and the Swarm of the goals. */
export type Role = 'allAtOnce' | 'warm' | 'swarm'

export interface Contender {
  readonly open: () => Peer
  readonly role?: Role
}

/** As short a step as can be, and a verdict that asks for nothing: what remains is what the machinery itself takes. */
const quickCanary = {
  strategy: 'canary',
  steps: [{ share: '10%', for: '1ms', requests: 0 }],
  verdict: { window: '0s', requests: 0 },
}

export const contenders: readonly Contender[] = [
  { open: () => new RepavePeer({ name: 'rolling', rollout: {}, by: 'request' }) },
  {
    open: () => new RepavePeer({ name: 'rolling, maxSurge 100%', rollout: { maxSurge: '100%' }, by: 'request' }),
    role: 'allAtOnce',
  },
  {
    open: () => new RepavePeer({ name: 'blueGreen', rollout: { strategy: 'blueGreen' }, by: 'request' }),
    role: 'warm',
  },
  {
    open: () =>
      new RepavePeer({ name: 'rolling, maxSurge 100%, by the command', rollout: { maxSurge: '100%' }, by: 'command' }),
  },
  {
    open: () =>
      new RepavePeer({ name: 'blueGreen, by the command', rollout: { strategy: 'blueGreen' }, by: 'command' }),
  },
  { open: () => new RepavePeer({ name: 'canary, 10% first', rollout: quickCanary, by: 'request' }) },
  { open: () => new RepavePeer({ name: 'recreate', rollout: { strategy: 'recreate' }, by: 'request' }) },
  { open: () => new SwarmPeer({ checkIntervalMs: 1_000 }), role: 'swarm' },
  { open: () => new SwarmPeer({}) },
  { open: () => new ComposePeer('up') },
  { open: () => new ComposePeer('byHand') },
]
