import { expect, test } from 'vitest'
import { describeFileEvent, fileEvents, permissionAnswer, readFileEvents } from './fanotify-records.ts'

/** As a kernel 6.18 wrote them, on x86-64. */
const withDescriptor = Buffer.from('1800000003001800020000000000000017000000b94a0000', 'hex')
const withName = Buffer.from(
  '44000000' + // 68 bytes in all
    '03001800' + // version 3, 24 bytes of header
    '0a01000000000000' + // created, written, closed
    'ffffffffb94a0000' + // no descriptor, pid 19129
    '02002c00' + // folder and name, 44 bytes
    '51dbfdd0dfa1709f' + // file system
    '0c0000000100000039b1107a0400000000000000' + // a handle of 12 bytes
    '66696c652e74787400000000', // file.txt, filled up
  'hex',
)
const ofFolder = Buffer.from(
  '3c00000003001800' +
    '0400004000000000' +
    'ffffffffb94a0000' +
    '0200240051dbfdd0dfa1709f0c0000000100000039b1107a04000000000000002e000000',
  'hex',
)
const folder = '0c0000000100000039b1107a0400000000000000'

/** With names read out. */
function eventsIn(buffer: Buffer) {
  return [...readFileEvents(buffer, buffer.length)].map(({ named, ...event }) =>
    named ? { ...event, fileSystem: named.fileSystem, ...named.name() } : event,
  )
}

test('an event with a descriptor', () => {
  expect(eventsIn(withDescriptor)).toEqual([{ mask: fileEvents.modified, pid: 19_129, descriptor: 23 }])
})

test('an event with the folder and a name', () => {
  const mask = fileEvents.created | fileEvents.modified | fileEvents.closedAfterWriting
  expect(eventsIn(withName)).toEqual([
    { mask, pid: 19_129, descriptor: -1, fileSystem: '51dbfdd0dfa1709f', folder, name: 'file.txt' },
  ])
})

test('an event of a folder itself', () => {
  const mask = fileEvents.attributes | fileEvents.onFolder
  expect(eventsIn(ofFolder)).toEqual([
    { mask, pid: 19_129, descriptor: -1, fileSystem: '51dbfdd0dfa1709f', folder, name: '.' },
  ])
})

test('several in one piece, and nothing of what lies behind it', () => {
  const both = Buffer.concat([withName, withDescriptor, ofFolder])
  const read = [...readFileEvents(both, withName.length + withDescriptor.length)]
  expect(read.map(({ descriptor }) => descriptor)).toEqual([-1, 23])
})

test.each([0, 1, 23, 200])('a record that says it is %i bytes long ends it', (length) => {
  const broken = Buffer.from(withDescriptor)
  broken.writeUInt32LE(length)
  expect([...readFileEvents(broken, broken.length)]).toEqual([])
})

test('a queue that ran over', () => {
  const overflow = Buffer.from('18000000030018000040000000000000ffffffff00000000', 'hex')
  expect([...readFileEvents(overflow, overflow.length)]).toEqual([
    { mask: fileEvents.queueOverflow, pid: 0, descriptor: -1 },
  ])
})

test('answers', () => {
  expect(permissionAnswer(25, true).toString('hex')).toBe('1900000001000000')
  expect(permissionAnswer(25, false).toString('hex')).toBe('1900000002000000')
})

test.each([
  [fileEvents.created | fileEvents.closedAfterWriting, 'created'],
  [fileEvents.deleted | fileEvents.onFolder, 'deleted'],
  [fileEvents.movedTo, 'moved'],
  [fileEvents.modified, 'written'],
  [fileEvents.closedAfterWriting, 'written'],
  [fileEvents.attributes, 'given other attributes'],
])('mask %i in words', (mask, words) => {
  expect(describeFileEvent(mask)).toBe(words)
})
