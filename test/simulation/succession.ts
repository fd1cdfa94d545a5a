/** One controller after the other: when one is dead, the next is started by whoever needs it, or a little later anyway. */
import { Controller } from '../../src/controller/controller.ts'
import type { VirtualClock } from '../../src/system/virtual-clock.ts'
import type { Hazards } from './hazards.ts'
import type { Crash } from './history.ts'
import { Life, type CallListener } from './life.ts'
import type { Story } from './story.ts'

const restartRetryMs = 1_000

export type ControllerSeams = ConstructorParameters<typeof Controller>[0]

interface Reign {
  readonly life: Life
  readonly controller: Controller
  readonly started: Promise<void>
}

export interface Realm {
  readonly clock: VirtualClock
  readonly hazards: Hazards
  readonly story: Story
  /** What a controller sees of the world in this life of it. */
  readonly seams: (life: Life) => ControllerSeams
  readonly onDeath: () => void
}

export class Succession {
  readonly #realm: Realm
  readonly #listener: CallListener
  #reign: Reign | undefined
  #isClosed = false

  constructor(realm: Realm, listener: CallListener) {
    this.#realm = realm
    this.#listener = listener
  }

  /** The controller that lives, started where none does. */
  async ruler(): Promise<{ readonly controller: Controller; readonly life: Life }> {
    if (!this.#reign || this.#reign.life.isOver) this.#reign = this.#enthrone()
    const reign = this.#reign
    await Promise.race([reign.started, reign.life.over])
    return reign.life.isOver ? this.ruler() : reign
  }

  kill(how: Pick<Crash, 'finishing'>): void {
    this.#reign?.life.end(how)
  }

  /** The controller is told to stop, and does. */
  async retire(): Promise<void> {
    const reign = this.#reign
    if (!reign || reign.life.isOver) return
    await Promise.race([reign.controller.stop(), reign.life.over])
    this.#realm.story.tell('controller', 'stopped')
    reign.life.end({ finishing: true })
  }

  /** No further controller, and none any more. */
  close(): void {
    this.#isClosed = true
    this.kill({ finishing: false })
  }

  #enthrone(): Reign {
    const { clock, hazards, story } = this.#realm
    const life = new Life(clock, hazards, story, this.#listener)
    const controller = new Controller(this.#realm.seams(life))
    story.tell('controller', 'starts')
    void life.over.then(() => this.#mourn())
    return { life, controller, started: this.#start(controller, life) }
  }

  async #start(controller: Controller, life: Life): Promise<void> {
    await controller.start()
    if (!life.isOver) this.#realm.story.tell('controller', 'has started')
  }

  async #mourn(): Promise<void> {
    this.#realm.story.tell('controller', 'is dead')
    this.#realm.onDeath()
    await this.#realm.clock.sleep(restartRetryMs)
    if (!this.#isClosed) await this.ruler()
  }
}
