/** What entries name by its digest: releases. Each is a file that is named by its content. */
import { hash } from 'node:crypto'
import { RepaveError } from '../errors.ts'
import type { Findings } from './findings.ts'
import type { LedgerFiles } from './ledger-files.ts'

const blobFolder = 'blob'

export class BlobCheck {
  readonly #files: LedgerFiles
  readonly #findings: Findings
  /** By digest, the first entry that names it. */
  readonly #named = new Map<string, number>()

  constructor(files: LedgerFiles, findings: Findings) {
    this.#files = files
    this.#findings = findings
  }

  /** Takes in what an entry names. */
  note({ release }: Readonly<Record<string, unknown>>, index: number): void {
    if (typeof release === 'string' && !this.#named.has(release)) this.#named.set(release, index)
  }

  /** A file that no entry names may be one of an entry that was pruned, or is just being published. */
  async run(): Promise<void> {
    const present = new Set(await this.#files.list(blobFolder))
    for (const path of present) await this.#checkContent(path)
    for (const [digest, index] of this.#named)
      if (!present.has(`${blobFolder}/${digest}`))
        this.#findings.add('missing', `${blobFolder}/${digest}, which entry ${index} names, is missing`, index)
  }

  async #checkContent(path: string): Promise<void> {
    const digest = path.slice(blobFolder.length + 1)
    const bytes = await this.#read(path)
    if (bytes === undefined || hash('sha256', bytes, 'hex') === digest) return
    this.#findings.add('blob', `${path} is not what its name says`, this.#named.get(digest))
  }

  async #read(path: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#files.read(path)
    } catch (error) {
      if (!(error instanceof RepaveError)) throw error
      this.#findings.add('unreadable', error.message)
      return undefined
    }
  }
}
