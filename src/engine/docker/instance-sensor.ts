/** What sees touches of running instances past the engine: what the driver asks of it. */
import type { Sense, Touch } from '../../model/touch.ts'

export interface SensedInstance {
  readonly instance: string
  readonly containerId: string
  /** Its first process, in the host's numbering. */
  readonly pid: number
  readonly sandboxId?: string
  readonly sandboxPid?: number
  /** What it runs as, where that is a number. */
  readonly uid: number | undefined
  /** Its writable paths. */
  readonly tmpfs: readonly string[]
  /** Where its data volumes are. */
  readonly data: readonly string[]
  /** The digest of its image. */
  readonly image: string
  /** What may write to its root. */
  readonly isRootWritable?: boolean
}

export interface InstanceSensor {
  senses(): Promise<readonly Sense[]>
  /** Watches exactly these from now on. */
  follow(instances: readonly SensedInstance[]): Promise<void>
  /** Tells each touch until `signal` aborts. */
  watch(
    listener: (sensed: { readonly instance: string; readonly touch: Touch }) => void,
    signal: AbortSignal,
  ): Promise<void>
}
