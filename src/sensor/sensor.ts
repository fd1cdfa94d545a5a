/** What sees touches of running instances from outside of the engine: its contract. */
import type { Sense, Touch } from '../model/touch.ts'

/** An instance as the sensor has to know it. */
export interface SensorSubject {
  /** Its name. */
  readonly instance: string
  readonly containerId: string
  /** Its first process, in the host's numbering. */
  readonly pid: number
  /** First process of the container whose network namespace it shares. */
  readonly sandboxPid?: number
  readonly sandboxId?: string
  /** What the version runs as, where that is a number. */
  readonly uid: number | undefined
  /** Its writable tmpfs paths. */
  readonly tmpfs: readonly string[]
  /** Paths of its data volumes: written by design, not watched for writes. */
  readonly data: readonly string[]
  /** Digest of its image, by which digests of programs are remembered. */
  readonly image: string
  /** Absent: any program of the image; else only these may run. */
  readonly executables?: readonly string[]
  /** Its version may write to its root: only what others write there is a touch. */
  readonly isRootWritable?: boolean
  /** Somebody was let in and it is tainted already: nothing is refused or told any more. */
  readonly isOpen?: boolean
}

export interface SensedTouch {
  readonly instance: string
  readonly touch: Touch
}

export interface Sensor {
  /** Which layers work here; those missing say what is then not seen, and the remedy. */
  senses(): Promise<readonly Sense[]>
  /** Watches exactly these from now on; resolves once they are watched, and what was wrong with one already has been told. */
  follow(subjects: readonly SensorSubject[]): Promise<void>
  /** Tells each touch until `signal` aborts, and resolves then. */
  watch(listener: (sensed: SensedTouch) => void, signal: AbortSignal): Promise<void>
  /** Ends for good: nothing is watched or refused any more. */
  stop(): Promise<void>
}

/** The layers of `senseLayers` that a sensor answers for; the engine has the others. */
export const sensorLayers = ['files', 'executions', 'processes', 'mounts', 'groups', 'digests'] as const

export type SensorLayer = (typeof sensorLayers)[number]
