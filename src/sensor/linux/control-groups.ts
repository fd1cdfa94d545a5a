/** Where the control groups of a container are, in both versions of cgroups(7). */
import type { Mount } from '../../system/mountinfo.ts'

/**
 * The folders of a process's control groups that are its container's alone: those whose path names the container.
 * `membership` is /proc/PID/cgroup, `mounts` are the host's.
 */
export function groupFolders(membership: string, mounts: readonly Mount[], containerId: string): readonly string[] {
  const folders = membership.split('\n').flatMap((line) => {
    const [hierarchy, controllers, ...rest] = line.split(':')
    const path = rest.join(':')
    if (!path.includes(containerId) || controllers === undefined) return []
    const mount = mounts.find((candidate) => isMountOf(candidate, hierarchy === '0', controllers.split(',')))
    return mount === undefined ? [] : `${mount.path}${path}`
  })
  return [...new Set(folders)]
}

function isMountOf(mount: Mount, isUnified: boolean, controllers: readonly string[]): boolean {
  if (mount.root !== '/') return false
  if (isUnified) return mount.type === 'cgroup2'
  return mount.type === 'cgroup' && controllers.every((controller) => mount.superOptions.includes(controller))
}

/** What a write to a file of a control group is; undefined for those by which one asks to be told of something. */
export function groupTouchKind(path: string): 'joined' | 'limits' | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (name === 'cgroup.event_control') return undefined
  return name === 'cgroup.procs' || name === 'cgroup.threads' || name === 'tasks' ? 'joined' : 'limits'
}
