/** A copy of a state folder, taken while its controller is at work. */
import { createHash } from 'node:crypto'
import { copyFile, mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { RepaveError } from '../errors.ts'
import { errorCode } from '../system/error-code.ts'
import { fileFailure } from '../system/file-failure.ts'

/** What there is in a state folder, and how it is copied while it is in use. */
export interface BackupSource {
  /** Copies the published ledger into a folder, and answers how many entries it has. */
  copyLedger(folder: string): Promise<number>
  /** Copies the store to a file that is not there yet. */
  copyStore(file: string): Promise<void>
  readonly privateKeyFile: string
  /** Copied where it is there. */
  readonly witnessesFile: string
}

export interface BackupReport {
  readonly folder: string
  readonly at: string
  /** Entries of the ledger. */
  readonly entries: number
  readonly files: number
}

/** What a backup says of itself. It is written last: a folder without it is no backup. */
export interface Manifest {
  readonly format: 1
  readonly at: string
  /** The SHA-256 of each file, in hex, by its path. */
  readonly files: Readonly<Record<string, string>>
}

export const manifestName = 'backup.json'
export const storeName = 'state.sqlite'
export const ledgerName = 'ledger'
export const keyName = 'ledger.key'
export const witnessesName = 'witnesses'

/**
 * Into a folder that is empty or not there. The ledger is copied before the store: what was signed in it has been
 * recorded in any later state of the store, and so the copy is never behind itself.
 */
export async function backUp(source: BackupSource, folder: string, at: Date): Promise<BackupReport> {
  await makeEmpty(folder)
  try {
    const entries = await source.copyLedger(join(folder, ledgerName))
    await source.copyStore(join(folder, storeName))
    await copyFile(source.privateKeyFile, join(folder, keyName))
    await copyFile(source.witnessesFile, join(folder, witnessesName)).catch(unlessMissing)
    const files = await digests(folder)
    const manifest: Manifest = { format: 1, at: at.toISOString(), files }
    await writeDurably(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`)
    return { folder, at: manifest.at, entries, files: Object.keys(files).length }
  } catch (error) {
    throw fileFailure(folder, error)
  }
}

/** The SHA-256 of every file below `folder`, by its path in it. */
export async function digests(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const found: Record<string, string> = {}
  for (const path of paths.toSorted())
    found[path.slice(folder.length + 1)] = createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
  return found
}

async function makeEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch(unlessMissing)
  if (names && names.length > 0)
    throw new RepaveError('FILE_UNWRITABLE', `${folder} is not empty`, {
      hint: 'name a folder that is not there yet: each backup has one of its own',
    })
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw fileFailure(folder, error)
  })
}

async function writeDurably(file: string, text: string): Promise<void> {
  await rm(file, { force: true })
  await using handle = await open(file, 'wx', 0o600)
  await handle.writeFile(text)
  await handle.sync()
  await using folder = await open(dirname(file), 'r')
  await folder.sync()
}

function unlessMissing(error: unknown): undefined {
  if (errorCode(error) === 'ENOENT') return undefined
  throw error
}
