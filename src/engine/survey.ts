/** What a look around a scope shows beside its instances: all that should be as the engine made it. */
import type { VersionSpec } from '../model/version.ts'

export interface ScopeSurvey {
  /** Absent: the scope has none. */
  readonly network?: SurveyedNetwork
  /** What is in the scope's network, or has the labels of this controller's objects, and is none of them. */
  readonly foreign: readonly ForeignObject[]
  readonly misplaced: readonly MisplacedInstance[]
  /** By instance name: what it really runs, as far as a version can say it. */
  readonly specs: ReadonlyMap<string, VersionSpec>
  readonly firewall: FirewallSurvey
}

export interface SurveyedNetwork {
  readonly name: string
  /** Its settings that are not as it was created. */
  readonly deviations: readonly Deviation[]
}

export interface Deviation {
  readonly setting: string
  readonly expected: string
  readonly actual: string
}

export interface ForeignObject {
  readonly kind: 'container' | 'network'
  readonly name: string
  /** Where it does not belong: in a network of the scope, or under labels of its own. */
  readonly where: 'network' | 'labels'
  readonly detail: string
}

/** An instance whose network is not the scope's alone. */
export interface MisplacedInstance {
  readonly instance: string
  readonly expected: string
  readonly actual: string
}

/** Whether the host keeps the scope's network apart. */
export type FirewallSurvey =
  | { readonly kind: 'intact' }
  | { readonly kind: 'deviates'; readonly deviations: readonly FirewallDeviation[] }
  | { readonly kind: 'unseen'; readonly why: string }

export interface FirewallDeviation {
  /** As the packet filter's own tool writes it. */
  readonly rule: string
  /** `missing`: it has to be there. `surplus`: it lets through what has to be kept apart. */
  readonly state: 'missing' | 'surplus'
  readonly purpose: string
}
