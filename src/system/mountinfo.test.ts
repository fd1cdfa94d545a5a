import { expect, test } from 'vitest'
import { describeMountChange, mountAt, readMounts, upperFolder } from './mountinfo.ts'

const table = `72 48 0:39 / / ro,relatime master:2 - overlay overlay rw,lowerdir=/l/A:/l/B,upperdir=/var/lib/docker/overlay2/c1/diff,workdir=/var/lib/docker/overlay2/c1/work
74 72 0:43 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755
54 73 0:43 /null /proc/keys rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755
78 77 0:29 /docker/64d4 /sys/fs/cgroup/cpu ro,nosuid,nodev,noexec,relatime - cgroup cgroup rw,cpu
91 72 254:0 /hosts /with\\040blank ro shared:1 master:2 - ext4 /dev/vda rw,discard
`

test('a table', () => {
  const mounts = readMounts(table)
  expect(mounts.map(({ id, path, root, type }) => `${id} ${path} ${root} ${type}`)).toEqual([
    '72 / / overlay',
    '74 /dev / tmpfs',
    '54 /proc/keys /null tmpfs',
    '78 /sys/fs/cgroup/cpu /docker/64d4 cgroup',
    '91 /with blank /hosts ext4',
  ])
  expect(mountAt(mounts, '/')?.options).toEqual(['ro', 'relatime'])
  expect(upperFolder(mounts)).toBe('/var/lib/docker/overlay2/c1/diff')
})

test('lines that are none', () => {
  expect(readMounts('\nx\n1 2 3 - tmpfs\n')).toEqual([])
  expect(upperFolder([])).toBeUndefined()
})

test('the source of a mount', () => {
  expect(readMounts(table).at(-1)?.source).toBe('/dev/vda')
})

const before = readMounts(table)

test.each([
  ['the same', table, undefined],
  ['who shares it', table.replace('master:2', 'shared:9'), undefined],
  [
    'a writable root',
    table.replace('/ / ro,relatime', '/ / rw,relatime'),
    '/ is mounted rw,relatime (rw), it was ro,relatime (rw)',
  ],
  ['one more', `${table}99 72 0:51 / /tmp rw - tmpfs tmpfs rw\n`, 'tmpfs was mounted at /tmp'],
  ['one less', table.replace(/^74.*\n/m, ''), '/dev is no longer mounted'],
  ['one elsewhere', table.replace('/ /dev rw', '/ /old rw'), 'what was mounted at /dev is at /old'],
  [
    'a read-only file system',
    table.replace('overlay rw', 'overlay ro'),
    '/ is mounted ro,relatime (ro), it was ro,relatime (rw)',
  ],
])('%s', (_what, now, change) => {
  expect(describeMountChange(before, readMounts(now))).toBe(change)
})
