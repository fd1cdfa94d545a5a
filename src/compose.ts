/** The only file that picks concrete drivers. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { Controller } from './controller/controller.ts'
import { createDockerEngine } from './engine/docker/docker-engine.ts'
import type { Engine } from './engine/engine.ts'
import type { ControllerStatus } from './model/report.ts'
import { networkProbe } from './probe/network/network-probe.ts'
import { createHaproxyRouter } from './router/haproxy/haproxy-router.ts'
import type { Router } from './router/router.ts'
import { createSqliteStore } from './store/sqlite/sqlite-store.ts'
import type { Store } from './store/store.ts'
import { systemClock } from './system/clock.ts'

export interface Composition {
  readonly controller: Controller
  /** Ends the controller; what it keeps goes on. */
  close(): Promise<void>
}

/** A controller of the state folder `home`, an existing absolute path, on real drivers. */
export function composeController(home: string, info: ControllerStatus, log: (line: string) => void): Composition {
  const store: Store = createSqliteStore(join(home, 'state.sqlite'))
  const seams = {
    clock: systemClock,
    engine: composeEngine(home),
    router: composeRouter(home),
    probe: networkProbe,
    store,
    info,
    log,
  }
  const controller = new Controller(seams)
  const close = async () => {
    await controller.stop()
    await store.close()
  }
  return { controller, close }
}

export function composeEngine(home: string): Engine {
  return createDockerEngine({ owner: ownerOf(home) })
}

export function composeRouter(home: string): Router {
  return createHaproxyRouter({ folder: join(home, 'haproxy') })
}

/** Names a state folder to the engine: found again by the next controller, and different for every folder. */
function ownerOf(home: string): string {
  return createHash('sha256').update(home).digest('hex').slice(0, 16)
}
