/** The one writer of a ledger: appends entries and signs the heads of what is durable. */
import { RepaveError } from '../errors.ts'
import { Serial } from '../system/serial.ts'
import {
  type Checkpoint,
  checkpointPath,
  formatCheckpoint,
  signCheckpoint,
  type TreeHead,
  withSignatures,
} from './checkpoint.ts'
import { knownCosignatures } from './cosignature.ts'
import { Edge } from './edge.ts'
import { encodeText } from './encoding.ts'
import { parseEntry } from './entry.ts'
import { isFault } from './fault.ts'
import { parseVerifierKey, type Signer, type VerifierKey } from './key.ts'
import type { LedgerFile, LedgerFiles } from './ledger-files.ts'
import { invalidLedger, readCheckpoint, readEdge } from './published.ts'
import { edgeOf, isLeftover, isObsolete, isPrunable, parseTilePath, type Tile, tilePath } from './tiles.ts'

export interface PublisherOptions {
  readonly files: LedgerFiles
  readonly signer: Signer<'log'>
  /** The name of the log. Default: the signer's. */
  readonly origin?: string
  /** The public keys of the witnesses whose cosignatures are taken. */
  readonly witnesses?: readonly string[]
}

/** How many bytes of full tiles and bundles are written at once. */
const batchBytes = 4 * 1024 * 1024

/**
 * Publishing writes tiles and bundles, then signs and writes the checkpoint, then removes what the checkpoint no
 * longer refers to. A crash anywhere leaves a checkpoint whose files are whole, and publishing the same entries
 * again comes to the same end.
 *
 * Other than c2sp.org/tlog-tiles asks for, partial files go as soon as a newer checkpoint is there: so every file
 * below `tile/` is one that the checkpoint vouches for, and a copy can be verified to the last byte.
 */
export class Publisher {
  readonly #files: LedgerFiles
  readonly #signer: Signer<'log'>
  readonly #origin: string
  readonly #witnesses: readonly VerifierKey<'witness'>[]
  readonly #serial = new Serial()
  #checkpoint: Checkpoint | undefined
  #edge = new Edge()
  #published: TreeHead = headOf(this.#edge)
  /** Whether files of an earlier edge may be left, but for the one of the last checkpoint. */
  #mayHaveLeftovers = true
  /** Why it is not known which checkpoint is the published one. */
  #lost: unknown

  /** Throws LEDGER_INVALID for a ledger that is damaged or of another signer or origin. */
  static async open(options: PublisherOptions): Promise<Publisher> {
    const publisher = new Publisher(options)
    await publisher.#start()
    return publisher
  }

  private constructor({ files, signer, origin, witnesses = [] }: PublisherOptions) {
    this.#files = files
    this.#signer = signer
    this.#origin = origin ?? signer.key.name
    this.#witnesses = witnesses.map((witness) => parseVerifierKey('witness', witness))
  }

  get published(): TreeHead {
    return this.#published
  }

  /** Undefined until something was published. */
  get checkpoint(): Checkpoint | undefined {
    return this.#checkpoint
  }

  /**
   * Appends entries that follow those that are published, and resolves once the checkpoint that has them is durable.
   * Throws LEDGER_INVALID for what can't be an entry. When it fails, nothing is published, unless it was the
   * checkpoint that could not be written: then this publisher is of no more use, and another has to be opened.
   */
  async publish(leaves: readonly Uint8Array[]): Promise<Checkpoint> {
    return this.#serial.run(() => this.#publish(leaves))
  }

  /**
   * Adds the cosignatures that `lines` hold to the published checkpoint; false when another was published since.
   * Throws WITNESS_REFUSED unless there is one by a known witness and all by known ones are right.
   */
  async cosign(checkpoint: Checkpoint, lines: string): Promise<boolean> {
    return this.#serial.run(() => this.#cosign(checkpoint, lines))
  }

  /**
   * Removes bundles and tiles of level 0 that are wholly below `beforeIndex`; the levels above stand for them. An
   * entry of kind `ledger.pruned` that says so has to be published first.
   */
  async prune(beforeIndex: number): Promise<void> {
    return this.#serial.run(async () => {
      if (beforeIndex > this.#edge.size) throw invalidLedger(`${this.#origin} has no entry ${beforeIndex} to prune to`)
      const prunable = (await this.#tiles()).filter((tile) => isPrunable(tile, beforeIndex))
      await this.#files.remove(prunable.map(tilePath))
    })
  }

