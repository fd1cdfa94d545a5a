import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readEvent } from './container-events.ts'
import { containerTouch, networkTouch } from './container-touches.ts'

/** What Docker 20.10.24 told while a person did all that can be done to an instance and to its sandbox. */
const recorded = readFileSync(new URL('recorded-events.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')

test('each event of the engine is the touch that it tells of, or none', () => {
  const told = recorded.map((line) => {
    const event = readEvent(JSON.parse(line), 'me')
    if (event === undefined) return 'not ours'
    const touch = event.kind === 'network' ? networkTouch(event) : containerTouch(event)
    return touch ? `${touch.kind}: ${touch.detail}` : `${event.action}: no touch`
  })
  expect(told).toEqual([
    'not ours',
    'not ours',
    'create: no touch',
    'network: it was connected to the network h-ev-net',
    'start: no touch',
    'create: no touch',
    'start: no touch',
    'exec: exec /bin/busybox sh -c echo "hello world"; true',
    'exec: exec /bin/busybox sh -c echo "hello world"; true',
    'exec_die: no touch',
    'copy: files were copied out',
    'copy: files were copied in',
    'export: its file system was exported',
    'pause: it was paused',
    'commit: it was committed as h-ev-commit:1',
    'pause: it was unpaused',
    'signal: signal SIGUSR1',
    'pause: it was paused',
    'pause: it was unpaused',
    'rename: it was renamed from h-ev-i to h-ev-j',
    'rename: it was renamed from h-ev-j to h-ev-i',
    'update: its limits were updated',
    'network: it was connected to the network h-ev-net2',
    'network: it was disconnected from the network h-ev-net2',
    'network: it was disconnected from the network h-ev-net2',
    'top: no touch',
    'attach: a terminal was attached',
    'signal: signal SIGTERM',
    'signal: signal SIGCONT',
    'die: no touch',
    'start: no touch',
    'signal: it was restarted',
    'signal: signal SIGTERM',
    'die: no touch',
    'signal: it was stopped',
    'start: no touch',
    'network: it was disconnected from the network h-ev-net',
    'network: it was disconnected from the network h-ev-net',
    'signal: signal SIGKILL',
    'die: no touch',
    'destroy: no touch',
    'signal: signal SIGKILL',
    'die: no touch',
    'destroy: no touch',
    'not ours',
    'not ours',
  ])
})

test('a touch has the time of the engine, and its layer', () => {
  const event = readEvent(JSON.parse(recorded[7]!), 'me')
  expect(event?.kind === 'container' && containerTouch(event)).toEqual({
    kind: 'exec',
    layer: 'events',
    atMs: JSON.parse(recorded[7]!).timeNano / 1e6,
    detail: 'exec /bin/busybox sh -c echo "hello world"; true',
  })
})

test("another owner's containers are not ours", () => {
  expect(
    recorded.map((line) => readEvent(JSON.parse(line), 'you')).filter((event) => event?.kind === 'container'),
  ).toEqual([])
})
