/** Paths as a container means them. */

const linksMost = 40

/**
 * Follows links as if `/` were the container's root, which the kernel does not when one looks through /proc/PID/root.
 * `readLink` answers undefined for what is no link. Undefined where links go round.
 */
export function resolveInside(path: string, readLink: (path: string) => string | undefined): string | undefined {
  const ahead = parts(path)
  const done: string[] = []
  let links = 0
  for (let part = ahead.shift(); part !== undefined; part = ahead.shift()) {
    if (part === '..') {
      done.pop()
      continue
    }
    const target = readLink(`/${[...done, part].join('/')}`)
    if (target === undefined) {
      done.push(part)
      continue
    }
    links += 1
    if (links > linksMost) return undefined
    if (target.startsWith('/')) done.length = 0
    ahead.unshift(...parts(target))
  }
  return `/${done.join('/')}`
}

function parts(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.')
}
