/**
 * Brings what is on record into the ledger's files a moment after it was recorded, and has it signed there.
 *
 * An entry is durable in the store before what it announces is done, durable in the files before it is signed, and
 * signed before the store may forget it. A store that has less than what was signed would fork the history that others
 * may have seen, so it is refused.
 */
import { asRepaveError, RepaveError } from '../errors.ts'
import { decodeBundle } from '../ledger/bundle.ts'
import type { LedgerFiles } from '../ledger/ledger-files.ts'
import { fullWidth, tileAt, tilePath } from '../ledger/tiles.ts'
import { canonicalJson } from '../model/canonical.ts'
import { releaseOfLeaf } from '../model/entry.ts'
import { blobPath } from '../model/release.ts'
import { entryOf } from './records.ts'
import { Retries } from './retries.ts'
import type { Ledger, Seams } from './seams.ts'

/** So long, entries are gathered for one checkpoint. */
const gatherMs = 500
const batch = 4_096

/** How many of the newest entries are kept, at least. */
export interface Retention {
  /** Where they can be searched. */
  readonly inStore: number
  /** In the files, where they can be verified. */
  readonly inFiles: number
  /** So many at once are pruned from the files: a multiple of what a bundle holds. */
  readonly step: number
}

const defaultRetention: Retention = { inStore: 200_000, inFiles: 1_000_000, step: 256 * fullWidth }

type Books = Pick<Seams, 'store' | 'openLedger' | 'clock' | 'log'>

export class Publication {
  readonly #seams: Books
  readonly #retention: Retention
  readonly #retries = new Retries()
  readonly #witnessRetries = new Retries()
  readonly #stop = new AbortController()
  /** By the index of each witness, the size of the checkpoint that it cosigned last. */
  readonly #cosigned = new Map<number, number>()
  #ledger: Ledger | undefined
  #running: Promise<void> | undefined
  #isWanted = false

  constructor(seams: Books, retention: Retention = defaultRetention) {
    this.#seams = seams
    this.#retention = retention
  }

  /** Throws LEDGER_BEHIND where the store is not the one whose entries were signed, or an older state of it. */
  async start(): Promise<void> {
    const ledger = await this.#seams.openLedger()
    const { size } = ledger.publisher.published
    if (size === 0) await this.#assertWhole()
    else await this.#assertContinues(ledger, size)
    this.#ledger = ledger
  }

  async #assertContinues({ files }: Ledger, size: number): Promise<void> {
    const [recorded] = await this.#seams.store.leaves(size - 1, 1)
    if (recorded === undefined || Buffer.compare(recorded, await signedLeaf(files, size)) !== 0)
      throw behind(size, await this.#seams.store.size())
  }

