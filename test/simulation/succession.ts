/** One controller after the other: when one is dead, the next is started by whoever needs it, or a little later anyway. */
import { Controller } from '../../src/controller/controller.ts'
import { asRepaveError } from '../../src/errors.ts'
import type { Crash } from './history.ts'
import { Life, type CallListener } from './life.ts'
import type { Surroundings } from './ordeal.ts'

const restartRetryMs = 1_000

export type ControllerSeams = ConstructorParameters<typeof Controller>[0]

interface Reign {
  readonly life: Life
  readonly controller: Controller
  readonly started: Promise<void>
}

export interface Realm extends Surroundings {
  /** What a controller sees of the world in this life of it. */
  readonly seams: (life: Life) => ControllerSeams
}

export class Succession {
  readonly #realm: Realm
  readonly #listener: CallListener
  #reign: Reign | undefined
  #isClosed = false
  /** How many controllers were started. */
  lives = 0

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

  kill(how: Pick<Crash, 'finishing' | 'meanwhile'>): void {
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
    const life = new Life(this.#realm, this.#listener)
    const controller = new Controller(this.#realm.seams(life))
    this.lives++
    this.#realm.story.tell('controller', 'starts')
    void life.over.then(() => this.#mourn())
    return { life, controller, started: this.#start(controller, life) }
  }

  /** One that can't start says so and ends. */
  async #start(controller: Controller, life: Life): Promise<void> {
    // Not at once: it is on the throne before it does anything that might kill it.
    await Promise.resolve()
    const error = await controller.start().then(() => undefined, asRepaveError)
    if (life.isOver) return
    this.#realm.story.tell('controller', error ? `can't start: ${error.message}` : 'has started')
    if (error) life.end({ finishing: true })
  }

  async #mourn(): Promise<void> {
    this.#realm.story.tell('controller', 'is dead')
    await this.#realm.clock.sleep(restartRetryMs)
    if (!this.#isClosed) await this.ruler()
  }
}
