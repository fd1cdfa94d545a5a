/** What reaches an instance from outside of the system (promise 4), and the layers that sense it. */

/** The ways in which an instance can be touched. */
export const touchKinds = [
  /** A process was run, or a terminal attached, through the engine. */
  'exec',
  'attach',
  /** Files were copied in or out, or the file system exported or committed, through the engine. */
  'copy',
  'export',
  'commit',
  /** It was signalled, halted, renamed, or given other limits or networks. */
  'signal',
  'pause',
  'rename',
  'update',
  'network',
  /** A file of its was written by somebody else, or in a place where nobody may write. */
  'write',
  /** A program was run that is not its own, or not one of its image. */
  'execution',
  /** A process entered its namespaces or its control group, or took hold of one of its processes. */
  'joined',
  'trace',
  /** Its mounts, or the limits of its control group, are not what they were. */
  'mount',
  'limits',
  /** What runs is not the version that it claims to be. */
  'altered',
  /** Somebody asked to enter it, for a reason that is on record. */
  'opened',
] as const

export type TouchKind = (typeof touchKinds)[number]

/** What senses touches; each can be missing on a machine, and then something is not seen. */
export const senseLayers = [
  /** The engine's own events. */
  'events',
  /** Inspection against the declared version. */
  'inspection',
  /** Writes to its file systems. */
  'files',
  /** Programs that are run: seen, and where the kernel allows it, refused. */
  'executions',
  /** Processes that join its namespaces, or trace its own. */
  'processes',
  'mounts',
  /** Its control groups: limits, and who is put into them. */
  'groups',
  /** Programs that run, against the image by digest. */
  'digests',
] as const

export type SenseLayer = (typeof senseLayers)[number]

/** Whether a layer works on this machine, and what that means. */
export interface Sense {
  readonly layer: SenseLayer
  readonly state: 'works' | 'missing'
  /** What it sees; or why it is missing, and what is not seen for that. */
  readonly detail: string
  /** What brings it about where it is missing. */
  readonly remedy?: string
}

export interface Touch {
  readonly kind: TouchKind
  readonly layer: SenseLayer
  /** By the clock of the machine on which it was seen. */
  readonly atMs: number
  /** In words: `exec /bin/sh`, `/tmp/x was written by pid 4312 (/usr/bin/cp)`. */
  readonly detail: string
  /** Whether what was attempted did not come about. */
  readonly isRefused?: true
  /** The process that did it, where it is known. */
  readonly by?: TouchedBy
}

export interface TouchedBy {
  readonly pid: number
  readonly uid?: number
  /** Path of its program. */
  readonly executable?: string
  readonly command?: readonly string[]
  /** Who logged in, by the kernel's audit trail: /proc/PID/loginuid. */
  readonly loginUid?: number
}
