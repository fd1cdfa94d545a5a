/**
 * What every engine must hold to: each sentence of `engine.ts` as a test, run against every implementation.
 *
 *     engineContract('memory', () => setUpMemoryEngine())
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { RepaveError, type ErrorCode } from '../errors.ts'
import type { Scope } from '../model/stack.ts'
import { defaultHardening, versionId, type VersionSpec } from '../model/version.ts'
import type {
  Engine,
  EngineEvent,
  ImageRequest,
  InstanceOrder,
  LogLine,
  LogOptions,
  ObservedInstance,
  PreparedImage,
} from './engine.ts'

/** Argument vectors that the fixture's image can run. */
export interface ContractPrograms {
  /** Runs until it is asked to end, and then ends with code 0. */
  readonly polite: readonly string[]
  /** Runs on when it is asked to end. */
  readonly stubborn: readonly string[]
  /** Cannot be executed at all. */
  readonly missing: readonly string[]
  /** Ends by itself with `code`. */
  exit(code: number): readonly string[]
  /** Writes the lines `1` to `count`, then runs until it is asked to end. */
  count(count: number): readonly string[]
  /** Writes `out` to stdout and `err` to stderr, then ends. */
  readonly bothStreams: readonly string[]
}

/** An engine under test, its neighbour on the same machine, and what people outside of both may do. */
export interface EngineFixture {
  readonly engine: Engine
  /** Another controller's engine on the same machine. */
  readonly neighbour: Engine
  readonly image: PreparedImage
  /** A name under which the machine has `image`. */
  readonly imageReference: string
  readonly programs: ContractPrograms
  /** A build that succeeds, and one that fails after saying `broken on purpose`. */
  goodBuild(): ImageRequest
  badBuild(): ImageRequest
  /** Kills the process of a running instance from outside. */
  kill(name: string): Promise<void>
  /** Does something to a running instance that leaves it running. */
  touch(name: string): Promise<void>
  /** Changes from outside a limit of a running instance, which makes it another version. */
  alter(name: string): Promise<void>
  /** Puts something that belongs to no controller where an instance of that name would be. */
  occupy(name: string): Promise<void>
  /** Whether what `occupy` put there is untouched. */
  isOccupied(name: string): Promise<boolean>
  /** The last exit code that the machine's own record has for that name, also after its removal. */
  recordedExit(name: string): Promise<number | undefined>
  /** Breaks the event connection; the engine has to come back by itself. */
  cutEvents(): Promise<void>
  /** Removes all that the fixture made, `occupy` included. */
  cleanup(): Promise<void>
}

const deadlineMs = 20_000
const testTimeoutMs = 60_000

