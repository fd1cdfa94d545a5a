import { expect, test } from 'vitest'
import { connectorAddress, listenRequest, readProcessEvent } from './process-events.ts'

const netlinkHeader = '4c000000030000000000000000000000'
const connectorHeader = '01000000010000000a0000000000000028000000'

/** On x86-64: `struct nlmsghdr`, `struct cn_msg`, kind, processor, time, then numbers of 32 bits. */
function message(kind: string, ...numbers: readonly string[]): Buffer {
  const data = numbers.join('').padEnd(48, '0')
  return Buffer.from(`${netlinkHeader}${connectorHeader}${kind}010000008877665544332211${data}`, 'hex')
}

const pid = 'd2040000' // 1234
const thread = 'd3040000'
const other = '2e160000' // 5678

test.each([
  ['none', message('00000000', '00000000'), { kind: 'acknowledged', error: 0 }],
  ['none, with an error', message('00000000', '01000000'), { kind: 'acknowledged', error: 1 }],
  ['fork', message('01000000', thread, pid, other, other), { kind: 'forked', parent: 1234, child: 5678 }],
  ['fork of a thread', message('01000000', pid, pid, thread, pid), undefined],
  ['exec by a thread', message('02000000', thread, pid), { kind: 'executed', pid: 1234 }],
  ['uid', message('04000000', pid, pid), undefined],
  ['ptrace', message('00010000', thread, pid, thread, other), { kind: 'traced', pid: 1234, tracer: 5678 }],
  ['exit', message('00000080', pid, pid), { kind: 'ended', pid: 1234 }],
  ['exit of a thread', message('00000080', thread, pid), undefined],
])('%s', (_what, buffer, event) => {
  expect(readProcessEvent(buffer, buffer.length)).toEqual(event)
})

test.each([0, 16, 52, 59])('%i bytes are no message', (length) => {
  expect(readProcessEvent(message('01000000', pid, pid, other, other), length)).toBeUndefined()
})

test('a fork that is cut short is none', () => {
  expect(readProcessEvent(message('01000000', pid, pid, other, other), 64)).toBeUndefined()
})

test('what asks for events, of all kinds and of those that are looked at', () => {
  const header = '03000000000000000000000001000000010000000000000000000000'
  expect(listenRequest('all').toString('hex')).toBe(`28000000${header}0400000001000000`)
  expect(listenRequest('those that matter').toString('hex')).toBe(`2c000000${header}080000000100000003010080`)
})

test('the address of the connector’s group', () => {
  expect(connectorAddress().toString('hex')).toBe('100000000000000001000000')
})
