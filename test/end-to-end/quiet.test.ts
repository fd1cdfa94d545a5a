/** What is no touch: an application that does much, those who look at it, and all that the product does itself. */
import { expect, test } from 'vitest'
import { attempt } from './touch-target.ts'
import { touchedImage } from './touched-image.ts'
import { openScene } from './open-scene.ts'
import type { Scene } from './scene.ts'
import { isSoak } from './soak.ts'

const minutes = isSoak ? 60 : 0.5

test(
  'a busy application that is looked at, rolled out and replaced is not touched',
  { timeout: (minutes + 4) * 60_000 },
  async () => {
    const scene = await openScene()
    const image = await touchedImage(scene.engine)
    const declare = (greeting: string) =>
      scene.declare({
        image,
        command: ['/bin/labour'],
        replicas: 3,
        standby: 1,
        tmpfs: ['/tmp'],
        resources: { pids: 128 },
        environment: { GREETING: greeting },
      })
    await declare('first')
    await scene.succeed('up')
    // For one request of ten, programs of the image are run.
    const loads = await Promise.all([
      scene.load({ url: `${scene.url}plain`, ratePerSecond: 180 }),
      scene.load({ ratePerSecond: 20 }),
    ])
    const endsAtMs = Date.now() + minutes * 60_000
    for (let round = 1; Date.now() < endsAtMs; round += 1) {
      await lookAt(scene)
      if (round % 4 === 1) await declare(`round ${round}`).then(() => scene.succeed('up'))
      if (round % 4 === 3) await scene.succeed('replace', await anInstance(scene))
    }
    const entries = await scene.entries()
    const alarms = entries.filter(({ kind }) => /^(instance\.(tainted|cordoned)|sensor\.suspected)$/.test(kind))
    expect(alarms).toEqual([])
    for (const load of loads) expect((await load.stop()).failures).toEqual([])
  },
)

/** As monitoring, its owners and the curious on the host do. */
async function lookAt(scene: Scene): Promise<void> {
  for (const { Id: id } of await scene.instances()) {
    const pid = await scene.engine.firstProcess(id)
    await Promise.all([
      attempt('docker', 'stats', '--no-stream', id),
      attempt('docker', 'top', id),
      attempt('docker', 'logs', '--tail', '5', id),
      attempt('docker', 'inspect', id),
      attempt('docker', 'diff', id),
      attempt('sh', '-c', `cat /proc/${pid}/stat /proc/${pid}/status /proc/${pid}/cmdline /proc/${pid}/net/tcp`),
      attempt(
        'sh',
        '-c',
        `cat /proc/${pid}/root/bin/script /proc/${pid}/root/etc/hosts; ls -laR /proc/${pid}/root/tmp`,
      ),
    ])
  }
  await attempt('ps', 'auxww')
  await scene.repave('status')
  await scene.repave('logs', 'web', '--tail', '5')
  await scene.repave('drift')
}

async function anInstance(scene: Scene): Promise<string> {
  const [service] = (await scene.status()).services
  return service?.instances.find(({ state }) => state === 'ready')?.name ?? ''
}
