import { expect, test } from 'vitest'
import { parseSockets, parseUnixSockets } from './socket-tables.ts'
import { writableRegions } from './process-memory.ts'

test('tables of sockets have addresses as people write them', () => {
  const heading = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
  const tcp = `${heading}   0: 020011AC:1F90 010011AC:D4B2 01 00000000:00000000 00:00000000 00000000  1000        0 4711 1\n`
  expect(parseSockets('tcp', tcp)).toEqual([
    {
      protocol: 'tcp',
      local: '172.17.0.2:8080',
      remote: '172.17.0.1:54450',
      state: 'established',
      uid: 1000,
      inode: 4711,
    },
  ])
  const tcp6 = `${heading}   0: 00000000000000000000000000000000:1F90 0000000000000000FFFF00000100007F:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12 1\n`
  expect(parseSockets('tcp6', tcp6)).toEqual([
    { protocol: 'tcp6', local: '[::]:8080', remote: '[::ffff:7f00:1]:0', state: 'listening', uid: 0, inode: 12 },
  ])
  expect(parseSockets('udp', heading)).toEqual([])
})

test('unix sockets are told by their path and whether they listen', () => {
  const table =
    'Num       RefCount Protocol Flags    Type St Inode Path\n' +
    '0000000000000000: 00000002 00000000 00010000 0001 01 31415 /tmp/a socket\n' +
    '0000000000000000: 00000003 00000000 00000000 0001 03 31416\n'
  expect(parseUnixSockets(table)).toEqual([
    { path: '/tmp/a socket', isListening: true, inode: 31_415 },
    { path: '', isListening: false, inode: 31_416 },
  ])
})

test('writable memory is what is private and may be written', () => {
  const maps =
    '00400000-00500000 r-xp 00000000 00:20 1 /bin/busybox\n' +
    '006ff000-00701000 rw-p 000ff000 00:20 1 /bin/busybox\n' +
    '7f0000000000-7f0000001000 rw-s 00000000 00:05 9 /dev/shm/x\n' +
    '7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0 [stack]\n'
  expect(writableRegions(maps)).toEqual([
    [0x6ff000, 0x701000],
    [0x7ffc00000000, 0x7ffc00021000],
  ])
})
