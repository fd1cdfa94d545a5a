/** Everything that the controller touches, passed in: the real machine, or a simulated world. */
import type { Terminals } from '../engine/terminal.ts'
import type { Recordings } from '../recording/recordings.ts'
import type { Engine } from '../engine/engine.ts'
import type { EvidenceLocker } from '../evidence/locker.ts'
import type { Gate } from '../gate/gate.ts'
import type { LedgerFiles } from '../ledger/ledger-files.ts'
import type { Publisher } from '../ledger/publisher.ts'
import type { WitnessClient } from '../ledger/witness-client.ts'
import type { ControllerStatus } from '../model/report.ts'
import type { Bookmarks, Messenger } from '../notify/notify.ts'
import type { Probe } from '../probe/probe.ts'
import type { Router } from '../router/router.ts'
import type { Store } from '../store/store.ts'
import type { Clock } from '../system/clock.ts'

/** The ledger that a controller keeps: where its files are, and who writes them. */
export interface Ledger {
  readonly files: LedgerFiles
  /** Who is asked to cosign each checkpoint. */
  readonly witnesses: readonly Pick<WitnessClient, 'cosign'>[]
  readonly publisher: Pick<Publisher, 'published' | 'checkpoint' | 'publish' | 'prune' | 'cosign'>
}

export interface Seams {
  readonly clock: Clock
  readonly engine: Engine
  readonly router: Router
  readonly probe: Probe
  readonly gate: Gate
  readonly store: Store
  readonly locker: EvidenceLocker
  /** How people enter an instance that is given up for it, and where that is recorded; absent: they can't. */
  readonly access?: { readonly terminals: Terminals; readonly recordings: Recordings }
  /** Opened when the controller starts, which is its one writer. */
  readonly openLedger: () => Promise<Ledger>
  /** Tells people of what is on record. */
  readonly messenger: Messenger
  /** How far they have been told, from one controller to the next. */
  readonly bookmarks: Bookmarks
  readonly info: ControllerStatus
  /** One line for whoever watches the controller itself. */
  readonly log: (line: string) => void
}
