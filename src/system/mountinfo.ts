/** /proc/PID/mountinfo: proc_pid_mountinfo(5). */

export interface Mount {
  readonly id: number
  /** Where it is in the process's view. */
  readonly path: string
  readonly options: readonly string[]
  readonly type: string
  readonly source: string
  readonly superOptions: readonly string[]
  /** Of the file system that is shown, the folder that its root is. */
  readonly root: string
}

/** Lines that can't be read are left out. */
export function readMounts(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [left, right] = line.split(' - ')
    const [id, , , root, path, options] = left?.split(' ') ?? []
    const [type, source, superOptions] = right?.split(' ') ?? []
    if (root === undefined || path === undefined || options === undefined || type === undefined) return []
    return {
      id: Number(id),
      path: unescapePath(path),
      options: options.split(','),
      type,
      source: unescapePath(source ?? ''),
      superOptions: superOptions?.split(',') ?? [],
      root: unescapePath(root),
    }
  })
}

/** Blanks and line ends are written as octal numbers. */
function unescapePath(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_whole, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8)))
}

/** The last mount at a path is the one that is seen. */
export function mountAt(mounts: readonly Mount[], path: string): Mount | undefined {
  return mounts.findLast((mount) => mount.path === path)
}

export function upperFolder(mounts: readonly Mount[]): string | undefined {
  const root = mountAt(mounts, '/')
  if (root?.type !== 'overlay') return undefined
  return root.superOptions.find((option) => option.startsWith('upperdir='))?.slice('upperdir='.length)
}

/** What one table has and the other has not, in words; undefined where they are the same. */
export function describeMountChange(before: readonly Mount[], now: readonly Mount[]): string | undefined {
  const old = new Map(before.map((mount) => [mount.id, mount]))
  for (const mount of now) {
    const was = old.get(mount.id)
    old.delete(mount.id)
    if (was === undefined) return `${mount.type} was mounted at ${mount.path}`
    if (rights(was) !== rights(mount)) return `${mount.path} is mounted ${rights(mount)}, it was ${rights(was)}`
    if (was.path !== mount.path) return `what was mounted at ${was.path} is at ${mount.path}`
  }
  const [gone] = old.values()
  return gone && `${gone.path} is no longer mounted`
}

function rights({ options, superOptions }: Mount): string {
  return `${options.join(',')} (${superOptions[0] ?? ''})`
}
