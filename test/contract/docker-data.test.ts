/** What only the Docker engine has: volumes that somebody owns, and what makes it so. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { keptRepository } from '../../src/engine/docker/kept-images.ts'
import { dataVolumeName, type Engine, type InstanceOrder, type PreparedImage } from '../../src/engine/engine.ts'
import type { Scope } from '../../src/model/stack.ts'
import type { VersionSpec } from '../../src/model/version.ts'
import { buildRequest, setUpDocker, type DockerFixture } from './docker-fixture.ts'
import { anOrder, aScope, collect, removeScope, untilPhase } from './docker-orders.ts'

const builtTag = `localhost:1/repave-data-${crypto.randomUUID()}:1`
const writing = script('echo line >> /data/log; cat /data/log')
const telling = script('stat -c "%u %g %a" /data; ls /data')

let fixture: DockerFixture
let engine: Engine
/** Knows the user `web`, 777 of the group 888, and has something in `/data`, which it declares as a volume. */
let image: PreparedImage
let scope: Scope
let volume: string
beforeAll(async () => {
  fixture = await setUpDocker()
  engine = fixture.engine
  image = await engine.prepare(buildRequest(builtTag, imageFiles()))
})
beforeEach(() => {
  scope = aScope('data')
  volume = dataVolumeName({ ...scope, service: 'web' }, 'uploads')
})
afterEach(async () => {
  await removeScope(engine, scope)
  await engine.discardData(scope)
  await engine.retain([])
})
afterAll(async () => {
  await fixture?.outsider.delete(`/images/${builtTag}`)
  await fixture?.cleanup()
})

describe('data', () => {
  test.each(['0', '1000', '1000:2000', 'web', 'web:staff', '1000:staff'])(
    'is writable by the user %s, and is what the last instance left',
    async (user) => {
      expect(await outputOf(orderWith(1, { command: writing, user }))).toEqual(['line'])
      expect(await outputOf(orderWith(2, { command: writing, user }))).toEqual(['line', 'line'])
    },
  )

  test('begins empty, and belongs to the user', async () => {
    expect(await outputOf(orderWith(1, { command: telling, user: 'web:staff' }))).toEqual(['777 50 755'])
  })

  test('is made without running anything', async () => {
    await engine.reserve(scope, 1)
    const before = fixture.proxy.requestLines.length
    await engine.create(orderWith(1, { user: 'web' }))
    const calls = fixture.proxy.requestLines.slice(before)
    expect(calls.filter((line) => /\/build\?/.test(line))).toHaveLength(1)
    expect(calls.filter((line) => /\/(start|exec|archive)/.test(line))).toEqual([])
    expect(await passingTags()).toEqual([])
    expect(await handovers()).toEqual([])
  })

  test('is handed over once in the life of a controller', async () => {
    await engine.create(orderWith(1))
    const before = fixture.proxy.requestLines.length
    await engine.create(orderWith(2))
    expect(fixture.proxy.requestLines.slice(before).filter((line) => line.includes('/build?'))).toEqual([])
  })

  test('costs a look nothing', async () => {
    await engine.create(orderWith(1))
    await engine.observe()
    const before = fixture.proxy.requestLines.length
    await engine.observe()
    expect(fixture.proxy.requestLines.slice(before)).toEqual([expect.stringContaining('/containers/json')])
  })

  test('goes to another user as long as there is none, and stays with the first one after', async () => {
    const next = fixture.nextLife()
    await engine.create(orderWith(1, { user: '1000' }))
    expect(await outputOf(orderWith(2, { command: telling, user: '2000' }))).toEqual(['2000 0 755'])
    expect(await outputOf(orderWith(3, { command: writing, user: '2000' }))).toEqual(['line'])
    const later = orderWith(4, { command: telling, user: '3000' })
    await next.create(later)
    await next.start(later.name)
    await untilPhase(next, later.name, 'exited')
    expect(await linesOf(later)).toEqual(['2000 0 755', 'log'])
  })

  test('is handed over again where it was removed in between', async () => {
    await engine.create(orderWith(1))
    await engine.destroy(orderWith(1).name, 0)
    await fixture.outsider.delete(`/volumes/${volume}`)
    expect(await outputOf(orderWith(2, { command: writing }))).toEqual(['line'])
  })

  test("is nobody's whom the image does not know", async () => {
    const stranger = orderWith(1, { user: 'stranger' })
    await expect(engine.create(stranger)).rejects.toMatchObject({
      code: 'INSTANCE_CANNOT_RUN',
      message: expect.stringContaining('stranger'),
      hint: expect.stringContaining('user:'),
    })
    expect(await passingTags()).toEqual([])
  })

  test('is not given to a name of an image whose ONBUILD would be run for that', async () => {
    const tag = `${builtTag}-onbuild`
    const Dockerfile = `FROM ${builtTag}\nONBUILD RUN ["/bin/busybox", "true"]\n`
    const { digest } = await engine.prepare(buildRequest(tag, { Dockerfile }))
    try {
      const named = orderWith(1, { image: digest, user: 'web' })
      await expect(engine.create(named)).rejects.toMatchObject({ code: 'INSTANCE_CANNOT_RUN' })
      expect(await outputOf(orderWith(2, { image: digest, command: writing, user: '777' }))).toEqual(['line'])
    } finally {
      await removeScope(engine, scope)
      await fixture.outsider.delete(`/images/${tag}`)
    }
  })

  test('takes nothing from an image that has no name', async () => {
    const tag = `${builtTag}-unnamed`
    const first = await engine.prepare(buildRequest(tag, { Dockerfile: `FROM ${builtTag}\nENV FIRST=1\n` }))
    await engine.prepare(buildRequest(tag, { Dockerfile: `FROM ${builtTag}\nENV SECOND=1\n` }))
    await engine.create(orderWith(1, { image: first.digest, user: 'web' }))
    await engine.destroy(orderWith(1, { image: first.digest, user: 'web' }).name, 0)
    expect(await engine.present([first.digest])).toEqual(new Set([first.digest]))
    await fixture.outsider.delete(`/images/${first.digest}`)
    await fixture.outsider.delete(`/images/${tag}`)
  })

  test('is not discarded while a stranger uses it', async () => {
    await engine.create(orderWith(1))
    await engine.destroy(orderWith(1).name, 0)
    const HostConfig = { Binds: [`${volume}:/data`] }
    const { Id } = await fixture.outsider.post('/containers/create', { Image: builtTag, HostConfig })
    await expect(engine.discardData(scope)).rejects.toMatchObject({
      code: 'DATA_IN_USE',
      message: expect.stringContaining(volume),
    })
    await fixture.outsider.delete(`/containers/${String(Id)}`)
    expect(await engine.discardData(scope)).toEqual([volume])
  })

  test('is cleaned up after a controller that was killed while it made some', async () => {
    await engine.create(orderWith(1))
    await leaveHandover()
    const query = `repo=${keptRepository(fixture.owner)}&tag=passing-left`
    await fixture.outsider.post(`/images/${image.digest}/tag?${query}`)
    const next = fixture.nextLife()
    await next.observe()
    await vi.waitFor(async () => expect(await handovers()).toEqual([]), 10_000)
    await next.retain([])
    expect(await passingTags()).toEqual([])
  })

  test('is discarded although a handover of it was left', async () => {
    await engine.create(orderWith(1))
    await engine.destroy(orderWith(1).name, 0)
    await leaveHandover()
    expect(await engine.discardData(scope)).toEqual([volume])
  })
})

