/** What becomes of an instance that somebody touched: it is told, sealed off and laid open. */
import { describe, expect, test, vi } from 'vitest'
import type { EvidencePart } from '../model/evidence.ts'
import type { Touch } from '../model/touch.ts'
import type { EngineEvent, InstanceOrder } from './engine.ts'
import { deadlineMs, expectCode, find, OrderDesk, type ContractScene, type Stage } from './scene-contract.ts'

export function isolationContract(stage: Stage): void {
  describe('touches', () => {
    test('are told, each by its kind', async () => {
      const { scene } = stage
      await using watch = await TouchWatch.open(scene)
      for (const kind of scene.fixture.touchKinds) {
        const { name } = await scene.running()
        await scene.fixture.touch(name, kind)
        const touch = await watch.untilTouched(name)
        expect(touch).toEqual({ kind, layer: 'events', atMs: expect.any(Number), detail: expect.stringMatching(/\S/) })
        await scene.engine.destroy(name, 0)
      }
    })

    test('are not what an engine does itself, through a whole life', async () => {
      const { scene } = stage
      await using watch = await TouchWatch.open(scene)
      await scene.engine.reserve(scene.desk.scope, 2)
      const orders = [await scene.running(), await scene.running(), await scene.running()]
      await scene.engine.observe({ fresh: true })
      await scene.engine.destroy(orders[0]!.name, deadlineMs)
      await scene.engine.destroy(orders[1]!.name, 0)
      await scene.engine.isolate(orders[2]!.name)
      await parts(scene, orders[2]!)
      await scene.engine.destroy(orders[2]!.name, 0)
      await watch.untilAllIsHeard()
      expect(watch.touches).toEqual([])
    })

    test("are not told of a neighbour's instances, nor to the neighbour of ours", async () => {
      const { scene } = stage
      const foreign = new OrderDesk(scene.fixture.image).order({ command: scene.fixture.programs.polite })
      await using watch = await TouchWatch.open(scene)
      await scene.fixture.neighbour.create(foreign)
      await scene.fixture.neighbour.start(foreign.name)
      await scene.fixture.touch(foreign.name)
      await scene.fixture.neighbour.isolate(foreign.name)
      await Array.fromAsync(scene.fixture.neighbour.collect(foreign.name))
      await scene.fixture.neighbour.destroy(foreign.name, 0)
      await watch.untilAllIsHeard()
      expect(watch.touches).toEqual([])
    })

    test('are told of an instance of ours whatever it is called now', async () => {
      const { scene } = stage
      if (!scene.fixture.touchKinds.includes('rename')) return
      const { name } = await scene.running()
      await scene.fixture.touch(name, 'rename')
      expect(await find(scene.engine, name)).toMatchObject({ name, version: undefined, phase: 'running' })
      await scene.engine.isolate(name)
      expect(await parts(scene, { name })).not.toEqual([])
      await scene.engine.destroy(name, 0)
      expect(await find(scene.engine, name)).toBeUndefined()
    })
  })

  describe('isolate', () => {
    test('cuts an instance off, for good, and no other', async () => {
      const { scene } = stage
      const [touched, other] = [await serving(scene), await serving(scene)]
      await scene.engine.isolate(touched.name)
      await scene.engine.isolate(touched.name)
      expect(await isReached(scene, touched)).toBe(false)
      expect(await isReached(scene, other)).toBe(true)
      expect(await find(scene.engine, touched.name)).toMatchObject({ phase: 'running' })
    })

    test('is the end of touches: what is done from then on is not told', async () => {
      const { scene } = stage
      await using watch = await TouchWatch.open(scene)
      const { name } = await scene.running()
      await scene.engine.isolate(name)
      await scene.fixture.touch(name)
      await watch.untilAllIsHeard()
      expect(watch.touches).toEqual([])
    })

    test('does nothing for one that is gone, or was never there', async () => {
      const { scene } = stage
      const order = await scene.running()
      await scene.engine.destroy(order.name, 0)
      await scene.engine.isolate(order.name)
      await scene.engine.isolate(scene.desk.order({}).name)
    })

    test('leaves nothing that keeps its scope from being retired', async () => {
      const { scene } = stage
      const order = await scene.running()
      await scene.engine.isolate(order.name)
      await scene.engine.destroy(order.name, 0)
      await scene.engine.retire(scene.desk.scope)
      const { scopes } = await scene.engine.observe({ fresh: true })
      expect(scopes).toEqual([])
    })
  })

  describe('collect', () => {
    test('halts an instance and hands out what is in it, its processes first', async () => {
      const { scene } = stage
      const order = await scene.running()
      const found = await parts(scene, order)
      expect(found[0]).toMatchObject({ kind: 'found', name: 'processes.json' })
      expect(found.every((part) => part.kind === 'found' || part.reason !== '')).toBe(true)
      const names = found.filter(({ kind }) => kind === 'found').map(({ name }) => name)
      expect(names).toEqual([...new Set(names)])
      expect(await find(scene.engine, order.name)).toMatchObject({ phase: 'running', isPaused: true })
    })

    test('can be done again, and for one that has ended', async () => {
      const { scene } = stage
      const order = await scene.running()
      await parts(scene, order)
      expect(await parts(scene, order)).not.toEqual([])
      await scene.fixture.kill(order.name)
      expect(await parts(scene, order)).not.toEqual([])
    })

    test('of an unknown instance is an error', async () => {
      const order = stage.scene.desk.order({})
      await expectCode(parts(stage.scene, order), 'INSTANCE_UNKNOWN')
    })
  })

  test('senses say which touches can be seen', async () => {
    const senses = await stage.scene.engine.senses()
    expect(senses).toContainEqual({ layer: 'events', state: 'works', detail: expect.any(String) })
  })
}

