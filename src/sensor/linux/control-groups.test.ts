import { expect, test } from 'vitest'
import { groupFolders, groupTouchKind } from './control-groups.ts'
import { readMounts } from '../../system/mountinfo.ts'

const id = '64d4ca14ed353e9e'
const hybrid = readMounts(`1 0 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
2 0 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
3 0 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
4 0 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
5 0 0:32 /docker/other /elsewhere rw - cgroup cgroup rw,memory`)

test('the folders of both versions side by side', () => {
  const membership = `9:name=systemd:/docker/${id}\n4:memory:/docker/${id}\n1:cpu,cpuacct:/docker/${id}\n0::/docker/${id}\n`
  expect(groupFolders(membership, hybrid, id)).toEqual([
    `/sys/fs/cgroup/systemd/docker/${id}`,
    `/sys/fs/cgroup/memory/docker/${id}`,
    `/sys/fs/cgroup/cpu,cpuacct/docker/${id}`,
    `/sys/fs/cgroup/unified/docker/${id}`,
  ])
})

test('the one folder of version 2, as systemd makes it', () => {
  const mounts = readMounts('1 0 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate')
  expect(groupFolders(`0::/system.slice/docker-${id}.scope\n`, mounts, id)).toEqual([
    `/sys/fs/cgroup/system.slice/docker-${id}.scope`,
  ])
})

test('groups that others share are not its own', () => {
  expect(groupFolders(`4:memory:/\n0::/\n1:cpu,cpuacct:/user.slice\n`, hybrid, id)).toEqual([])
})

test('a hierarchy that is mounted nowhere has no folder', () => {
  expect(groupFolders(`4:hugetlb:/docker/${id}\n`, hybrid, id)).toEqual([])
})

test.each([
  ['cgroup.procs', 'joined'],
  ['tasks', 'joined'],
  ['cgroup.threads', 'joined'],
  ['memory.max', 'limits'],
  ['memory.limit_in_bytes', 'limits'],
  ['freezer.state', 'limits'],
  ['cgroup.freeze', 'limits'],
  ['devices.allow', 'limits'],
  ['cgroup.event_control', undefined],
])('a write to %s is %s', (name, kind) => {
  expect(groupTouchKind(`/sys/fs/cgroup/memory/docker/${id}/${name}`)).toBe(kind)
})
