/** What an engine tells of without being asked. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Engine, EngineEvent } from './engine.ts'
import { deadlineMs, OrderDesk, testTimeoutMs, untilExited, type EngineFixture, type Stage } from './scene-contract.ts'

export function watchContract(stage: Stage): void {
  describe('watch', () => {
    let watch: Watch
    beforeEach(async () => {
      watch = await Watch.open(stage.scene.engine, stage.scene.desk, stage.scene.fixture)
    }, testTimeoutMs)
    afterEach(() => watch.close(), testTimeoutMs)

    test('tells of a start, a touch and a death', async () => {
      const order = await stage.scene.running()
      await watch.untilChanged(order.name)
      await stage.scene.fixture.touch(order.name)
      await watch.untilChanged(order.name)
      await untilQuiet(watch)
      await stage.scene.fixture.kill(order.name)
      await watch.untilChanged(order.name)
    })

    test('misses no death', async () => {
      const orders = await Promise.all(Array.from({ length: 4 }, () => stage.scene.running()))
      await untilQuiet(watch)
      await Promise.all(orders.map((order) => stage.scene.fixture.kill(order.name)))
      await Promise.all(orders.map((order) => watch.untilChanged(order.name)))
    })

    test("tells nothing of a neighbour's instances", async () => {
      const foreign = new OrderDesk(stage.scene.fixture.image).order({ command: stage.scene.fixture.programs.exit(0) })
      await stage.scene.fixture.neighbour.create(foreign)
      await stage.scene.fixture.neighbour.start(foreign.name)
      await untilExited(stage.scene.fixture.neighbour, foreign.name)
      const own = await stage.scene.running()
      await watch.untilChanged(own.name)
      expect(watch.instances()).not.toContain(foreign.name)
    })

    test('says that it may have missed something, and goes on', async () => {
      await stage.scene.fixture.cutEvents()
      await watch.until((event) => event.kind === 'lost')
      const order = await stage.scene.running()
      await watch.untilChanged(order.name)
    })

    test('ends when the signal aborts', async () => {
      await watch.close()
      await watch.ended
    })
  })
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
