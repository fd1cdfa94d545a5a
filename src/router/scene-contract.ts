/** What the suites of the contract work with: a world with a router in it, and what they do there. */
import type { Address } from '../model/address.ts'
import type { Route } from '../model/stack.ts'
import type { Lane, PoolName, RoutedService, Router, RouterEvent, RouterServer } from './router.ts'

/** Where a request of the suite goes. */
export interface RequestTarget {
  readonly listen: Route['listen']
  readonly host: string
  readonly path: string
  /** The status that the instance is to answer with; absent: 200. */
  readonly status?: number
}

/** `instance` is who answered; absent where the router itself did. */
export interface Answer {
  readonly status: number
  readonly instance?: string
}

export interface OpenRequest {
  /** Lets the instance answer. */
  finish(): void
  /** `lost`: the connection ended without a whole answer. */
  readonly answer: Promise<Answer | 'lost'>
}

/** A router with nothing configured, and the world around it. */
export interface RouterWorld {
  readonly router: Router
  /** Two addresses that the router can listen on. */
  readonly listens: readonly [Route['listen'], Route['listen']]
  /** Something that answers requests as `instance`. */
  serve(instance: string): Promise<Address>
  /** What answered as `instance` is gone; resolves when the router has seen that. */
  die(instance: string): Promise<void>
  request(target: RequestTarget): Promise<Answer>
  /** A request that is with an instance when this resolves, and stays there. It can't be tried again (a POST). */
  open(target: RequestTarget): Promise<OpenRequest>
  /** A driver that knows nothing of the first, for the same router. */
  another(): Router
  /** Makes `port` be taken by something else until the world ends. */
  occupy(port: number): Promise<void>
  /** Kills the router itself, as a machine's trouble would. */
  crash(): Promise<void>
  /** Lets this much time pass, where it does not pass by itself. */
  pass(ms: number): Promise<void>
  /** Resolves when the watch that collects `events` has seen the router. */
  sighted(events: readonly RouterEvent[]): Promise<void>
  close(): Promise<void>
}

export const web = 'shop.production.web'
export const api = 'shop.production.api'
export const soonMs = 10_000

/** The world of the case that runs. */
export class RouterScene {
  #world: RouterWorld | undefined

  enter(world: RouterWorld): void {
    this.#world = world
  }

  get world(): RouterWorld {
    if (this.#world === undefined) throw new Error('no case runs')
    return this.#world
  }

  get router(): Router {
    return this.world.router
  }

  readonly routeTo = (pool: PoolName, ...routes: readonly Partial<Route>[]): RoutedService => ({
    pool,
    routes: routes.map((route) => ({ listen: this.world.listens[0], path: '/', ...route })),
  })

  readonly to = (target: Partial<RequestTarget> = {}): RequestTarget => ({
    listen: this.world.listens[0],
    host: 'shop.test',
    path: '/',
    ...target,
  })

  readonly addServed = async (pool: PoolName, instance: string, lane: Lane = 'a'): Promise<Address> => {
    const address = await this.world.serve(instance)
    await this.router.add(pool, instance, address, lane)
    return address
  }

  readonly servers = async (): Promise<readonly RouterServer[]> => (await this.router.observe()).servers

  readonly server = async (instance: string): Promise<RouterServer | undefined> =>
    (await this.servers()).find((each) => each.instance === instance)

  /** Who answers `count` requests, ten at a time, and how many each. */
  readonly tally = async (count: number): Promise<Readonly<Record<string, number>>> => {
    const answered: Record<string, number> = {}
    const client = async (requests: number) => {
      for (let sent = 0; sent < requests; sent++) {
        const { status, instance = `status ${status}` } = await this.world.request(this.to())
        answered[instance] = (answered[instance] ?? 0) + 1
      }
    }
    await Promise.all(Array.from({ length: 10 }, () => client(count / 10)))
    return answered
  }

  readonly untilState = async (instance: string, state: RouterServer['state']): Promise<void> =>
    until(async () => (await this.server(instance))?.state === state)
}

/** Polls for a condition that another process brings about; fails with the test's own timeout. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition()))
    await new Promise((resolve) => {
      setTimeout(resolve, 5)
    })
}