export function engineContract(name: string, setUp: () => Promise<EngineFixture>): void {
  describe(`${name} keeps the engine contract`, { timeout: testTimeoutMs }, () => {
    let fixture: EngineFixture
    let engine: Engine
    let desk: OrderDesk

    beforeAll(async () => {
      fixture = await setUp()
      engine = fixture.engine
    }, testTimeoutMs)
    beforeEach(() => {
      desk = new OrderDesk(fixture.image)
    })
    afterEach(async () => {
      await removeAll(fixture.engine)
      await removeAll(fixture.neighbour)
    }, testTimeoutMs)
    afterAll(() => fixture?.cleanup(), testTimeoutMs)

    const running = async (change: Partial<VersionSpec> = {}): Promise<InstanceOrder> => {
      const order = desk.order({ command: fixture.programs.polite, ...change })
      await engine.create(order)
      await engine.start(order.name)
      return order
    }

    describe('version', () => {
      test('names the engine that answers', async () => {
        expect(engine.kind).not.toBe('')
        expect(await engine.version()).toMatch(/\S/)
      })
    })

    describe('prepare', () => {
      test('uses what the engine has under a name', async () => {
        expect(await engine.prepare({ kind: 'reference', reference: fixture.imageReference })).toEqual(fixture.image)
      })

      test('takes a name and its locked digest', async () => {
        const { digest } = fixture.image
        const request: ImageRequest = { kind: 'reference', reference: fixture.imageReference, digest }
        expect(await engine.prepare(request)).toMatchObject({ digest })
      })

      test('refuses other content than the locked digest', async () => {
        const request = { kind: 'reference', reference: fixture.imageReference, digest: absentDigest } as const
        await expectCode(engine.prepare(request), 'IMAGE_NOT_FOUND')
      })

      test('finds content by its digest', async () => {
        const { digest } = fixture.image
        expect(await engine.prepare({ kind: 'digest', digest })).toMatchObject({ digest })
      })

      test('knows no image that nobody has', async () => {
        await expectCode(engine.prepare({ kind: 'digest', digest: absentDigest }), 'IMAGE_NOT_FOUND')
        const reference = 'localhost:1/nobody/has-this:1'
        await expectCode(engine.prepare({ kind: 'reference', reference }), 'IMAGE_NOT_FOUND')
      })

      test('builds, and keeps the result', async () => {
        const words: string[] = []
        const built = await engine.prepare(fixture.goodBuild(), (line) => words.push(line))
        expect(built.digest).toMatch(/^sha256:[0-9a-f]{64}$/)
        expect(words).not.toEqual([])
        expect(await engine.prepare({ kind: 'digest', digest: built.digest })).toMatchObject({ digest: built.digest })
      })

      test('says why a build failed', async () => {
        const error = await expectCode(engine.prepare(fixture.badBuild()), 'BUILD_FAILED')
        expect(`${error.message} ${error.hint}`).toContain('broken on purpose')
      })
    })

    describe('create', () => {
      test('makes an instance that does not run', async () => {
        const order = desk.order({ command: fixture.programs.polite })
        await engine.create(order)
        const instance = await find(engine, order.name)
        expect(instance).toMatchObject({
          name: order.name,
          stack: order.stack,
          environment: order.environment,
          service: order.service,
          phase: 'created',
          createdAtMs: expect.any(Number),
        })
        expect(instance).not.toHaveProperty('startedAtMs')
        expect(instance).not.toHaveProperty('exit')
        expect(instance).not.toHaveProperty('address')
      })

      test('twice is one instance, in a row and at once', async () => {
        const order = desk.order({ command: fixture.programs.polite })
        await Promise.all([engine.create(order), engine.create(order)])
        const first = await find(engine, order.name)
        await engine.create(order)
        expect(await list(engine)).toEqual([first])
      })

      test('of a running instance leaves it running', async () => {
        const order = await running()
        const before = await find(engine, order.name)
        await engine.create(order)
        expect(await list(engine)).toEqual([before])
      })

      test('refuses a name that something foreign has, and leaves that alone', async () => {
        const order = desk.order({ command: fixture.programs.polite })
        await fixture.occupy(order.name)
        await expectCode(engine.create(order), 'NAME_TAKEN')
        expect(await fixture.isOccupied(order.name)).toBe(true)
        expect(await list(engine)).toEqual([])
      })

      test("refuses a name that another controller's instance has", async () => {
        const order = desk.order({ command: fixture.programs.polite })
        await fixture.neighbour.create(order)
        await expectCode(engine.create(order), 'NAME_TAKEN')
        expect(await list(fixture.neighbour)).toHaveLength(1)
      })

      test('needs the image to be there', async () => {
        const order = desk.order({ command: fixture.programs.polite, image: absentDigest })
        await expectCode(engine.create(order), 'IMAGE_NOT_FOUND')
        expect(await list(engine)).toEqual([])
      })
    })

    describe('the version', () => {
      const specs: Readonly<Record<string, Partial<VersionSpec>>> = {
        'of a plain instance': {},
        'with an environment': { environment: { EMPTY: '', EQUALS: 'a=b', UNICODE: 'grüß 🌍', LINES: 'a\nb' } },
        'with a user and a working directory': { user: '1000:2000', workingDirectory: '/tmp' },
        'without a port': { port: null, health: { kind: 'process', ...timing } },
        'with an HTTP check': { health: { kind: 'http', path: '/healthz?a=b', ...timing } },
        'with limits': { resources: { cpuMillis: 250, memoryBytes: 33_554_432, pids: 12 } },
        'with writable places': { tmpfs: ['/run/app', '/tmp'] },
        'with less hardening': {
          hardening: { readOnlyRoot: false, noNewPrivileges: false, capabilities: ['CHOWN', 'NET_BIND_SERVICE'] },
        },
      }

      test.each(Object.entries(specs))('%s is the one it claims, created and running', async (_, change) => {
        const order = desk.order({ command: fixture.programs.polite, ...change })
        await engine.create(order)
        const claim = { claimed: order.version, version: order.version }
        expect(await find(engine, order.name)).toMatchObject(claim)
        await engine.start(order.name)
        expect(await find(engine, order.name)).toMatchObject({ ...claim, phase: 'running' })
      })

      test('of an instance that was altered is no longer the one it claims', async () => {
        const order = await running()
        await fixture.alter(order.name)
        const [instance] = (await engine.observe({ fresh: true })).instances
        expect(instance?.claimed).toBe(order.version)
        expect(instance?.version).not.toBe(order.version)
      })
    })

    describe('start', () => {
      test('runs a created instance at an address of its own', async () => {
        const orders = [await running(), await running()]
        const instances = await Promise.all(orders.map((order) => find(engine, order.name)))
        for (const instance of instances) {
          expect(instance).toMatchObject({ phase: 'running', address: { port: 8080 } })
          expect(instance?.startedAtMs).toBeGreaterThanOrEqual(instance?.createdAtMs ?? Infinity)
          expect(instance).not.toHaveProperty('exit')
        }
        expect(new Set(instances.map((instance) => instance?.address?.host)).size).toBe(2)
      })

      test('gives no address to an instance without a port', async () => {
        const order = await running({ port: null, health: { kind: 'process', ...timing } })
        expect(await find(engine, order.name)).not.toHaveProperty('address')
      })

      test('twice is once', async () => {
        const order = await running()
        const before = await find(engine, order.name)
        await engine.start(order.name)
        expect(await find(engine, order.name)).toEqual(before)
      })

      test('never runs an instance a second time', async () => {
        const order = await running({ command: fixture.programs.exit(0) })
        const exited = await untilExited(engine, order.name)
        await engine.start(order.name)
        expect(await find(engine, order.name)).toEqual(exited)
      })

      test('says that an instance can never run', async () => {
        const order = desk.order({ command: fixture.programs.missing })
        await engine.create(order)
        const error = await expectCode(engine.start(order.name), 'INSTANCE_CANNOT_RUN')
        expect(error.message).toContain(order.name)
        expect((await find(engine, order.name))?.phase).not.toBe('running')
      })

      test('knows no instance that was never made, nor a foreign one', async () => {
        await expectCode(engine.start(desk.order({}).name), 'INSTANCE_UNKNOWN')
        const foreign = desk.order({ command: fixture.programs.polite })
        await fixture.neighbour.create(foreign)
        await expectCode(engine.start(foreign.name), 'INSTANCE_UNKNOWN')
        expect(await find(fixture.neighbour, foreign.name)).toMatchObject({ phase: 'created' })
      })
    })

    describe('an exit', () => {
      test.each([0, 3])('with code %i is observed', async (code) => {
        const order = await running({ command: fixture.programs.exit(code) })
        const instance = await untilExited(engine, order.name)
        expect(instance).toMatchObject({ version: order.version, exit: { code, outOfMemory: false } })
        expect(instance.exit?.atMs).toBeGreaterThanOrEqual(instance.startedAtMs ?? Infinity)
        expect(instance).not.toHaveProperty('address')
      })

      test('by a kill from outside is observed', async () => {
        const order = await running()
        await fixture.kill(order.name)
        expect(await untilExited(engine, order.name)).toMatchObject({ exit: { code: 137 } })
      })
    })

    describe('destroy', () => {
      test('asks a running instance to end', async () => {
        const order = await running()
        await engine.destroy(order.name, deadlineMs)
        expect(await list(engine)).toEqual([])
        await vi.waitFor(async () => expect(await fixture.recordedExit(order.name)).toBe(0), deadlineMs)
      })

      test('kills one that does not end within the grace', async () => {
        const order = await running({ command: fixture.programs.stubborn })
        await engine.destroy(order.name, 200)
        expect(await list(engine)).toEqual([])
        await vi.waitFor(async () => expect(await fixture.recordedExit(order.name)).toBe(137), deadlineMs)
      })

      test('without grace kills at once', async () => {
        const order = await running({ command: fixture.programs.stubborn })
        await engine.destroy(order.name, 0)
        expect(await list(engine)).toEqual([])
      })

      test('removes what never ran and what has ended', async () => {
        const created = desk.order({ command: fixture.programs.polite })
        await engine.create(created)
        const exited = await running({ command: fixture.programs.exit(1) })
        await untilExited(engine, exited.name)
        await Promise.all([engine.destroy(created.name, deadlineMs), engine.destroy(exited.name, deadlineMs)])
        expect(await list(engine)).toEqual([])
      })

      test('twice is once, in a row and at once', async () => {
        const order = await running()
        await Promise.all([engine.destroy(order.name, deadlineMs), engine.destroy(order.name, deadlineMs)])
        await engine.destroy(order.name, deadlineMs)
        expect(await list(engine)).toEqual([])
      })

      test('spares what is foreign', async () => {
        const order = desk.order({ command: fixture.programs.polite })
        await fixture.occupy(order.name)
        await engine.destroy(order.name, 0)
        expect(await fixture.isOccupied(order.name)).toBe(true)
        const neighbours = desk.order({ command: fixture.programs.polite })
        await fixture.neighbour.create(neighbours)
        await engine.destroy(neighbours.name, 0)
        expect(await list(fixture.neighbour)).toHaveLength(1)
      })

      test('leaves the name free for the next', async () => {
        const order = await running()
        await engine.destroy(order.name, 0)
        await engine.create(order)
        await engine.start(order.name)
        expect(await find(engine, order.name)).toMatchObject({ phase: 'running' })
      })
    })

    describe('observe', () => {
      test("shows this controller's instances only", async () => {
        const own = desk.order({ command: fixture.programs.polite })
        const foreign = new OrderDesk(fixture.image).order({ command: fixture.programs.polite })
        await engine.create(own)
        await fixture.neighbour.create(foreign)
        await fixture.occupy(desk.order({}).name)
        expect((await list(engine)).map((instance) => instance.name)).toEqual([own.name])
        expect((await list(fixture.neighbour)).map((instance) => instance.name)).toEqual([foreign.name])
      })

      test('remembers nothing wrong', async () => {
        const orders = [await running(), await running()]
        await engine.observe()
        await engine.destroy(orders[0]!.name, 0)
        await fixture.kill(orders[1]!.name)
        const exited = await untilExited(engine, orders[1]!.name)
        expect(await engine.observe({ fresh: true })).toMatchObject({ instances: [exited] })
      })

      test('can look while instances come and go', async () => {
        const orders = Array.from({ length: 4 }, () => desk.order({ command: fixture.programs.polite }))
        const done = new AbortController()
        const life = Promise.all(
          orders.map(async (order) => {
            await engine.create(order)
            await engine.destroy(order.name, 0)
          }),
        ).finally(() => done.abort())
        while (!done.signal.aborted) {
          const { instances } = await engine.observe({ fresh: true })
          for (const { claimed, version } of instances) expect(version).toBe(claimed)
        }
        await life
      })
    })

    describe('scopes', () => {
      test('are shown as soon as something is held for them', async () => {
        await engine.reserve(desk.scope, 1)
        await engine.reserve(desk.scope, 1)
        expect(await scopesOf(engine)).toEqual([desk.scope])
        expect(await list(engine)).toEqual([])
      })

      test('take instances, reserved or not', async () => {
        await engine.reserve(desk.scope, 1)
        const orders = await Promise.all([running(), running()])
        expect(await list(engine)).toHaveLength(orders.length)
        expect(await scopesOf(engine)).toEqual([desk.scope])
      })

      test('are gone when retired', async () => {
        await engine.reserve(desk.scope, 2)
        const order = await running()
        await engine.destroy(order.name, 0)
        await engine.retire(desk.scope)
        await engine.retire(desk.scope)
        expect(await scopesOf(engine)).toEqual([])
      })

      test('are left alone as long as they have instances', async () => {
        const order = await running()
        const before = await find(engine, order.name)
        await engine.retire(desk.scope)
        expect(await find(engine, order.name)).toEqual(before)
        expect(await scopesOf(engine)).toEqual([desk.scope])
      })

      test('of a neighbour are none of ours', async () => {
        await fixture.neighbour.reserve(desk.scope, 1)
        expect(await scopesOf(engine)).toEqual([])
        await engine.retire(desk.scope)
        expect((await fixture.neighbour.observe()).scopes).toEqual([desk.scope])
      })
    })

    describe('logs', () => {
      test('are the lines that were written, oldest first', async () => {
        const order = await running({ command: fixture.programs.count(30) })
        const texts = Array.from({ length: 30 }, (_, index) => `${index + 1}`)
        await vi.waitFor(async () => {
          const lines = await collect(engine, order.name)
          expect(lines.map((line) => line.text)).toEqual(texts)
        }, deadlineMs)
        const times = (await collect(engine, order.name)).map((line) => line.atMs)
        expect(times).toEqual(times.toSorted((a, b) => a - b))
      })

      test('name their stream and their instance, also after its end', async () => {
        const order = await running({ command: fixture.programs.bothStreams })
        await untilExited(engine, order.name)
        const lines = await collect(engine, order.name)
        expect(lines.toSorted((a, b) => a.text.localeCompare(b.text))).toEqual([
          { instance: order.name, stream: 'stderr', atMs: expect.any(Number), text: 'err' },
          { instance: order.name, stream: 'stdout', atMs: expect.any(Number), text: 'out' },
        ])
      })

      test('begin with the last lines where that is asked', async () => {
        const order = await running({ command: fixture.programs.count(30) })
        await vi.waitFor(async () => expect(await collect(engine, order.name)).toHaveLength(30), deadlineMs)
        const lines = await collect(engine, order.name, { tail: 2 })
        expect(lines.map((line) => line.text)).toEqual(['29', '30'])
        expect(await collect(engine, order.name, { tail: 0 })).toEqual([])
      })

      test('are followed until the instance ends', async () => {
        const order = await running({ command: fixture.programs.count(3) })
        const texts: string[] = []
        for await (const line of engine.logs(order.name, { follow: true })) {
          texts.push(line.text)
          if (texts.length === 3) await fixture.kill(order.name)
        }
        expect(texts).toEqual(['1', '2', '3'])
      })

      test('are followed until the reader aborts', async () => {
        const order = await running({ command: fixture.programs.count(3) })
        const reader = new AbortController()
        let seen = 0
        for await (const _ of engine.logs(order.name, { follow: true, signal: reader.signal })) {
          seen += 1
          if (seen === 3) reader.abort()
        }
        expect(seen).toBe(3)
        expect(await find(engine, order.name)).toMatchObject({ phase: 'running' })
      })

      test('are empty for an instance that never ran', async () => {
        const order = desk.order({ command: fixture.programs.polite })
        await engine.create(order)
        expect(await collect(engine, order.name)).toEqual([])
      })

      test('of an unknown instance are an error', async () => {
        await expectCode(collect(engine, desk.order({}).name), 'INSTANCE_UNKNOWN')
      })
    })

    describe('watch', () => {
      let watch: Watch
      beforeEach(async () => {
        watch = await Watch.open(engine, desk, fixture)
      }, testTimeoutMs)
      afterEach(() => watch.close(), testTimeoutMs)

      test('tells of a start, a touch and a death', async () => {
        const order = await running()
        await watch.untilChanged(order.name)
        await fixture.touch(order.name)
        await watch.untilChanged(order.name)
        await untilQuiet(watch)
        await fixture.kill(order.name)
        await watch.untilChanged(order.name)
      })

      test('misses no death', async () => {
        const orders = await Promise.all(Array.from({ length: 4 }, () => running()))
        await untilQuiet(watch)
        await Promise.all(orders.map((order) => fixture.kill(order.name)))
        await Promise.all(orders.map((order) => watch.untilChanged(order.name)))
      })

      test("tells nothing of a neighbour's instances", async () => {
        const foreign = new OrderDesk(fixture.image).order({ command: fixture.programs.exit(0) })
        await fixture.neighbour.create(foreign)
        await fixture.neighbour.start(foreign.name)
        await untilExited(fixture.neighbour, foreign.name)
        const own = await running()
        await watch.untilChanged(own.name)
        expect(watch.instances()).not.toContain(foreign.name)
      })

      test('says that it may have missed something, and goes on', async () => {
        await fixture.cutEvents()
        await watch.until((event) => event.kind === 'lost')
        const order = await running()
        await watch.untilChanged(order.name)
      })

      test('ends when the signal aborts', async () => {
        await watch.close()
        await watch.ended
      })
    })
  })
}

