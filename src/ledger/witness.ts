/**
 * A witness: it cosigns the checkpoints of logs as long as each extends the one before, so that a log that shows two
 * people two histories is found out. Protocol: c2sp.org/tlog-witness.
 */
import { hash } from 'node:crypto'
import { type Clock, systemClock } from '../system/clock.ts'
import { Serial } from '../system/serial.ts'
import { type AddCheckpoint, parseAddCheckpoint } from './add-checkpoint.ts'
import {
  type Checkpoint,
  formatCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  type TreeHead,
  withSignatures,
} from './checkpoint.ts'
import { cosign, openCosignatures } from './cosignature.ts'
import { decodeText, encodeText } from './encoding.ts'
import { isFault } from './fault.ts'
import { parseVerifierKey, type Signer, type VerifierKey } from './key.ts'
import type { LedgerFiles } from './ledger-files.ts'
import { equalBytes, treeHead } from './merkle.ts'
import { formatSignature, isSignatureOf } from './note.ts'
import { extendsTree } from './proof.ts'
import { invalidLedger } from './published.ts'

export interface WitnessedLog {
  /** The log's public key: `NAME+ID+KEY`. */
  readonly key: string
  /** Default: the key's name. */
  readonly origin?: string
}

export interface WitnessOptions {
  readonly signer: Signer<'witness'>
  readonly logs: readonly WitnessedLog[]
  /** Where the last checkpoint of each log is kept, laid out as monitors ask for it. */
  readonly files: LedgerFiles
  readonly clock?: Pick<Clock, 'now'>
}

/** What to answer over HTTP, as the protocol has it. */
export type WitnessAnswer =
  | { readonly status: 200; readonly lines: string }
  /** The log has to prove its checkpoint from this size on. */
  | { readonly status: 409; readonly size: number }
  | { readonly status: 400 | 403 | 404 | 422; readonly message: string }

interface KnownLog {
  readonly key: VerifierKey<'log'>
  readonly origin: string
  readonly serial: Serial
}

export class Witness {
  readonly #signer: Signer<'witness'>
  readonly #logs: ReadonlyMap<string, KnownLog>
  readonly #files: LedgerFiles
  readonly #clock: Pick<Clock, 'now'>

  constructor({ signer, logs, files, clock = systemClock }: WitnessOptions) {
    this.#signer = signer
    this.#logs = new Map(logs.map(knownLog).map((log) => [log.origin, log]))
    this.#files = files
    this.#clock = clock
  }

  /** `body` is that of an add-checkpoint request. Throws LEDGER_INVALID where its own record is damaged. */
  async addCheckpoint(body: string): Promise<WitnessAnswer> {
    const request = parseAddCheckpoint(body)
    if (isFault(request)) return { status: 400, message: `the request ${request.fault}` }
    const claimed = parseCheckpoint(request.checkpoint)
    if (isFault(claimed)) return { status: 400, message: `the checkpoint ${claimed.fault}` }
    const log = this.#logs.get(claimed.origin)
    if (log === undefined) return { status: 404, message: `${claimed.origin} is no log that this witness knows` }
    const checkpoint = openCheckpoint(request.checkpoint, log.key, log.origin)
    if (isFault(checkpoint)) return { status: 403, message: `the checkpoint ${checkpoint.fault}` }
    // Between looking at the record and replacing it, no other request may do the same.
    return log.serial.run(() => this.#add(log, checkpoint, request))
  }

  /** The last checkpoint of the log whose origin has this SHA-256 in hex, with the cosignature; undefined if none. */
  async latest(originHash: string): Promise<string | undefined> {
    const log = this.#logs.values().find(({ origin }) => hashOf(origin) === originHash)
    const recorded = log && (await this.#recorded(log))
    return recorded && formatCheckpoint(recorded)
  }

  async #add(log: KnownLog, checkpoint: Checkpoint, request: AddCheckpoint): Promise<WitnessAnswer> {
    const refusal = objection(request, checkpoint, (await this.#recorded(log)) ?? emptyTree)
    if (refusal !== undefined) return refusal
    const { text, signatures } = checkpoint.note
    const cosignature = cosign(text, this.#signer, Math.floor(this.#clock.now() / 1000))
    const own = signatures.filter((signature) => isSignatureOf(log.key, signature))
    const kept = withSignatures({ ...checkpoint, note: { text, signatures: own } }, [cosignature])
    await this.#files.write([{ path: recordPath(log), bytes: encodeText(formatCheckpoint(kept)) }])
    return { status: 200, lines: formatSignature(cosignature) }
  }

  async #recorded(log: KnownLog): Promise<Checkpoint | undefined> {
    const bytes = await this.#files.read(recordPath(log))
    if (bytes === undefined) return undefined
    const recorded = openCheckpoint(decodeText(bytes) ?? '', log.key, log.origin)
    if (isFault(recorded) || isFault(openCosignatures(recorded.note, [this.#signer.key])))
      throw invalidLedger(`the record of ${log.origin} in ${recordPath(log)} is damaged`)
    return recorded
  }
}

const emptyTree: TreeHead = { size: 0, root: treeHead([]) }

/** Why not to cosign `checkpoint` after `recorded`, in the order of the protocol. */
function objection(request: AddCheckpoint, checkpoint: TreeHead, recorded: TreeHead): WitnessAnswer | undefined {
  const { oldSize, proof } = request
  const { size, root } = checkpoint
  if (oldSize > size)
    return { status: 400, message: `the old size ${oldSize} is more than the ${size} of the checkpoint` }
  if (oldSize !== recorded.size) return { status: 409, size: recorded.size }
  if (size === 0 && !equalBytes(root, emptyTree.root))
    return { status: 422, message: 'the root is not that of the empty tree' }
  if (!extendsTree(recorded, checkpoint, proof))
    return { status: 422, message: `it is not proven that the checkpoint extends the one of ${recorded.size} entries` }
  return undefined
}

function knownLog({ key: text, origin }: WitnessedLog): KnownLog {
  const key = parseVerifierKey('log', text)
  return { key, origin: origin ?? key.name, serial: new Serial() }
}

function recordPath({ origin }: KnownLog): string {
  return `${hashOf(origin)}/checkpoint`
}

function hashOf(origin: string): string {
  return hash('sha256', origin, 'hex')
}
