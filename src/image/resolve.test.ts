import { expect, test } from 'vitest'
import { MemoryImages } from '../engine/memory/memory-images.ts'
import type { ImageRequest } from '../engine/engine.ts'
import type { ImageSource, ServiceSpec, Stack } from '../model/stack.ts'
import { temporaryFolder, type TemporaryFolder } from '../system/temporary-folder.ts'
import { emptyLock } from './lock.ts'
import { resolveImages } from './resolve.ts'

/** An engine's images, and what it was asked for. */
class RecordedImages extends MemoryImages {
  readonly asked: ImageRequest['kind'][] = []

  override prepare(request: ImageRequest, progress?: (line: string) => void) {
    this.asked.push(request.kind)
    return super.prepare(request, progress)
  }
}

const rest: Omit<ServiceSpec, 'image'> = {
  environment: {},
  port: 80,
  routes: [],
  health: { kind: 'tcp', intervalMs: 1000, timeoutMs: 1000, healthyAfter: 1, unhealthyAfter: 3 },
  resources: { cpuMillis: 1000, memoryBytes: 1024 ** 3, pids: 64 },
  tmpfs: [],
  replicas: 1,
  rollout: {
    strategy: 'rolling',
    maxSurge: { kind: 'count', count: 1 },
    maxUnavailable: { kind: 'count', count: 0 },
    deadlineMs: 1000,
  },
  drainMs: 1000,
}

function stackOf(images: Readonly<Record<string, ImageSource | string>>): Stack {
  const services = Object.entries(images).map(([name, image]) => [
    name,
    { ...rest, image: typeof image === 'string' ? { kind: 'reference', reference: image } : image },
  ])
  return { stack: 'shop', environment: 'default', services: Object.fromEntries(services) }
}

function buildOf(folder: TemporaryFolder): ImageSource {
  return { kind: 'build', dockerfile: `${folder.path}/Dockerfile`, context: folder.path, arguments: {} }
}

test('a name stays what it was locked to until that is refreshed', async () => {
  const engine = new RecordedImages()
  const first = engine.add('nginx:1.27', {}, 'first')
  const stack = stackOf({ web: 'nginx:1.27' })
  const { images, lock } = await resolveImages(stack, emptyLock, engine)
  expect(images.web?.digest).toBe(first)
  expect(lock.references).toEqual({ 'nginx:1.27': { digest: first } })

  const second = engine.add('nginx:1.27', {}, 'second')
  expect((await resolveImages(stack, lock, engine)).images.web?.digest).toBe(first)
  const refreshed = await resolveImages(stack, lock, engine, { refresh: true })
  expect(refreshed.images.web?.digest).toBe(second)
  expect(refreshed.lock.references).toEqual({ 'nginx:1.27': { digest: second } })
})

test('a build is done again when its inputs changed or its result is gone, and not else', async () => {
  await using folder = await temporaryFolder()
  await folder.write('Dockerfile', 'FROM scratch')
  const engine = new RecordedImages()
  const stack = stackOf({ web: buildOf(folder) })
  const lines: string[] = []
  const built = await resolveImages(stack, emptyLock, engine, {
    progress: (service, line) => lines.push(`${service}: ${line}`),
  })
  expect(lines).toEqual(['web: building Dockerfile'])
  expect(engine.asked.splice(0)).toEqual(['build'])

  expect(await resolveImages(stack, built.lock, engine)).toEqual(built)
  expect(engine.asked.splice(0)).toEqual(['digest'])

  await resolveImages(stack, built.lock, engine, { refresh: true })
  expect(engine.asked.splice(0)).toEqual(['build'])

  const elsewhere = new RecordedImages()
  expect(await resolveImages(stack, built.lock, elsewhere)).toEqual(built)
  expect(elsewhere.asked).toEqual(['digest', 'build'])

  await folder.write('added', 'x')
  const rebuilt = await resolveImages(stack, built.lock, engine)
  expect(engine.asked).toEqual(['build'])
  expect(rebuilt.lock.builds.web?.inputs).not.toBe(built.lock.builds.web?.inputs)
})

test('what services share is prepared once', async () => {
  await using folder = await temporaryFolder()
  await folder.write('Dockerfile', 'FROM scratch')
  const engine = new RecordedImages()
  engine.add('nginx')
  const sources = { a: 'nginx', b: buildOf(folder), c: 'nginx', d: buildOf(folder), e: 'nginx' }
  const { images, lock } = await resolveImages(stackOf(sources), emptyLock, engine)
  expect(engine.asked.toSorted()).toEqual(['build', 'reference'])
  expect(Object.keys(images).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(lock.builds.b).toEqual(lock.builds.d)
})

test('what the lock holds for others is kept', async () => {
  const engine = new RecordedImages()
  const digest = engine.add('nginx')
  const other = {
    lockVersion: 1,
    references: { other: { digest } },
    builds: { worker: { inputs: 'x', digest } },
  } as const
  const { lock } = await resolveImages(stackOf({ web: 'nginx' }), other, engine)
  expect(lock).toEqual({ ...other, references: { other: { digest }, nginx: { digest } } })
})

test('an image that is gone is named with its service, and how to go on', async () => {
  const engine = new RecordedImages()
  const digest = `sha256:${'0'.repeat(64)}` as const
  const lock = { ...emptyLock, references: { 'acme/web': { digest } } }
  await expect(resolveImages(stackOf({ web: 'acme/web' }), lock, engine)).rejects.toMatchObject({
    code: 'IMAGE_NOT_FOUND',
    message: expect.stringMatching(/^service web: .*acme\/web.*only ever on this machine/),
    hint: expect.stringContaining('--refresh'),
  })
  await expect(resolveImages(stackOf({ web: 'absent' }), emptyLock, engine)).rejects.toMatchObject({
    code: 'IMAGE_NOT_FOUND',
  })
})
