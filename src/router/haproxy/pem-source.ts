/** What routes' certificates are right now: read again only when a file has changed, and tried out on HAProxy. */
import { readFile, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { RepaveError } from '../../errors.ts'
import type { Route } from '../../model/stack.ts'
import { certificateInvalid, pemName, readPem, type Pem } from './certificates.ts'
import { pemFolder, renderTrial } from './config.ts'
import { makeFolders, replaceFile } from './files.ts'
import { refusalOf } from './haproxy-binary.ts'
import { pairKey } from './routing.ts'

type Tls = NonNullable<Route['tls']>

/** A pair that HAProxy can serve, or why it can't. */
export type FoundPem = Pem | RepaveError

interface Seen {
  readonly signature: string
  readonly found: FoundPem
}

const trialPem = `${pemFolder}/trial.pem`
const trialConfig = 'trial.cfg'

export class PemSource {
  readonly #folder: string
  readonly #binary: string
  readonly #seen = new Map<string, Seen>()

  constructor(folder: string, binary: string) {
    this.#folder = folder
    this.#binary = binary
  }

  /** `served`: names of the PEM files that HAProxy serves already, which need no trial. */
  async find(tls: Tls, served: ReadonlySet<string>): Promise<FoundPem> {
    const signature = await signatureOf(tls)
    const seen = this.#seen.get(pairKey(tls))
    if (seen?.signature === signature) return seen.found
    const found = await this.#read(tls, served)
    this.#seen.set(pairKey(tls), { signature, found })
    return found
  }

  /** The copy that HAProxy's folder has; undefined where it is not whole, or HAProxy would not take it any more. */
  async kept(name: string, tls: Tls, served: ReadonlySet<string>): Promise<Pem | undefined> {
    const path = join(this.#folder, pemFolder, basename(name))
    const text = await readFile(path, 'utf8').catch(() => '')
    if (pemName(text) !== name) return undefined
    const pem = { name, text }
    try {
      if (!served.has(name)) await this.#try(pem, tls)
      return pem
    } catch (error) {
      if (error instanceof RepaveError && error.code === 'CERTIFICATE_INVALID') return undefined
      throw error
    }
  }

  async #read(tls: Tls, served: ReadonlySet<string>): Promise<FoundPem> {
    try {
      const pem = await readPem(tls)
      if (!served.has(pem.name)) await this.#try(pem, tls)
      return pem
    } catch (error) {
      if (error instanceof RepaveError && error.code === 'CERTIFICATE_INVALID') return error
      throw error
    }
  }

  /** What HAProxy thinks of a pair depends on how it was built and is set up: only itself can tell. */
  async #try({ text }: Pem, { certificate }: Tls): Promise<void> {
    await makeFolders(this.#folder, { [pemFolder]: 0o700 })
    try {
      await replaceFile(join(this.#folder, trialPem), text)
      await replaceFile(join(this.#folder, trialConfig), renderTrial(trialPem))
      const refusal = await refusalOf(this.#binary, this.#folder, trialConfig)
      if (refusal !== undefined) throw refused(certificate, refusal)
    } finally {
      for (const file of [trialPem, trialConfig]) await rm(join(this.#folder, file), { force: true })
    }
  }
}

/** Changes when one of the two files does, also when it comes or goes. */
async function signatureOf({ certificate, key }: Tls): Promise<string> {
  const stats = await Promise.all([certificate, key].map((file) => stat(file).catch(() => undefined)))
  return stats.map((each) => each && [each.dev, each.ino, each.size, each.mtimeMs, each.ctimeMs].join(':')).join(' ')
}

function refused(certificate: string, refusal: string): RepaveError {
  return certificateInvalid(
    `HAProxy refuses ${certificate}: ${refusal}`,
    'renew it with a stronger key: RSA with at least 2048 bits, or an elliptic curve such as P-256',
  )
}
