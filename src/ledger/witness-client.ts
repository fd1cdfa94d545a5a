/** Asks a witness to cosign a checkpoint: c2sp.org/tlog-witness. */
import { RepaveError } from '../errors.ts'
import { formatAddCheckpoint } from './add-checkpoint.ts'
import { type Checkpoint, formatCheckpoint } from './checkpoint.ts'
import { knownCosignatures } from './cosignature.ts'
import { decodeText, parseCount } from './encoding.ts'
import { isFault } from './fault.ts'
import { parseVerifierKey, type VerifierKey } from './key.ts'
import type { LedgerFiles } from './ledger-files.ts'
import { formatSignature } from './note.ts'
import { consistencyPath } from './proof.ts'
import { TileReader } from './tile-reader.ts'

export interface WitnessClientOptions {
  /** The submission prefix: requests go to `URL/add-checkpoint`. */
  readonly url: string
  /** The public key of the witness: `NAME+ID+KEY`. */
  readonly key: string
  /** For each request. */
  readonly timeoutMs: number
  /** Default: over the network. */
  readonly fetch?: (request: Request) => Promise<Response>
}

interface Answer {
  readonly status: number
  readonly text: string
}

/** The witness may have cosigned for another writer meanwhile, but hardly again and again. */
const attempts = 3

/** Far more than the cosignatures of a witness, or the reason of a refusal, take. */
const maxAnswerBytes = 64 * 1024

export class WitnessClient {
  readonly #key: VerifierKey<'witness'>
  readonly #url: string
  readonly #timeoutMs: number
  readonly #fetch: (request: Request) => Promise<Response>
  /** What the witness last said that it knows of. */
  #knownSize = 0

  constructor({ url, key, timeoutMs, fetch: send = fetch }: WitnessClientOptions) {
    this.#key = parseVerifierKey('witness', key)
    this.#url = `${url.replace(/\/+$/, '')}/add-checkpoint`
    this.#timeoutMs = timeoutMs
    this.#fetch = send
  }

  /**
   * The signature lines of the witness on `checkpoint`, proven from the tiles in `files`. Throws WITNESS_UNREACHABLE,
   * WITNESS_REFUSED, or LEDGER_BEHIND when the witness has seen more of the log than there is.
   */
  async cosign(files: LedgerFiles, checkpoint: Checkpoint): Promise<string> {
    if (this.#knownSize > checkpoint.size) this.#knownSize = 0
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const answer = await this.#submit(files, checkpoint)
      if (answer.status === 200) return this.#accepted(checkpoint, answer.text)
      if (answer.status !== 409) throw this.#refused(checkpoint, answer)
      this.#knownSize = this.#sizeToldTo(checkpoint, answer)
    }
    throw this.#unreachable('it kept moving on while it was asked')
  }

  async #submit(files: LedgerFiles, checkpoint: Checkpoint): Promise<Answer> {
    const path = consistencyPath(this.#knownSize, checkpoint.size)
    const proof = await new TileReader(files, checkpoint.size).proof(path)
    const body = formatAddCheckpoint({ oldSize: this.#knownSize, proof, checkpoint: formatCheckpoint(checkpoint) })
    try {
      const signal = AbortSignal.timeout(this.#timeoutMs)
      const request = new Request(this.#url, { method: 'POST', body, redirect: 'error', signal })
      return await readAnswer(await this.#fetch(request))
    } catch (cause) {
      throw this.#unreachable(cause instanceof Error ? cause.message : String(cause), cause)
    }
  }

  #accepted(checkpoint: Checkpoint, lines: string): string {
    const known = knownCosignatures(checkpoint.note.text, lines, [this.#key])
    if (isFault(known)) throw this.#refused(checkpoint, { status: 200, text: `its answer ${known.fault}` })
    this.#knownSize = checkpoint.size
    return known.signatures.map(formatSignature).join('')
  }

  #sizeToldTo(checkpoint: Checkpoint, answer: Answer): number {
    const size = parseCount(answer.text.trimEnd())
    if (size === undefined || size === this.#knownSize) throw this.#refused(checkpoint, answer)
    if (size <= checkpoint.size) return size
    throw new RepaveError(
      'LEDGER_BEHIND',
      `${checkpoint.origin} has ${checkpoint.size} entries, but the witness ${this.#key.name} has seen ${size}`,
      { hint: 'the ledger was set back: bring back the newest copy of it before anything else is recorded' },
    )
  }

  #refused({ origin, size }: Checkpoint, { status, text }: Answer): RepaveError {
    const [reason = ''] = text.split('\n')
    const message = `the witness ${this.#key.name} does not cosign ${origin} at ${size} entries`
    if (status === 429 || status >= 500) return this.#unreachable(`HTTP ${status}: ${reason}`)
    return new RepaveError('WITNESS_REFUSED', `${message}: ${reason || `HTTP ${status}`}`, {
      hint: refusalHints.get(status) ?? 'compare its public key and address with those that its owner publishes',
    })
  }

  #unreachable(reason: string, cause?: unknown): RepaveError {
    return new RepaveError('WITNESS_UNREACHABLE', `the witness ${this.#key.name} did not answer: ${reason}`, {
      hint: `look whether ${this.#url} can be reached from here; the ledger goes on without it`,
      cause,
    })
  }
}

const refusalHints: ReadonlyMap<number, string> = new Map([
  [403, 'the witness has another public key of the ledger: give it the present one'],
  [404, 'ask the owner of the witness to add the public key of the ledger'],
  [
    422,
    'the witness knows another history of this ledger: keep both, and find out with `repave ledger verify` which is right',
  ],
])

async function readAnswer(response: Response): Promise<Answer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > maxAnswerBytes) throw new Error(`its answer is longer than ${maxAnswerBytes} bytes`)
    chunks.push(chunk)
  }
  return { status: response.status, text: decodeText(Buffer.concat(chunks)) ?? '' }
}
