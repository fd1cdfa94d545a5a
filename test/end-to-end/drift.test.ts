/** Each kind of drift, brought about for real and past Repave: it is named, and a clean fleet has none. */
import { execFileSync } from 'node:child_process'
import { expect, onTestFinished, test } from 'vitest'
import { stringify } from 'yaml'
import { createClient } from '../../src/api/client.ts'
import { socketPath } from '../../src/api/home.ts'
import { ownerOf } from '../../src/compose.ts'
import type { DriftReport } from '../../src/model/report.ts'
import { programPath } from '../../src/system/program-path.ts'
import { eventually } from './eventually.ts'
import { openScene } from './open-scene.ts'
import type { Scene } from './scene.ts'

async function drift(scene: Scene): Promise<DriftReport> {
  return (await scene.repave('drift')).lines.at(-1) as DriftReport
}

/** Without a process of its own, which would take the controller's time for mending. */
function lookAtOnce(scene: Scene): Promise<DriftReport> {
  return createClient(socketPath(scene.home)).drift({ stack: scene.stack, environment: 'default' })
}

async function aFleet(replicas = 2): Promise<Scene> {
  const scene = await openScene()
  await scene.declare({ replicas })
  await scene.succeed('up')
  await expectNone(scene)
  return scene
}

async function expectNone(scene: Scene): Promise<void> {
  let last: DriftReport | undefined
  await eventually('there is no drift', async () => {
    last = await drift(scene)
    return last.findings.length === 0
  }).catch(() => expect(last?.findings).toEqual([]))
}

/**
 * Looks right after each `disturb`, as often as the controller is quicker with mending than the look. Answers the look
 * that found them all; each of `ids` is how one begins.
 */
async function untilFound(
  scene: Scene,
  ids: readonly string[],
  disturb: () => Promise<void>,
): Promise<DriftReport['findings']> {
  let found: DriftReport['findings'] = []
  await eventually(`${ids.join(' and ')} are found`, async () => {
    await disturb()
    found = (await lookAtOnce(scene)).findings
    return ids.every((id) => found.some((finding) => finding.id.startsWith(id)))
  }).catch(() => expect(found.map(({ id }) => id)).toEqual(expect.arrayContaining([...ids])))
  return found
}

const nameOf = ({ Names }: { readonly Names: readonly string[] }) => Names[0]!.slice(1)
const iptables = (...rule: readonly string[]) =>
  execFileSync('iptables', rule, { env: { ...process.env, PATH: programPath() } })

test('a clean fleet has no drift, and says so to scripts', async () => {
  const scene = await aFleet()
  expect(await scene.repave('drift', '--exit-code')).toMatchObject({
    exitCode: 0,
    lines: [{ stack: scene.stack, environment: 'default', findings: [] }],
  })
})

test('a stranger in the network, until it is accepted, and again when that is over', async () => {
  const scene = await aFleet()
  const network = `repave-${scene.stack}-default`
  const name = `stranger-${scene.stack}`
  const body = { Image: scene.image, Labels: { 'repave.stack': scene.stack }, HostConfig: { NetworkMode: network } }
  await scene.engine.call('POST', `/containers/create?name=${name}`, body)
  await scene.engine.call('POST', `/containers/${name}/start`)

  const found = await scene.repave('drift', '--exit-code')
  expect(found.exitCode).toBe(4)
  const id = `foreign.network:${name}`
  expect((found.lines.at(-1) as DriftReport).findings).toEqual([
    {
      id,
      kind: 'foreign',
      object: name,
      message: `it is in the network ${network}`,
      expected: 'nothing of others',
      actual: 'a container that is not ours',
      remedy: `remove it: \`docker rm -f ${name}\``,
    },
  ])

  const declared = { stack: scene.stack, services: { web: scene.service({ replicas: 2 }) } }
  const exception = (until: string) => ({ exceptions: [{ what: id, reason: 'it is measured', until }] })
  await scene.write(stringify({ ...declared, drift: exception('2999-12-31') }))
  const accepted = await scene.repave('drift', '--exit-code')
  expect(accepted).toMatchObject({ exitCode: 0, lines: [{ findings: [], accepted: [{ finding: { id } }] }] })
  // What is accepted is no part of what was decided.
  expect(await scene.succeed('up')).toMatchObject({ changed: false })

  await scene.write(stringify({ ...declared, drift: exception('2026-01-31') }))
  const over = await scene.repave('drift', '--exit-code')
  expect(over.exitCode).toBe(4)
  expect((over.lines.at(-1) as DriftReport).findings.map((each) => each.id)).toEqual([id, `exception.expired:${id}`])
})

test('a container with labels of ours that is nothing of ours', async () => {
  const scene = await aFleet()
  const name = `pretender-${scene.stack}`
  const labels = { 'repave.owner': ownerOf(scene.home), 'repave.stack': scene.stack, 'repave.environment': 'default' }
  await scene.engine.call('POST', `/containers/create?name=${name}`, { Image: scene.image, Labels: labels })
  expect((await drift(scene)).findings.map(({ id }) => id)).toEqual([`foreign.labels:${name}`])
})

