import { describe, expect, test } from 'vitest'
import { countSockets, heedsSignal, hasNoSockets, signalNumber } from './local-process.ts'

const heading = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
const nameServer =
  '   0: 0B00007F:AF51 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 254198 1\n'
const lingering = '   1: 0200AC11:1F90 0100AC11:D4B2 06 00000000:00000000 03:00000F2C 00000000     0        0 0 3\n'

describe('the sockets of a namespace', () => {
  test("are those of its instances, not the engine's name server", () => {
    expect(countSockets(heading)).toBe(0)
    expect(countSockets(heading + nameServer)).toBe(0)
    expect(countSockets(heading + nameServer + lingering)).toBe(1)
  })

  test('are taken to be there where that is unknown', async () => {
    expect(await hasNoSockets('no-container-of-this-machine', process.pid)).toBe(false)
  })
})

describe('a signal', () => {
  test('has the number that the kernel knows it by', () => {
    expect(['SIGTERM', 'term', '15', 'SIGNONE', ''].map(signalNumber)).toEqual([15, 15, 15, undefined, undefined])
  })

  test('is taken to be heeded where that is unknown', async () => {
    expect(await heedsSignal('no-container-of-this-machine', process.pid, 'SIGTERM')).toBe(true)
  })
})