function orderWith(number: number, change: Partial<VersionSpec> = {}): InstanceOrder {
  return anOrder(scope, image, fixture.programs.polite, number, { data: { uploads: '/data' }, ...change })
}

async function outputOf(order: InstanceOrder): Promise<readonly string[]> {
  await engine.create(order)
  await engine.start(order.name)
  const instance = await untilPhase(engine, order.name, 'exited')
  expect(instance.version).toBe(order.version)
  return linesOf(order)
}

async function linesOf(order: InstanceOrder): Promise<readonly string[]> {
  return (await collect(engine.logs(order.name))).map(({ text }) => text)
}

/** What a controller leaves that is killed between the making of a volume and the handing over. */
async function leaveHandover(): Promise<void> {
  await fixture.outsider.post('/containers/create', {
    Image: builtTag,
    Labels: {
      'repave.owner': fixture.owner,
      'repave.role': 'handover',
      'repave.stack': scope.stack,
      'repave.environment': scope.environment,
    },
    HostConfig: { Mounts: [{ Type: 'volume', Source: volume, Target: '/.repave-data' }] },
  })
  expect(await handovers()).toHaveLength(1)
}

async function handovers(): Promise<readonly string[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`repave.stack=${scope.stack}`] }))
  const containers = await fixture.outsider.list(`/containers/json?all=1&filters=${filters}`)
  return containers.filter(({ role }) => role === 'handover').map(({ id }) => id)
}

async function passingTags(): Promise<readonly string[]> {
  return fixture.outsider.tags(keptRepository(fixture.owner))
}

function script(text: string): readonly string[] {
  return ['/bin/busybox', 'sh', '-c', text.replaceAll(/(?<=^|; )(?=cat|stat|ls)/g, '/bin/busybox ')]
}

function imageFiles(): Readonly<Record<string, string>> {
  return {
    Dockerfile: [
      'FROM localhost:1/repave-contract:1',
      'COPY passwd group /etc/',
      'COPY seed /data/',
      'VOLUME /data',
      '',
    ].join('\n'),
    passwd: 'web:x:777:888::/:/bin/sh\n',
    group: 'web:x:888:\nstaff:x:50:\n',
    seed: 'of the image',
  }
}
