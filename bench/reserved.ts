import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../test/end-to-end/eventually.ts'
import type { Scene } from '../test/end-to-end/scene.ts'

/** What is made ahead for the next change is made when the last one has ended; it is not part of the next one. */
export async function reserved(scene: Scene): Promise<void> {
  let before = -1
  await eventually('namespaces are made ahead', async () => {
    const now = (await scene.sandboxes()).length
    const settled = now === before
    before = now
    if (!settled) await delay(1_500)
    return settled
  })
}