const absentDigest = `sha256:${'0'.repeat(64)}` as const
const timing = { intervalMs: 1000, timeoutMs: 1000, healthyAfter: 1, unhealthyAfter: 3 } as const

/** Writes orders of one scope that no other test has, named as the controller would name them. */
class OrderDesk {
  readonly scope: Scope
  readonly #image: PreparedImage
  #orders = 0

  constructor(image: PreparedImage) {
    this.#image = image
    this.scope = { stack: `contract-${crypto.randomUUID().slice(0, 8)}`, environment: 'test' }
  }

  order(change: Partial<VersionSpec>): InstanceOrder {
    const spec = { ...plainSpec(this.#image), ...change }
    const version = versionId(spec)
    const { stack, environment } = this.scope
    this.#orders += 1
    const name = `${stack}-${environment}-web-${version.slice(0, 8)}-${this.#orders}`
    return { ...this.scope, service: 'web', name, version, spec }
  }
}

function plainSpec(image: PreparedImage): VersionSpec {
  return {
    image: image.digest,
    command: [...image.entrypoint, ...image.command],
    workingDirectory: '/',
    environment: {},
    user: '65532',
    port: 8080,
    health: { kind: 'tcp', ...timing },
    resources: { cpuMillis: 500, memoryBytes: 67_108_864, pids: 32 },
    tmpfs: ['/tmp'],
    hardening: defaultHardening,
  }
}

/** An open `watch`, and the events that have not been asked for yet. */
class Watch {
  readonly ended: Promise<void>
  readonly #abort = new AbortController()
  readonly #seen: EngineEvent[] = []
  #unread: EngineEvent[] = []

  private constructor(engine: Engine) {
    this.ended = engine.watch((event) => {
      this.#seen.push(event)
      this.#unread.push(event)
    }, this.#abort.signal)
  }

  /** Opens a watch and waits until it is known to report: connecting takes an engine its time. */
  static async open(engine: Engine, desk: OrderDesk, fixture: EngineFixture): Promise<Watch> {
    const watch = new Watch(engine)
    const order = desk.order({ command: fixture.programs.polite })
    await vi.waitFor(async () => {
      await engine.create(order)
      await engine.destroy(order.name, 0)
      expect(watch.instances()).toContain(order.name)
    }, deadlineMs)
    await untilQuiet(watch)
    return watch
  }

  instances(): readonly string[] {
    return this.#seen.flatMap((event) => (event.kind === 'changed' ? [event.instance] : []))
  }

  /** Waits for an event that nobody has asked for, and forgets it and those before it. */
  async until(matches: (event: EngineEvent) => boolean): Promise<void> {
    const index = await vi.waitFor(() => {
      const found = this.#unread.findIndex(matches)
      expect(found).not.toBe(-1)
      return found
    }, deadlineMs)
    this.#unread = this.#unread.slice(index + 1)
  }

  async untilChanged(name: string): Promise<void> {
    await this.until((event) => event.kind === 'changed' && event.instance === name)
  }

  /** Forgets what has come so far; how much that was. */
  forget(): number {
    return this.#unread.splice(0).length
  }

  async close(): Promise<void> {
    this.#abort.abort()
    await this.ended
  }
}

/** Waits until the echoes of earlier acts have come in, so that the next event is one of what follows. */
async function untilQuiet(watch: Watch): Promise<void> {
  await vi.waitFor(() => expect(watch.forget()).toBe(0), { timeout: deadlineMs, interval: 300 })
}

async function list(engine: Engine): Promise<readonly ObservedInstance[]> {
  return (await engine.observe()).instances
}

async function scopesOf(engine: Engine): Promise<readonly Scope[]> {
  return (await engine.observe({ fresh: true })).scopes
}

async function find(engine: Engine, name: string): Promise<ObservedInstance | undefined> {
  return (await list(engine)).find((instance) => instance.name === name)
}

async function untilExited(engine: Engine, name: string): Promise<ObservedInstance> {
  return vi.waitFor(async () => {
    const instance = await find(engine, name)
    expect(instance?.phase).toBe('exited')
    return instance!
  }, deadlineMs)
}

async function collect(engine: Engine, name: string, options?: LogOptions): Promise<LogLine[]> {
  const lines: LogLine[] = []
  for await (const line of engine.logs(name, options)) lines.push(line)
  return lines
}

async function expectCode(promise: Promise<unknown>, code: ErrorCode): Promise<RepaveError> {
  const error = await promise.then(
    () => expect.fail(`succeeded, where ${code} was due`),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(RepaveError)
  expect(error).toMatchObject({ code, hint: expect.stringMatching(/\S/) })
  if (error instanceof RepaveError) return error
  throw error
}

async function removeAll(engine: Engine): Promise<void> {
  const { instances } = await engine.observe({ fresh: true })
  await Promise.all(instances.map((instance) => engine.destroy(instance.name, 0)))
  const { scopes } = await engine.observe({ fresh: true })
  await Promise.all(scopes.map((scope) => engine.retire(scope)))
}
