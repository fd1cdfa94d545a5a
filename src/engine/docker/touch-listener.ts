/** Tells touches from what the driver does itself: of all events, those that are somebody else's doing. */
import type { Touch } from '../../model/touch.ts'
import type { ContainerEvent, NetworkEvent } from './container-events.ts'
import { containerTouch, networkTouch, ofSandbox, restartTouch } from './container-touches.ts'
import type { GivenUp } from './given-up.ts'
import type { InstanceObserver } from './instance-observer.ts'
import { isOwn, label } from './labels.ts'

export interface TouchedInstance {
  readonly instance: string
  readonly touch: Touch
}

export class TouchListener {
  readonly #owner: string
  readonly #observer: InstanceObserver
  readonly #givenUp: GivenUp
  /** Those that have ended, as far as events told of it. */
  readonly #ended = new Set<string>()

  constructor(owner: string, observer: InstanceObserver, givenUp: GivenUp) {
    this.#owner = owner
    this.#observer = observer
    this.#givenUp = givenUp
  }

  /** The instance that an event is about: its own, or its sandbox's, without which it can't be reached. */
  instanceOf({ id, name, attributes }: ContainerEvent): string | undefined {
    if (isOwn(attributes, this.#owner, 'sandbox')) return this.#observer.instanceIn(id)
    return isOwn(attributes, this.#owner, 'instance') ? (attributes[label.instance] ?? name) : undefined
  }

  /** To be told of every event, since a start is judged by what came before. */
  ofContainer(event: ContainerEvent): TouchedInstance | undefined {
    const touch = this.#isAnotherStart(event) ? restartTouch(event) : containerTouch(event)
    const instance = this.instanceOf(event)
    if (touch === undefined || instance === undefined || this.#givenUp.has(event.id)) return undefined
    return { instance, touch: isOwn(event.attributes, this.#owner, 'sandbox') ? ofSandbox(touch) : touch }
  }

  /**
   * A sandbox is connected to its own network as it is made, before an instance is in it, and disconnected as it ends.
   * Of one that still runs, somebody else has done it.
   */
  async ofNetwork(
    event: NetworkEvent,
    stillRuns: (sandboxId: string) => Promise<boolean>,
  ): Promise<TouchedInstance | undefined> {
    const { containerId, action } = event
    const instance = this.#observer.instanceIn(containerId)
    if (instance === undefined || this.#givenUp.has(containerId)) return undefined
    if (action === 'disconnect' && !(await stillRuns(containerId))) return undefined
    return { instance, touch: ofSandbox(networkTouch(event)) }
  }

  #isAnotherStart({ id, action }: ContainerEvent): boolean {
    if (action === 'die') this.#ended.add(id)
    if (action === 'destroy') this.#ended.delete(id)
    return action === 'start' && (this.#ended.has(id) || this.#observer.hasEnded(id))
  }
}