function parts({ engine }: ContractScene, { name }: Pick<InstanceOrder, 'name'>): Promise<EvidencePart[]> {
  return Array.fromAsync(engine.collect(name))
}

async function serving(scene: ContractScene): Promise<InstanceOrder> {
  const order = await scene.running({ command: scene.fixture.programs.serve })
  await vi.waitFor(async () => expect(await isReached(scene, order)).toBe(true), deadlineMs)
  return order
}

async function isReached({ engine, fixture }: ContractScene, { name }: InstanceOrder): Promise<boolean> {
  const address = (await find(engine, name))?.address
  return address !== undefined && (await fixture.isAnswered(address))
}

/** An open `watch`, and the touches that it told of. */
class TouchWatch implements AsyncDisposable {
  readonly #scene: ContractScene
  readonly #events: EngineEvent[] = []
  readonly #abort = new AbortController()
  readonly #ended: Promise<void>

  private constructor(scene: ContractScene) {
    this.#scene = scene
    this.#ended = scene.engine.watch((event) => this.#events.push(event), this.#abort.signal)
  }

  static async open(scene: ContractScene): Promise<TouchWatch> {
    const watch = new TouchWatch(scene)
    await watch.untilAllIsHeard()
    return watch
  }

  get touches(): readonly Touch[] {
    return this.#events.flatMap((event) => (event.kind === 'touched' ? [event.touch] : []))
  }

  async untilTouched(name: string): Promise<Touch> {
    return vi.waitFor(() => {
      const found = this.#events.find((event) => event.kind === 'touched' && event.instance === name)
      if (found?.kind !== 'touched') throw new Error(`no touch of ${name} was told`)
      return found.touch
    }, deadlineMs)
  }

  /** Events come in their order: what happens last is heard last. */
  async untilAllIsHeard(): Promise<void> {
    const { engine, desk, fixture } = this.#scene
    await vi.waitFor(async () => {
      const order = desk.order({ command: fixture.programs.polite })
      await engine.create(order)
      await engine.destroy(order.name, 0)
      const isHeard = () => this.#events.some((event) => event.kind === 'changed' && event.instance === order.name)
      await vi.waitFor(() => expect(isHeard()).toBe(true), 1_000)
    }, deadlineMs)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort()
    await this.#ended
  }
}
