import { beforeEach, expect, test } from 'vitest'
import type { AccessEvent, AccessInput, AccessLink } from '../../src/controller/commands.ts'
import { castEvents } from '../../src/recording/asciicast.ts'
import {
  by,
  clock,
  controller,
  fleet,
  live,
  machine,
  openWorld,
  passing,
  proxy,
  recordings,
  result,
  scope,
  stack,
  startController,
  store,
  up,
} from './small-world.ts'

/** Somebody at a terminal. */
class Person implements AccessLink {
  readonly events: AccessEvent[] = []
  readonly #inputs: AccessInput[] = []
  #notify: () => void = () => {}
  #hasLeft = false

  tell = (event: AccessEvent) => void this.events.push(event)

  types(text: string): void {
    this.#inputs.push({ kind: 'data', data: Buffer.from(text) })
    this.#notify()
  }

  leaves(): void {
    this.#hasLeft = true
    this.#notify()
  }

  get input(): AsyncIterable<AccessInput> {
    return this.#read()
  }

  async *#read(): AsyncIterable<AccessInput> {
    for (;;) {
      yield* this.#inputs.splice(0)
      if (this.#hasLeft) return
      await new Promise<void>((resolve) => (this.#notify = resolve))
    }
  }

  kinds = () => this.events.map(({ kind }) => kind).filter((kind, index, all) => kind !== all[index - 1])
  printed = () =>
    this.events.flatMap((event) => (event.kind === 'data' ? [Buffer.from(event.data).toString()] : [])).join('')
  last = () => this.events.at(-1)
}

const request = (instance: string, forMs = 600_000) => ({
  ...scope,
  by,
  instance,
  reason: 'it leaks',
  command: ['/bin/sh'],
  forMs,
  size: { columns: 80, rows: 24 },
})

const first = () => live()[0] ?? ''
const kindsOf = async (instance: string) => (await store.entries({ instance })).map(({ kind }) => kind)
const isRouted = (instance: string) => [...proxy.servers.values()].some((server) => server.instance === instance)

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (const limitMs = clock.now() + 120_000; !isSo(); await clock.advance(50))
    if (clock.now() > limitMs) throw new Error(`not within two minutes: ${what}`)
}

beforeEach(async () => {
  await openWorld()
  await result(up(stack()))
})

test('an instance is on record as opened, drains, is entered, and is destroyed with its evidence kept', async () => {
  const [name, ada] = [first(), new Person()]
  const over = controller.access(request(name), ada)
  await until('it is open', () => ada.kinds().includes('opened'))
  expect(isRouted(name)).toBe(false)
  expect((await fleet())?.instances.find((each) => each.name === name)).toMatchObject({
    state: 'tainted',
    detail: 'opened by ada: it leaks',
  })
  ada.types('hello')
  await until('it is echoed', () => ada.printed() === 'hello')
  await clock.advance(60_000)
  expect(await fleet()).toMatchObject({ ready: 3, serving: 3 })
  expect(live()).toContain(name)
  ada.types('exit 3')
  await passing(over)
  expect(ada.last()).toMatchObject({ kind: 'closed', exitCode: 3, message: 'the program ended with code 3' })
  await until('it is gone', () => !live().includes(name))
  const kinds = await kindsOf(name)
  const told = ['access.opened', 'unroute.intent', 'unroute.done', 'access.closed', 'isolate.intent', 'isolate.done']
  expect(kinds.slice(kinds.indexOf('access.opened'))).toEqual([
    ...told,
    'capture.intent',
    'capture.done',
    'destroy.intent',
    'destroy.done',
  ])
  const [text = ''] = recordings.texts.values()
  expect(castEvents(text).map((event) => event.code + event.text)).toEqual([
    'ihello',
    'ohello',
    'iexit 3',
    'o\r\n[repave: the program ended with code 3]\r\n',
  ])
  const [access] = await controller.accesses(scope)
  expect(access).toMatchObject({ instance: name, by, reason: 'it leaks', digest: recordings.digest(access?.id ?? 0) })
})

test('it is closed when its time is over, and warned of a minute before', async () => {
  const [name, ada] = [first(), new Person()]
  const over = controller.access(request(name), ada)
  await until('it is open', () => ada.kinds().includes('opened'))
  await clock.advance(539_000)
  expect(ada.printed()).toBe('')
  await clock.advance(2_000)
  expect(ada.printed()).toContain('closes in a minute')
  await passing(over)
  expect(ada.last()).toMatchObject({ kind: 'closed', message: 'its time of 10 m is over' })
  await until('it is gone', () => !live().includes(name))
})

test('it ends when whoever opened it leaves, and when its instance dies', async () => {
  for (const end of [(person: Person) => person.leaves(), (_: Person, name: string) => machine.die(name)]) {
    const [name, ada] = [first(), new Person()]
    const over = controller.access(request(name), ada)
    await until('it is open', () => ada.kinds().includes('opened'))
    end(ada, name)
    await passing(over)
    await until('another has its place', () => live().length === 3 && !isRouted(name))
  }
})

test('only one opens an instance, and none that is tainted or unknown', async () => {
  const [name, ada, bob] = [first(), new Person(), new Person()]
  const over = controller.access(request(name), ada)
  await passing(controller.access(request(name), bob))
  expect(bob.last()).toMatchObject({ kind: 'error', error: { code: 'NOT_PERMITTED' } })
  await passing(controller.access(request('web-none'), bob))
  expect(bob.last()).toMatchObject({ kind: 'error', error: { code: 'INSTANCE_UNKNOWN' } })
  const other = live().find((each) => each !== name) ?? ''
  machine.touch(other)
  await clock.advance(1)
  await passing(controller.access(request(other), bob))
  expect(bob.last()).toMatchObject({ kind: 'error' })
  ada.leaves()
  await passing(over)
})

test('to open three is no attack', async () => {
  for (let count = 0; count < 3; count++) {
    const ada = new Person()
    const name = live().find((each) => isRouted(each)) ?? ''
    const over = controller.access(request(name), ada)
    await until('it is open', () => ada.kinds().includes('opened'))
    ada.leaves()
    await passing(over)
    await until('all is whole', () => live().length === 3 && !live().includes(name))
  }
  const kinds = (await store.entries({})).map(({ kind }) => kind)
  expect(kinds).not.toContain('escalation.began')
  expect(kinds).not.toContain('sensor.suspected')
})

test.each(['access.opened', 'unroute.intent', 'unroute.done', 'opened'])(
  'whose controller ends after %s is never routed to again, and destroyed',
  async (point) => {
    const [name, ada] = [first(), new Person()]
    void controller.access(request(name), ada)
    const isReached = async () => (await kindsOf(name)).includes(point) || ada.kinds().some((kind) => kind === point)
    for (let steps = 0; !(await isReached()) && steps < 10_000; steps++) await clock.step()
    const [{ sequence } = { sequence: 0 }] = await store.entries({ instance: name, last: 1 })
    await passing(controller.stop())
    await startController()
    await until('it is gone', () => !live().includes(name))
    const since = await store.entries({ after: sequence })
    expect(since.some(({ kind, instance }) => kind === 'route.intent' && instance === name)).toBe(false)
    expect(since.map(({ kind }) => kind)).toContain('access.closed')
    expect(since.map(({ kind }) => kind)).toContain('capture.done')
    await until('all is whole', () => live().filter(isRouted).length === 3)
  },
)
