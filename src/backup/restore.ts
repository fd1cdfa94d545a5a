/** A backup put in the place of a state folder's content, whose controller does not run. */
import { cp, mkdir, readFile, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { RepaveError } from '../errors.ts'
import { errorCode } from '../system/error-code.ts'
import { fileFailure } from '../system/file-failure.ts'
import { digests, keyName, ledgerName, manifestName, type Manifest, storeName, witnessesName } from './backup.ts'

export interface RestoreReport {
  /** When the backup was taken. */
  readonly at: string
  /** Where what was there before has gone; absent where nothing was. */
  readonly replaced?: string
}

/** All that is restored; in this order, so that a state is there only once its ledger and key are. */
const parts = [keyName, witnessesName, ledgerName, storeName]
/** What belongs to a store in use, beside its file. */
const companions = [`${storeName}-wal`, `${storeName}-shm`]

const manifestSchema = z.object({ format: z.literal(1), at: z.iso.datetime(), files: z.record(z.string(), z.string()) })

/** Throws BACKUP_INVALID for a backup that is not whole, before anything is changed. */
export async function restore(folder: string, home: string, replace: boolean, at: Date): Promise<RestoreReport> {
  const manifest = await readWhole(folder)
  const present = (await readdir(home)).filter((name) => [...parts, ...companions].includes(name))
  if (present.length > 0 && !replace) throw notEmpty(home)
  try {
    const incoming = join(home, '.restoring')
    await rm(incoming, { recursive: true, force: true })
    const given = parts.filter((part) => Object.keys(manifest.files).some((path) => isIn(part, path)))
    for (const part of given) await cp(join(folder, part), join(incoming, part), { recursive: true })
    const replaced = present.length > 0 ? await setAside(home, present, at) : undefined
    for (const part of given) await rename(join(incoming, part), join(home, part))
    await rm(incoming, { recursive: true })
    return { at: manifest.at, ...(replaced !== undefined && { replaced }) }
  } catch (error) {
    throw fileFailure(home, error)
  }
}

function isIn(part: string, path: string): boolean {
  return path === part || path.startsWith(`${part}/`)
}

async function setAside(home: string, names: readonly string[], at: Date): Promise<string> {
  const replaced = join(home, `replaced-${at.toISOString().replaceAll(/[:.]/g, '-')}`)
  await mkdir(replaced, { mode: 0o700 })
  for (const name of names) await rename(join(home, name), join(replaced, name))
  return replaced
}

async function readWhole(folder: string): Promise<Manifest> {
  const manifest = parse(folder, await readManifest(folder))
  const { [manifestName]: _manifest, ...found } = await digests(folder)
  for (const path of Object.keys({ ...manifest.files, ...found }))
    if (manifest.files[path] !== found[path]) throw notWhole(folder, path, found[path] === undefined)
  return manifest
}

async function readManifest(folder: string): Promise<string> {
  try {
    return await readFile(join(folder, manifestName), 'utf8')
  } catch (cause) {
    if (errorCode(cause) !== 'ENOENT' && errorCode(cause) !== 'ENOTDIR') throw cause
    throw new RepaveError('BACKUP_INVALID', `${folder} is no backup: it has no ${manifestName}`, {
      hint: 'name the folder that `repave backup` has written; one that was cut short lacks this file',
      cause,
    })
  }
}

function parse(folder: string, text: string): Manifest {
  try {
    return manifestSchema.parse(JSON.parse(text))
  } catch (cause) {
    throw new RepaveError('BACKUP_INVALID', `${manifestName} in ${folder} is not as \`repave backup\` writes it`, {
      hint: 'use another backup, or the Repave that wrote this one',
      cause,
    })
  }
}

function notWhole(folder: string, path: string, isMissing: boolean): RepaveError {
  const what = isMissing ? 'is missing' : 'is not as it was written'
  return new RepaveError('BACKUP_INVALID', `${path} in ${folder} ${what}`, { hint: 'use another copy of this backup' })
}

function notEmpty(home: string): RepaveError {
  return new RepaveError('FILE_UNWRITABLE', `the state folder ${home} has a state already`, {
    hint: 'with --replace that is put aside, or name another folder with REPAVE_HOME',
  })
}
