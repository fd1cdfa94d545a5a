import { expect, test } from 'vitest'
import type { ServiceRelease } from '../model/release.ts'
import { versionId } from '../model/version.ts'
import { tightened } from './tighten.ts'

const resources = { cpuMillis: 1_000, memoryBytes: 1 << 28, pids: 64 }

/** What else it is does not matter. */
function service(): ServiceRelease {
  const spec = { image: 'sha256:1', resources } as unknown as ServiceRelease['spec']
  return { replicas: 3, spec, version: versionId(spec) } as ServiceRelease
}

test('limits are lowered where they are named, and that is another version', () => {
  const next = tightened(service(), { cpuMillis: 100, pids: 16 })
  expect(next?.spec.resources).toEqual({ cpuMillis: 100, memoryBytes: 1 << 28, pids: 16 })
  expect(next?.version).toBe(next && versionId(next.spec))
  expect(next?.version).not.toBe(service().version)
  expect(next?.replicas).toBe(3)
})

test.each([
  ['nothing is named', {}],
  ['it has no more', resources],
  ['what is named is more', { pids: 65, cpuMillis: 2_000 }],
])('nothing changes where %s', (_what, limits) => {
  expect(tightened(service(), limits)).toBeUndefined()
})
