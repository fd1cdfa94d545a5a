/** What the sensor's worker and its owner say to each other. */
import type { Sense } from '../../model/touch.ts'
import type { SensedTouch, SensorSubject } from '../sensor.ts'

export interface WorkerOptions {
  /** Becomes readable when there are commands. */
  readonly bell: number
}

export type Command =
  | { readonly kind: 'follow'; readonly id: number; readonly subjects: readonly SensorSubject[] }
  | { readonly kind: 'stop' }

export type Message =
  /** `descriptors` are what executions wait for: whoever is left closes them if the worker dies. */
  | { readonly kind: 'began'; readonly senses: readonly Sense[]; readonly descriptors: readonly number[] }
  | { readonly kind: 'followed'; readonly id: number; readonly failure?: string }
  | { readonly kind: 'touched'; readonly sensed: SensedTouch }
  | { readonly kind: 'failed'; readonly reason: string }
  /** All descriptors are closed. */
  | { readonly kind: 'stopped' }
