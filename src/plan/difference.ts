/** What differs between two releases of one service, in words that name the keys. */
import type { ServiceRelease } from '../model/release.ts'

/** `environment.LOG_LEVEL: "info" → "debug"`, a line for each leaf that differs; empty when none does. */
export function differences(before: ServiceRelease | undefined, after: ServiceRelease | undefined): readonly string[] {
  if (!before || !after) return []
  const old = leaves(comparable(before))
  const next = leaves(comparable(after))
  const paths = [...new Set([...old.keys(), ...next.keys()])].toSorted()
  return paths
    .filter((path) => old.get(path) !== next.get(path))
    .map((path) => `${path}: ${old.get(path) ?? 'none'} → ${next.get(path) ?? 'none'}`)
}

/**
 * The version's own fields beside those of the release, as in a stack file. What people call the image and what its
 * labels say makes nothing different: its digest is what runs.
 */
function comparable({
  spec,
  version: _version,
  imageName: _imageName,
  labels: _labels,
  ...release
}: ServiceRelease): object {
  return { ...release, ...spec }
}

function leaves(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) into.set(path, JSON.stringify(value))
  else if (typeof value === 'object' && value !== null)
    for (const [key, item] of Object.entries(value)) leaves(item, path ? `${path}.${key}` : key, into)
  else into.set(path, JSON.stringify(value))
  return into
}
