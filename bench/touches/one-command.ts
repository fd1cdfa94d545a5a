/** What taking an instance out of rotation takes at least: one command to HAProxy, seen as everything else is here. */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { MasterSocket } from '../../src/router/haproxy/master-socket.ts'
import type { Scene } from '../../test/end-to-end/scene.ts'

/** In milliseconds, `count` times; no controller lives meanwhile. */
export async function measureOneCommand(scene: Scene, count: number): Promise<readonly number[]> {
  const master = new MasterSocket(join(scene.home, 'haproxy'))
  const times: number[] = []
  for (let index = 0; index < count; index += 1) {
    const server = (await scene.router.servers()).find(({ admin }) => admin === 'ready')
    if (server === undefined) throw new Error('no instance serves')
    const { instance, seats } = server
    const { current = 0 } = (await master.processes()) ?? {}
    const set = (state: string) =>
      master.tellLeaving(current, ...seats.map((seat) => `set server ${seat.backend}/${seat.server} state ${state}`))
    const beganAtMs = performance.now()
    void set('maint')
    while (await serves(scene, instance)) await delay(1)
    times.push(performance.now() - beganAtMs)
    await set('ready')
    await delay(100)
  }
  return times
}

async function serves(scene: Scene, instance: string): Promise<boolean> {
  return (await scene.router.servers()).some((server) => server.instance === instance && server.admin === 'ready')
}