  /** What the store has forgotten, the files must have. */
  async #assertWhole(): Promise<void> {
    const { store } = this.#seams
    if ((await store.size()) === 0 || (await store.leaves(0, 1)).length > 0) return
    throw new RepaveError('LEDGER_INVALID', "the ledger's files are gone, and the state does not have all entries", {
      hint: 'bring the folder `ledger` of the state folder back from a copy; where it is lost, `repave ledger restart --reason TEXT` begins a ledger that says so',
    })
  }

  /** Something may have been recorded. */
  wake(): void {
    this.#isWanted = true
    this.#running ??= this.#run().finally(() => (this.#running = undefined))
  }

  /** What keeps it from its work. */
  troubles(): readonly RepaveError[] {
    return [...this.#retries.errors(), ...this.#witnessRetries.errors()]
  }

  /** How many entries are signed. */
  published(): number {
    return this.#ledger?.publisher.published.size ?? 0
  }

  /** Publishes what is left, as far as that is possible, and ends. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#isWanted = true
    await (this.#running ?? this.#attempt())
  }

  async #run(): Promise<void> {
    while (this.#isWanted && !this.#stop.signal.aborted) {
      await this.#sleep(Math.max(gatherMs, this.#retryMs()))
      await this.#attempt()
    }
  }

  async #attempt(): Promise<void> {
    this.#isWanted = false
    const ledger = this.#ledger
    if (!ledger) return
    const error = await this.#publishAll(ledger).then(() => undefined, asRepaveError)
    this.#note(this.#retries, 'publish', error)
    if (error) this.#isWanted = true
    else for (const index of ledger.witnesses.keys()) await this.#cosign(index, ledger)
  }

  /** By one witness; one that does not answer is asked less and less often, and the ledger goes on without it. */
  async #cosign(index: number, { publisher, witnesses, files }: Ledger): Promise<void> {
    const { checkpoint } = publisher
    const name = `cosign ${index}`
    if (!checkpoint || this.#stop.signal.aborted || !this.#witnessRetries.isDue(name, this.#seams.clock.steady()))
      return
    if (this.#cosigned.get(index) === checkpoint.size) return
    const work = async () => {
      const lines = await witnesses[index]?.cosign(files, checkpoint)
      if (lines !== undefined && (await publisher.cosign(checkpoint, lines))) this.#cosigned.set(index, checkpoint.size)
    }
    this.#note(this.#witnessRetries, name, await work().then(() => undefined, asRepaveError))
  }

  #note(retries: Retries, name: string, error: RepaveError | undefined): void {
    const isNews = error && this.troubles().every(({ message }) => message !== error.message)
    if (isNews) this.#seams.log(`${name} failed: ${error.message}`)
    retries.note(name, error, this.#seams.clock.steady())
  }

  #retryMs(): number {
    const nowMs = this.#seams.clock.steady()
    return (this.#retries.nextTimeMs(nowMs) ?? nowMs) - nowMs
  }

  async #sleep(ms: number): Promise<void> {
    await this.#seams.clock.sleep(ms, this.#stop.signal).catch(() => {})
  }

  async #publishAll({ files, publisher }: Ledger): Promise<void> {
    const before = publisher.published.size
    for (;;) {
      const leaves = await this.#seams.store.leaves(publisher.published.size, batch)
      if (leaves.length === 0) break
      await this.#writeReleases(leaves, files)
      await publisher.publish(leaves)
    }
    if (publisher.published.size > before) await this.#retain(publisher)
  }

  /** What decisions are for, under the names that their entries give. */
  async #writeReleases(leaves: readonly Uint8Array[], into: LedgerFiles): Promise<void> {
    const ids = new Set(leaves.flatMap((leaf) => releaseOfLeaf(leaf) ?? []))
    const releases = await Promise.all([...ids].map((id) => this.#seams.store.release(id)))
    const present = releases.filter((release) => release !== undefined)
    const files = present.map((release) => ({ path: blobPath(release), bytes: Buffer.from(canonicalJson(release)) }))
    if (files.length > 0) await into.write(files)
  }

  /** The store forgets what only the files need, and the files what is older than they have to keep. */
  async #retain(publisher: Ledger['publisher']): Promise<void> {
    const { store, clock } = this.#seams
    const { size } = publisher.published
    const { inStore, inFiles, step } = this.#retention
    await store.forget(size - inStore)
    const before = Math.floor((size - inFiles) / step) * step
    const [last] = await store.entries({ kinds: ['ledger.pruned'], last: 1 })
    if (before <= (last?.before ?? 0)) return
    const message = `entries before ${before} are older than what is kept`
    await store.append(entryOf({}, { atMs: clock.now(), kind: 'ledger.pruned', message, before }))
    await publisher.publish(await store.leaves(size, batch))
    await publisher.prune(before)
  }
}

/** The last entry of a published ledger, as its files have it. */
async function signedLeaf(files: LedgerFiles, size: number): Promise<Uint8Array> {
  const bundle = tilePath(tileAt('entries', Math.floor((size - 1) / fullWidth), size))
  const bytes = await files.read(bundle)
  const leaf = bytes && decodeBundle(bytes).leaves.at(-1)
  if (leaf) return leaf
  throw new RepaveError('LEDGER_INVALID', `${bundle} of the ledger is missing or empty`, {
    hint: 'see `repave ledger verify`; bring the file back from a copy',
  })
}

function behind(signed: number, recorded: number): RepaveError {
  return new RepaveError(
    'LEDGER_BEHIND',
    `the state has ${recorded} entries, and is not the one of which ${signed} were signed: an older copy was put in its place`,
    {
      hint: 'bring back the newer state; where it is lost, `repave ledger restart --reason TEXT` begins a ledger that says so',
    },
  )
}
