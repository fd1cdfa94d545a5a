/** Which services come before which others. */

/**
 * The cycles among services that depend on each other, each as `web, api, web`; empty where there is an order for all.
 * Several cycles that share a service may count as one. Names of services that are not there are ignored.
 */
export function dependencyCycles(dependencies: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const cycles: (readonly string[])[] = []
  const seen = new Map<string, 'on the way' | 'settled'>()
  for (const start of dependencies.keys()) {
    // Without recursion: a chain of services may be longer than the call stack is deep.
    const way = seen.has(start) ? [] : [start]
    for (let name = way.at(-1); name !== undefined; name = way.at(-1)) {
      seen.set(name, 'on the way')
      const next = dependencies.get(name)?.find((each) => dependencies.has(each) && seen.get(each) !== 'settled')
      if (next !== undefined && !seen.has(next)) {
        way.push(next)
        continue
      }
      if (next !== undefined) cycles.push([...way.slice(way.indexOf(next)), next])
      const settled = next === undefined ? [name] : way
      for (const each of settled) seen.set(each, 'settled')
      way.length = next === undefined ? way.length - 1 : 0
    }
  }
  return cycles
}
