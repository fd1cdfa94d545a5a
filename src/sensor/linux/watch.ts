/** A part of the sensor that watches one thing of every instance. */
import type { Sense } from '../../model/touch.ts'
import type { Watched } from './watched.ts'

export interface Watch {
  /** What it answers for on this machine. */
  senses(): readonly Sense[]
  /** What the loop waits for: readable, or for mounts, changed. */
  descriptors(): readonly Descriptor[]
  follow(watched: Watched): void
  unfollow(watched: Watched): void
  close(): void
}

export interface Descriptor {
  readonly descriptor: number
  readonly waitFor: 'readable' | 'changed'
  readonly handle: () => void
  /**
   * How long it is left alone after it was read. Whoever writes much pays for each time that somebody is waked, and the
   * kernel merges what it need not tell at once.
   */
  readonly restMs?: number
}

/** A layer that works, or the failure of the call that it needs. */
export function sense(layer: Sense['layer'], failure: Failure | undefined, detail: string, unseen: string): Sense {
  if (failure === undefined) return { layer, state: 'works', detail }
  return { layer, state: 'missing', detail: `${failure.call}: ${failure.errno}; ${unseen}`, remedy: remedyFor(failure) }
}

export interface Failure {
  readonly call: string
  readonly errno: string
}

function remedyFor({ errno }: Failure): string {
  if (errno === 'EPERM' || errno === 'EACCES')
    return 'run the controller as root on the host, with CAP_SYS_ADMIN and CAP_NET_ADMIN, in no container'
  if (errno === 'EMFILE') return 'raise fs.fanotify.max_user_groups, or the limit of open files'
  return 'run a kernel of 5.13 or newer that is built with CONFIG_FANOTIFY_ACCESS_PERMISSIONS and CONFIG_PROC_EVENTS'
}
