/** What an engine holds to from the making of an instance to its removal. */
import { describe, expect, test, vi } from 'vitest'
import type { VersionSpec } from '../model/version.ts'
import { absentDigest, deadlineMs, expectCode, find, list, timing, untilExited, type Stage } from './scene-contract.ts'

export function lifecycleContract(stage: Stage): void {
  describe('create', () => {
    test('makes an instance that does not run', async () => {
      const order = stage.scene.desk.order({ command: stage.scene.fixture.programs.polite })
      await stage.scene.engine.create(order)
      const instance = await find(stage.scene.engine, order.name)
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
      const order = stage.scene.desk.order({ command: stage.scene.fixture.programs.polite })
      await Promise.all([stage.scene.engine.create(order), stage.scene.engine.create(order)])
      const first = await find(stage.scene.engine, order.name)
      await stage.scene.engine.create(order)
      expect(await list(stage.scene.engine)).toEqual([first])
    })

    test('of a running instance leaves it running', async () => {
      const order = await stage.scene.running()
      const before = await find(stage.scene.engine, order.name)
      await stage.scene.engine.create(order)
      expect(await list(stage.scene.engine)).toEqual([before])
    })

    test('refuses a name that something foreign has, and leaves that alone', async () => {
      const order = stage.scene.desk.order({ command: stage.scene.fixture.programs.polite })
      await stage.scene.fixture.occupy(order.name)
      await expectCode(stage.scene.engine.create(order), 'NAME_TAKEN')
      expect(await stage.scene.fixture.isOccupied(order.name)).toBe(true)
      expect(await list(stage.scene.engine)).toEqual([])
    })

    test("refuses a name that another controller's instance has", async () => {
      const order = stage.scene.desk.order({ command: stage.scene.fixture.programs.polite })
      await stage.scene.fixture.neighbour.create(order)
      await expectCode(stage.scene.engine.create(order), 'NAME_TAKEN')
      expect(await list(stage.scene.fixture.neighbour)).toHaveLength(1)
    })

    test('refuses a name that an instance of another fleet has', async () => {
      const order = await stage.scene.running()
      const before = await list(stage.scene.engine)
      await expectCode(stage.scene.engine.create({ ...order, service: `${order.service}-other` }), 'NAME_TAKEN')
      expect(await list(stage.scene.engine)).toEqual(before)
    })

    test('needs the image to be there', async () => {
      const order = stage.scene.desk.order({ command: stage.scene.fixture.programs.polite, image: absentDigest })
      await expectCode(stage.scene.engine.create(order), 'IMAGE_NOT_FOUND')
      expect(await list(stage.scene.engine)).toEqual([])
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
      'with data': { data: { uploads: '/srv/uploads', index: '/data' } },
      'with less hardening': {
        hardening: { readOnlyRoot: false, noNewPrivileges: false, capabilities: ['CHOWN', 'NET_BIND_SERVICE'] },
      },
    }

    test.each(Object.entries(specs))('%s is the one it claims, created and running', async (_, change) => {
      const order = stage.scene.desk.order({ command: stage.scene.fixture.programs.polite, ...change })
      await stage.scene.engine.create(order)
      const claim = { claimed: order.version, version: order.version }
      expect(await find(stage.scene.engine, order.name)).toMatchObject(claim)
      await stage.scene.engine.start(order.name)
      expect(await find(stage.scene.engine, order.name)).toMatchObject({ ...claim, phase: 'running' })
    })

    test('of an instance that was altered is no longer the one it claims', async () => {
      const order = await stage.scene.running()
      await stage.scene.fixture.alter(order.name)
      const [instance] = (await stage.scene.engine.observe({ fresh: true })).instances
      expect(instance?.claimed).toBe(order.version)
      expect(instance?.version).not.toBe(order.version)
    })
  })

  describe('start', () => {
    test('runs a created instance at an address of its own', async () => {
      const orders = [await stage.scene.running(), await stage.scene.running()]
      const instances = await Promise.all(orders.map((order) => find(stage.scene.engine, order.name)))
      for (const instance of instances) {
        expect(instance).toMatchObject({ phase: 'running', address: { port: 8080 } })
        expect(instance?.startedAtMs).toBeGreaterThanOrEqual(instance?.createdAtMs ?? Infinity)
        expect(instance).not.toHaveProperty('exit')
      }
      expect(new Set(instances.map((instance) => instance?.address?.host)).size).toBe(2)
    })

    test('gives no address to an instance without a port', async () => {
      const order = await stage.scene.running({ port: null, health: { kind: 'process', ...timing } })
      expect(await find(stage.scene.engine, order.name)).not.toHaveProperty('address')
    })

    test('twice is once', async () => {
      const order = await stage.scene.running()
      const before = await find(stage.scene.engine, order.name)
      await stage.scene.engine.start(order.name)
      expect(await find(stage.scene.engine, order.name)).toEqual(before)
    })

    test('never runs an instance a second time', async () => {
      const order = await stage.scene.running({ command: stage.scene.fixture.programs.exit(0) })
      const exited = await untilExited(stage.scene.engine, order.name)
      await stage.scene.engine.start(order.name)
      expect(await find(stage.scene.engine, order.name)).toEqual(exited)
    })

    test('says that an instance can never run', async () => {
      const order = stage.scene.desk.order({ command: stage.scene.fixture.programs.missing })
      await stage.scene.engine.create(order)
      const error = await expectCode(stage.scene.engine.start(order.name), 'INSTANCE_CANNOT_RUN')
      expect(error.message).toContain(order.name)
      expect((await find(stage.scene.engine, order.name))?.phase).not.toBe('running')
    })

    test('knows no instance that was never made, nor a foreign one', async () => {
      await expectCode(stage.scene.engine.start(stage.scene.desk.order({}).name), 'INSTANCE_UNKNOWN')
      const foreign = stage.scene.desk.order({ command: stage.scene.fixture.programs.polite })
      await stage.scene.fixture.neighbour.create(foreign)
      await expectCode(stage.scene.engine.start(foreign.name), 'INSTANCE_UNKNOWN')
      expect(await find(stage.scene.fixture.neighbour, foreign.name)).toMatchObject({ phase: 'created' })
    })
  })

  describe('an exit', () => {
    test.each([0, 3])('with code %i is observed', async (code) => {
      const order = await stage.scene.running({ command: stage.scene.fixture.programs.exit(code) })
      const instance = await untilExited(stage.scene.engine, order.name)
      expect(instance).toMatchObject({ version: order.version, exit: { code, outOfMemory: false } })
      expect(instance.exit?.atMs).toBeGreaterThanOrEqual(instance.startedAtMs ?? Infinity)
      expect(instance).not.toHaveProperty('address')
    })

    test('by a kill from outside is observed', async () => {
      const order = await stage.scene.running()
      await stage.scene.fixture.kill(order.name)
      expect(await untilExited(stage.scene.engine, order.name)).toMatchObject({ exit: { code: 137 } })
    })
  })

  describe('destroy', () => {
    test('asks a running instance to end', async () => {
      const order = await stage.scene.running()
      await stage.scene.engine.destroy(order.name, deadlineMs)
      expect(await list(stage.scene.engine)).toEqual([])
      await vi.waitFor(async () => expect(await stage.scene.fixture.recordedExit(order.name)).toBe(0), deadlineMs)
    })

    test('kills one that does not end within the grace', async () => {
      const order = await stage.scene.running({ command: stage.scene.fixture.programs.stubborn })
      await stage.scene.engine.destroy(order.name, 200)
      expect(await list(stage.scene.engine)).toEqual([])
      await vi.waitFor(async () => expect(await stage.scene.fixture.recordedExit(order.name)).toBe(137), deadlineMs)
    })

    test('without grace kills at once', async () => {
      const order = await stage.scene.running({ command: stage.scene.fixture.programs.stubborn })
      await stage.scene.engine.destroy(order.name, 0)
      expect(await list(stage.scene.engine)).toEqual([])
    })

    test('removes what never ran and what has ended', async () => {
      const created = stage.scene.desk.order({ command: stage.scene.fixture.programs.polite })
      await stage.scene.engine.create(created)
      const exited = await stage.scene.running({ command: stage.scene.fixture.programs.exit(1) })
      await untilExited(stage.scene.engine, exited.name)
      await Promise.all([
        stage.scene.engine.destroy(created.name, deadlineMs),
        stage.scene.engine.destroy(exited.name, deadlineMs),
      ])
      expect(await list(stage.scene.engine)).toEqual([])
    })

    test('twice is once, in a row and at once', async () => {
      const order = await stage.scene.running()
      await Promise.all([
        stage.scene.engine.destroy(order.name, deadlineMs),
        stage.scene.engine.destroy(order.name, deadlineMs),
      ])
      await stage.scene.engine.destroy(order.name, deadlineMs)
      expect(await list(stage.scene.engine)).toEqual([])
    })

    test('spares what is foreign', async () => {
      const order = stage.scene.desk.order({ command: stage.scene.fixture.programs.polite })
      await stage.scene.fixture.occupy(order.name)
      await stage.scene.engine.destroy(order.name, 0)
      expect(await stage.scene.fixture.isOccupied(order.name)).toBe(true)
      const neighbours = stage.scene.desk.order({ command: stage.scene.fixture.programs.polite })
      await stage.scene.fixture.neighbour.create(neighbours)
      await stage.scene.engine.destroy(neighbours.name, 0)
      expect(await list(stage.scene.fixture.neighbour)).toHaveLength(1)
    })

    test('leaves the name free for the next', async () => {
      const order = await stage.scene.running()
      await stage.scene.engine.destroy(order.name, 0)
      await stage.scene.engine.create(order)
      await stage.scene.engine.start(order.name)
      expect(await find(stage.scene.engine, order.name)).toMatchObject({ phase: 'running' })
    })
  })
}
