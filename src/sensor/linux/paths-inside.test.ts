import { expect, test } from 'vitest'
import { resolveInside } from './paths-inside.ts'

const links: Readonly<Record<string, string>> = {
  '/bin': 'usr/bin',
  '/usr/bin/sh': '/bin/busybox',
  '/usr/bin/node': '../lib/node/bin/node',
  '/out': '../../../etc/passwd',
  '/round': '/round',
}

test.each([
  ['/usr/bin/busybox', '/usr/bin/busybox'],
  ['/bin/busybox', '/usr/bin/busybox'],
  ['/bin/sh', '/usr/bin/busybox'],
  ['/bin/node', '/usr/lib/node/bin/node'],
  ['/bin/./../bin//sh', '/usr/bin/busybox'],
  ['/out', '/etc/passwd'],
  ['/', '/'],
  ['/round', undefined],
])('%s is %s', (path, resolved) => {
  expect(resolveInside(path, (link) => links[link])).toBe(resolved)
})
