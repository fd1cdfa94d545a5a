import { describe, expect, it } from 'vitest'
import { drain, endHolds, moveIn, remove } from './seat-commands.ts'
import type { ServerRow } from './worker-report.ts'

const address = { host: '10.0.0.1', port: 80 }
const own = 'check inter 500ms fastinter 100ms fall 2 rise 1 observe layer4 error-limit 2 on-error mark-down'

describe('commands', () => {
  it('take an instance into lane a: the spare seat first', () => {
    expect(moveIn(holds(), 'p', 'i', address, 'a')).toEqual([
      'add server p:b/i:spare 10.0.0.1:80 backup',
      'enable health p:b/i:spare',
      'set server p:b/i:spare state ready',
      `add server p/i 10.0.0.1:80 ${own}`,
      'enable health p/i',
      'set server p/i state ready',
    ])
  })

  it('move the only instance to lane b, where its lane can always use one of its seats', () => {
    const rows = [...holds('maint', 'p:b'), row('p', 'i'), row('p:b', 'i:spare')]
    expect(moveIn(rows, 'p', 'i', address, 'b')).toEqual([
      'add server p/i:spare 10.0.0.1:80 backup',
      'enable health p/i:spare',
      'set server p/i:spare state ready',
      'set server p/i state drain',
      `add server p:b/i 10.0.0.1:80 ${own}`,
      'enable health p:b/i',
      'set server p:b/i state ready',
      'set server p:b/:hold state ready',
      'set server p:b/i:spare state drain',
    ])
  })

  it('let requests wait only where no spare seat is', () => {
    expect(endHolds([...holds(), row('p', 'i'), row('p:b', 'i:spare')], 'p')).toEqual([
      'set server p:b/:hold state maint',
    ])
    expect(endHolds([...holds('maint', 'p:b'), row('p', 'i'), row('p:b', 'i:spare')], 'p')).toEqual([])
    expect(endHolds([...holds(), row('p', 'i'), row('p:b', 'i:spare', 'drain')], 'p')).toEqual([])
  })

  it('drain one of two without holding requests, and the last one with', () => {
    const one = [row('p', 'i'), row('p:b', 'i:spare')]
    const two = [...one, row('p', 'j'), row('p:b', 'j:spare')]
    const drained = ['set server p/i state drain', 'set server p:b/i:spare state drain']
    expect(drain([...holds('maint', 'p:b'), ...two], 'i')).toEqual(drained)
    expect(drain([...holds('maint', 'p:b'), ...one], 'i')).toEqual(['set server p:b/:hold state ready', ...drained])
    expect(drain(two, 'k')).toEqual([])
  })

  it('remove what an instance has in both lanes', () => {
    const rows = [row('p', 'i', 'drain'), row('p:b', 'i:spare', 'drain'), row('p:b', 'i', 'drain')]
    expect(remove([...holds(), ...rows], 'i')).toEqual([
      ...['p/i', 'p:b/i:spare', 'p:b/i'].map((seat) => `set server ${seat} state maint`),
      ...['p/i', 'p:b/i:spare', 'p:b/i'].map((seat) => `del server ${seat}`),
    ])
  })
})

function row(backend: string, server: string, admin: ServerRow['admin'] = 'ready'): ServerRow {
  return { backend, server, address, admin, up: true }
}

/** Where requests wait in both lanes; in `backend` it is switched to `admin`. */
function holds(admin: ServerRow['admin'] = 'ready', backend?: string): readonly ServerRow[] {
  return ['p', 'p:b'].map((each) => row(each, ':hold', each === backend ? admin : 'ready'))
}
