/** How the Docker driver reads what an image says of itself: nothing is run, and nothing stays. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { setUpDocker, type DockerFixture } from './docker-fixture.ts'

let fixture: DockerFixture
beforeAll(async () => {
  fixture = await setUpDocker()
})
afterAll(() => fixture.cleanup())

test.each(['sbom', 'broken', 'endless'] as const)(
  'an image that is %s is read without running it, and nothing stays',
  async (kind) => {
    const digest = await fixture.described(kind)
    const before = fixture.proxy.requestLines.length
    await fixture.engine.describe(digest).catch(() => {})
    const calls = fixture.proxy.requestLines.slice(before)
    expect(calls.filter((line) => /\/(start|exec|get|export)/.test(line))).toEqual([])
    expect(await readings()).toEqual([])
  },
)

test('a connection that breaks on the way leaves nothing behind', async () => {
  const digest = await fixture.described('listed')
  const cutting = fixture.engine.describe(digest)
  await vi.waitFor(() => {
    fixture.proxy.cut(/archive/)
    expect(fixture.proxy.requestLines.some((line) => line.includes('/archive'))).toBe(true)
  }, 10_000)
  await cutting.catch(() => {})
  await fixture.engine.observe()
  await vi.waitFor(async () => expect(await readings()).toEqual([]), 10_000)
})

test('what a controller left that was killed while it read is cleaned up by the next one', async () => {
  await fixture.outsider.post('/containers/create', {
    Image: fixture.imageReference,
    Labels: { 'repave.owner': fixture.owner, 'repave.role': 'reading' },
  })
  expect(await readings()).toHaveLength(1)
  await fixture.nextLife().observe()
  await vi.waitFor(async () => expect(await readings()).toEqual([]), 10_000)
})

/** Containers of the fixture's owner that images are read through. */
async function readings(): Promise<readonly string[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`repave.owner=${fixture.owner}`] }))
  const containers = await fixture.outsider.list(`/containers/json?all=true&filters=${filters}`)
  return containers.filter(({ role }) => role === 'reading').map(({ id }) => id)
}