  async #start(): Promise<void> {
    this.#checkpoint = await readCheckpoint(this.#files, this.#signer.key, this.#origin)
    if (this.#checkpoint === undefined) return
    this.#edge = await readEdge(this.#files, this.#checkpoint)
    this.#published = headOf(this.#edge)
    await this.#sweep(this.#edge)
  }

  async #publish(leaves: readonly Uint8Array[]): Promise<Checkpoint> {
    if (this.#lost !== undefined) throw this.#lostTrack()
    leaves.forEach((leaf, index) => this.#assertEntry(leaf, index))
    if (leaves.length === 0 && this.#checkpoint) return this.#checkpoint
    const [earlier, edge] = [this.#edge, this.#edge.copy()]
    await this.#writeTiles(edge, leaves)
    const head = headOf(edge)
    const checkpoint = signCheckpoint(this.#origin, head, this.#signer)
    await this.#writeCheckpoint(checkpoint)
    this.#edge = edge
    this.#published = head
    // The checkpoint is there: what can't be removed now is tried again after the next one.
    await this.#sweep(earlier).catch(() => (this.#mayHaveLeftovers = true))
    return checkpoint
  }

  #assertEntry(leaf: Uint8Array, index: number): void {
    const entry = parseEntry(leaf)
    if (!isFault(entry)) return
    throw new RepaveError('LEDGER_INVALID', `entry ${this.#edge.size + index} of ${this.#origin} ${entry.fault}`, {
      hint: 'record what canonicalJson makes of an object',
    })
  }

  async #writeTiles(edge: Edge, leaves: readonly Uint8Array[]): Promise<void> {
    const [leftovers, full]: [boolean, LedgerFile[]] = [this.#mayHaveLeftovers, []]
    this.#mayHaveLeftovers = true
    let bytes = 0
    for (const leaf of leaves) {
      full.push(...edge.append(leaf))
      bytes += leaf.length
      if (bytes < batchBytes) continue
      await this.#files.write(full.splice(0))
      bytes = 0
    }
    await this.#files.write([...full, ...edge.partialFiles()])
    this.#mayHaveLeftovers = leftovers
  }

  async #writeCheckpoint(checkpoint: Checkpoint): Promise<void> {
    try {
      await this.#files.write([{ path: checkpointPath, bytes: encodeText(formatCheckpoint(checkpoint)) }])
    } catch (error) {
      this.#lost = error
      throw error
    }
    this.#checkpoint = checkpoint
  }

  #lostTrack(): RepaveError {
    return new RepaveError(
      'LEDGER_INVALID',
      `it is not known whether the last checkpoint of ${this.#origin} is there`,
      {
        hint: 'restart the controller, which looks',
        cause: this.#lost,
      },
    )
  }

  async #cosign(checkpoint: Checkpoint, lines: string): Promise<boolean> {
    const published = this.#checkpoint
    if (published?.note.text !== checkpoint.note.text) return false
    const added = knownCosignatures(published.note.text, lines, this.#witnesses)
    if (isFault(added))
      throw new RepaveError('WITNESS_REFUSED', `what was to cosign the checkpoint of ${this.#origin} ${added.fault}`, {
        hint: 'compare the public keys of the witnesses with those that these publish',
      })
    await this.#writeCheckpoint(withSignatures(published, added.signatures))
    return true
  }

  /** Removes the files of earlier edges. */
  async #sweep(earlier: Edge): Promise<void> {
    const candidates = this.#mayHaveLeftovers ? await this.#tiles() : edgeOf(earlier.size)
    const { size } = this.#edge
    const leftovers = candidates.filter((tile) => isLeftover(tile, size))
    const obsolete = leftovers.filter((tile) => isObsolete(tile, size))
    // The others are of a publication that was interrupted: the next ones will overtake them.
    this.#mayHaveLeftovers = obsolete.length < leftovers.length
    await this.#files.remove(obsolete.map(tilePath))
  }

  async #tiles(): Promise<readonly Tile[]> {
    return (await this.#files.list('tile')).map(parseTilePath).filter((tile) => tile !== undefined)
  }
}

/** Its root costs a few hundred hashes: it is made once. */
function headOf({ size, root }: Edge): TreeHead {
  return { size, root }
}
