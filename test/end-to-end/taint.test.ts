/** Promise 4: touched is dead. What somebody did to an instance is answered, on the record, and kept as evidence. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { EvidenceReport } from '../../src/model/report.ts'
import { seededRandom } from '../../src/system/random.ts'
import { eventually } from './eventually.ts'
import { type Span, unexplained } from './kills.ts'
import { openScene } from './open-scene.ts'
import { expectRecorded } from './recorded.ts'
import type { Scene } from './scene.ts'
import { isSoak, seed } from './soak.ts'

const tighterPids = 32
const deaths = isSoak ? 20 : 4

test(
  'an exec under load: out, evidence kept, replaced, and at the third people are called and limits tightened',
  { timeout: 180_000 },
  async () => {
    const scene = await openScene()
    const escalation = { action: 'tighten', limits: { pids: tighterPids } }
    await scene.declare({ replicas: 3, standby: 1, guard: { escalation } })
    await scene.succeed('up')
    const loads = await Promise.all([
      scene.load({ ratePerSecond: 250 }),
      scene.load({ ratePerSecond: 250, connections: 'new', methods: ['POST'] }),
    ])
    const touched: Span[] = []
    for (let turn = 1; turn <= 3; turn += 1) {
      const victim = await readyOne(scene)
      touched.push(await exec(scene, victim))
      await eventually('the victim is gone, and all serve', async () => {
        const isGone = !(await scene.instanceIds()).includes(victim.id)
        return isGone && (await isWhole(scene, 4))
      })
      expect(await evidenceOf(scene)).toHaveLength(turn)
    }
    await eventually('all serve with tighter limits', async () => {
      if (!(await isWhole(scene, 4))) return false
      const instances = await Promise.all((await scene.instanceIds()).map((id) => scene.engine.inspect(id)))
      return instances.every(({ HostConfig }) => HostConfig.PidsLimit === tighterPids)
    })
    const [gets, posts] = await Promise.all(loads.map((load) => load.stop()))
    expect(gets?.failures).toEqual([])
    expect(posts && unexplained(posts, touched)).toEqual([])
    for (const { digest } of await evidenceOf(scene)) {
      const file = join(scene.folder, `${digest.slice(7, 19)}.tar`)
      expect(await scene.repave('evidence', 'export', digest, '-o', file)).toMatchObject({ exitCode: 0 })
      expect(
        `sha256:${createHash('sha256')
          .update(await readFile(file))
          .digest('hex')}`,
      ).toBe(digest)
    }
    const { guard, services } = await scene.status()
    expect(guard?.tamperToClean?.count).toBeGreaterThanOrEqual(1)
    expect(services[0]?.escalation).toMatchObject({ message: expect.stringContaining('3 of its instances') })
    const acknowledged = await scene.repave('acknowledge', 'web', '--reason', 'the hole is closed')
    expect(acknowledged).toMatchObject({ exitCode: 0, lines: [{ ok: true, changed: true, escalated: ['web'] }] })
    expect((await scene.status()).services[0]?.escalation).toBeUndefined()
    await eventually('there is a standby again', () => isWhole(scene, 4))
    await expectRecorded(scene)
    expect(await scene.repave('ledger', 'verify')).toMatchObject({ exitCode: 0 })
  },
)

test(
  `the controller is killed ${deaths} times after a touch: the touched instance never serves again`,
  { timeout: 60_000 + deaths * 60_000 },
  async () => {
    const scene = await openScene()
    const random = seededRandom(seed)
    await scene.declare({ replicas: 3, standby: 1, guard: { escalation: { after: 1_000 } } })
    await scene.succeed('up')
    for (let death = 1; death <= deaths; death += 1) {
      const { pid } = (await scene.status()).controller
      const victim = await readyOne(scene)
      await exec(scene, victim)
      await eventually('it is on record', () => isTainted(scene, victim))
      await delay(random.integer(60))
      process.kill(pid, 'SIGKILL')
      // It starts the next controller.
      await scene.status()
      expect(await comesBack(scene, victim)).toBe(false)
      await eventually('all serve', () => isWhole(scene, 4))
    }
    await expectRecorded(scene)
  },
)

/** The name and the id of one that serves. */
interface Victim {
  readonly name: string
  readonly id: string
}

async function readyOne(scene: Scene): Promise<Victim> {
  const instances = (await scene.status()).services[0]?.instances ?? []
  const { name = '' } = instances.find(({ state }) => state === 'ready') ?? {}
  return { name, id: (await scene.engine.inspect(name)).Id }
}

/** As `docker exec` does first. Answers when requests may have been cut for it. */
async function exec(scene: Scene, { id }: Victim): Promise<Span> {
  const fromMs = Date.now()
  await scene.engine.call('POST', `/containers/${id}/exec`, { Cmd: ['/bin/sh'] })
  return { fromMs, toMs: Date.now() + 1_000 }
}

async function isTainted(scene: Scene, { name }: Victim): Promise<boolean> {
  const entries = (await scene.entries()).filter(({ instance }) => instance === name)
  return (
    entries.findLast(({ kind }) => kind === 'create.intent' || kind === 'instance.tainted')?.kind === 'instance.tainted'
  )
}

/** Looks at the router until the instance is gone: whether it served after it had been out of rotation. */
async function comesBack(scene: Scene, { name, id }: Victim): Promise<boolean> {
  let [wasOut, isBack] = [false, false]
  await eventually('the touched instance is gone', async () => {
    const serves = (await scene.router.inRotation()).some(
      ({ instance, admin }) => instance === name && admin === 'ready',
    )
    // Asked second: another one gets its name once it is gone.
    if (!(await scene.instanceIds()).includes(id)) return true
    isBack ||= serves && wasOut
    wasOut ||= !serves
    return false
  })
  return isBack
}

async function isWhole(scene: Scene, count: number): Promise<boolean> {
  const [service] = (await scene.status()).services
  const healthy = service?.instances.filter(({ state }) => state === 'ready' || state === 'standby').length
  return healthy === count && service?.instances.length === count
}

async function evidenceOf(scene: Scene): Promise<readonly EvidenceReport[]> {
  return (await scene.repave('evidence', 'list')).lines as readonly EvidenceReport[]
}
