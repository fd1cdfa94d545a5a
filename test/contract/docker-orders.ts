/** Orders for instances, and what tests wait for. */
import { expect, vi } from 'vitest'
import type { Engine, InstanceOrder, LogLine, ObservedInstance, PreparedImage } from '../../src/engine/engine.ts'
import type { Scope } from '../../src/model/stack.ts'
import { defaultHardening, versionId, type VersionSpec } from '../../src/model/version.ts'

const timing = { intervalMs: 1000, timeoutMs: 1000, healthyAfter: 1, unhealthyAfter: 3 }

export function aScope(word: string): Scope {
  return { stack: `${word}-${crypto.randomUUID().slice(0, 8)}`, environment: 'test' }
}

export function anOrder(
  scope: Scope,
  image: PreparedImage,
  command: readonly string[],
  number: number,
  change: Partial<VersionSpec> = {},
): InstanceOrder {
  const spec: VersionSpec = {
    image: image.digest,
    command,
    workingDirectory: '/',
    environment: {},
    user: '65532',
    port: 8080,
    health: { kind: 'tcp', ...timing },
    resources: { cpuMillis: 500, memoryBytes: 67_108_864, pids: 32 },
    tmpfs: ['/tmp'],
    hardening: defaultHardening,
    ...change,
  }
  const version = versionId(spec)
  const name = `${scope.stack}-${scope.environment}-web-${version.slice(0, 8)}-${number}`
  return { ...scope, service: 'web', name, version, spec }
}

export async function untilPhase(
  engine: Engine,
  name: string,
  phase: ObservedInstance['phase'],
): Promise<ObservedInstance> {
  return vi.waitFor(async () => {
    const { instances } = await engine.observe()
    const instance = instances.find((candidate) => candidate.name === name)
    expect(instance?.phase).toBe(phase)
    return instance!
  }, 20_000)
}

export async function collect(lines: AsyncIterable<LogLine>): Promise<LogLine[]> {
  const collected: LogLine[] = []
  for await (const line of lines) collected.push(line)
  return collected
}

/** Removes the scope's instances and all that was made for them. */
export async function removeScope(engine: Engine, scope: Scope): Promise<void> {
  const { instances } = await engine.observe({ fresh: true })
  const own = instances.filter((instance) => instance.stack === scope.stack)
  await Promise.all(own.map((instance) => engine.destroy(instance.name, 0)))
  await engine.retire(scope)
}