test('a limit that was changed, with what it was', async () => {
  const scene = await aFleet()
  const [instance] = await scene.instances()
  const id = `instance.altered:${nameOf(instance!)}`
  await scene.engine.call('POST', `/containers/${instance!.Id}/update`, { PidsLimit: 77 })
  const { findings } = await lookAtOnce(scene)
  expect(findings.find((each) => each.id === id)).toMatchObject({ actual: 'resources.pids: 256 → 77' })
  await expectNone(scene)
})

test('an instance that was paused', async () => {
  const scene = await aFleet()
  const [instance] = await scene.instances()
  await scene.engine.pause(instance!.Id)
  expect((await lookAtOnce(scene)).findings.map(({ id }) => id)).toContain(`instance.paused:${nameOf(instance!)}`)
  await expectNone(scene)
})

test('an instance that is gone', async () => {
  const scene = await aFleet()
  await untilFound(scene, [`instance.missing:${scene.stack}/default/web`], async () => {
    for (const { Id } of await scene.instances())
      await scene.engine.call('DELETE', `/containers/${Id}?force=true`).catch(() => {})
  })
  await expectNone(scene)
})

test('a server that sends requests elsewhere, which the controller mends', async () => {
  const scene = await aFleet()
  const name = nameOf((await scene.instances())[0]!)
  await untilFound(scene, [`server.address:${name}`], () =>
    scene.router.readdress(name, { host: '127.0.0.1', port: 9 }),
  )
  await expectNone(scene)
  expect((await scene.router.servers()).every(({ address }) => address.host !== '127.0.0.1')).toBe(true)
  expect(await scene.answers(4)).toEqual(Array.from({ length: 4 }, () => expect.stringMatching(/^200 first from /)))
})

test('a rule of the packet filter that was removed, and one that lets through', async () => {
  const scene = await aFleet()
  const [network] = await scene.engine.networks(`repave.stack=${scene.stack}`)
  const bridge = `br-${network!.Id.slice(0, 12)}`
  const apart = ['FORWARD', '-i', bridge, '-o', bridge, '-j']
  iptables('-D', ...apart, 'DROP')
  onTestFinished(() => restore(apart))
  expect((await drift(scene)).findings.map(({ id }) => id)).toEqual([`firewall.missing:-A ${apart.join(' ')} DROP`])
  iptables('-I', ...apart, 'DROP')
  await expectNone(scene)
  iptables('-I', ...apart, 'ACCEPT')
  expect((await drift(scene)).findings).toMatchObject([
    {
      id: `firewall.surplus:-A ${apart.join(' ')} ACCEPT`,
      remedy: expect.stringContaining(`iptables -D ${apart.join(' ')}`),
    },
  ])
  iptables('-D', ...apart, 'ACCEPT')
  await expectNone(scene)
})

/** Docker takes its own rule out with the network. What was let through is to go, whatever the test came to. */
function restore(apart: readonly string[]): void {
  for (const target of ['ACCEPT', 'DROP']) {
    try {
      iptables('-C', ...apart, target)
      iptables('-D', ...apart, target)
    } catch {
      // It is not there.
    }
  }
}

test('a network that was taken away, and one that somebody else made in its place', async () => {
  const scene = await aFleet()
  const [network] = await scene.engine.networks(`repave.stack=${scene.stack}`)
  const { Name, Labels } = network!
  const missing = `network.missing:${scene.stack}/default`
  await untilFound(scene, [missing, 'network.placement:'], () => takeAway(scene))

  const attachable = `network.setting:${Name}/attachable`
  const findings = await untilFound(scene, [attachable, 'firewall.missing:'], async () => {
    await takeAway(scene)
    await scene.engine.call('POST', '/networks/create', { Name, Labels, Attachable: true }).catch(() => {})
  })
  expect(findings.filter(({ id }) => id.startsWith('network.setting:'))).toMatchObject([
    { id: attachable, expected: 'false', actual: 'true' },
    { object: `${Name}/com.docker.network.bridge.enable_icc`, expected: 'false', actual: 'none' },
  ])
})

/** With all that is in it cut off, unless the controller brings a new one in meanwhile. */
async function takeAway(scene: Scene): Promise<void> {
  for (const { Id } of await scene.engine.networks(`repave.stack=${scene.stack}`)) {
    const path = `/networks/${Id}`
    const { Containers } = await scene.engine.call<{ Containers: Record<string, unknown> }>('GET', path)
    for (const Container of Object.keys(Containers))
      await scene.engine.call('POST', `${path}/disconnect`, { Container, Force: true }).catch(() => {})
    await scene.engine.call('DELETE', path).catch(() => {})
  }
}
