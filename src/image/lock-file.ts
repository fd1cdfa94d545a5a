/** `repave.lock.json` on disk. */
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as z from 'zod'
import { RepaveError } from '../errors.ts'
import type { ImageDigest } from '../model/version.ts'
import { errorCode } from '../system/error-code.ts'
import { readTextFile } from '../system/read-file.ts'
import { emptyLock, type Lock } from './lock.ts'

export const lockFileName = 'repave.lock.json'

const maxLockFileBytes = 4 * 1024 * 1024
const remedy = 'restore it from version control; or delete it, and every image name is resolved anew'

const digest = z.custom<ImageDigest>((value) => typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value), {
  error: 'must be sha256: and 64 hex digits',
})
const lockSchema = z.strictObject({
  lockVersion: z.literal(1),
  references: z.record(
    z.string(),
    z.strictObject({
      digest,
      repositoryDigest: z
        .string()
        .regex(/^[^\s@]+@sha256:[0-9a-f]{64}$/)
        .exactOptional(),
    }),
  ),
  builds: z.record(z.string(), z.strictObject({ inputs: z.string().regex(/^[0-9a-f]{64}$/), digest })),
})

/** The lock beside a stack file. */
export function lockFileOf(stackFile: string): string {
  return join(dirname(stackFile), lockFileName)
}

/** An absent file is an empty lock. Throws FILE_SYNTAX or FILE_INVALID for one that was damaged. */
export async function readLock(file: string): Promise<Lock> {
  const text = await readTextFile(file, maxLockFileBytes, remedy).catch((error: unknown) => {
    if (error instanceof RepaveError && error.code === 'FILE_NOT_FOUND') return undefined
    throw error
  })
  return text === undefined ? emptyLock : parseLock(file, parseJson(file, text))
}

/** Writes the lock whole or not at all; the same content is left alone. Returns whether it wrote. */
export async function writeLock(file: string, lock: Lock): Promise<boolean> {
  const text = printLock(lock)
  if (printLock(await readLock(file)) === text) return false
  const draft = `${file}.${process.pid}.draft`
  try {
    await writeDurably(draft, text)
    await rename(draft, file)
    return true
  } catch (cause) {
    await rm(draft, { force: true })
    const code = errorCode(cause)
    const full = code === 'ENOSPC' || code === 'EDQUOT'
    throw new RepaveError(
      full ? 'DISK_FULL' : 'FILE_UNWRITABLE',
      `${file} can't be written (${code ?? 'unknown reason'})`,
      {
        hint: full ? 'free some space' : 'make its folder writable',
        at: { file },
        cause,
      },
    )
  }
}

/** Keys in order, two spaces, a newline at the end: a diff shows what changed and nothing else. */
export function printLock(lock: Lock): string {
  const references = sortKeys(lock.references, ({ digest: content, repositoryDigest }) => ({
    digest: content,
    ...(repositoryDigest !== undefined && { repositoryDigest }),
  }))
  const builds = sortKeys(lock.builds, ({ inputs, digest: content }) => ({ inputs, digest: content }))
  return `${JSON.stringify({ lockVersion: 1, references, builds }, null, 2)}\n`
}

/** `value` as a lock; `file` is what a FILE_INVALID names. */
export function parseLock(file: string, value: unknown): Lock {
  const parsed = lockSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const place = issue?.path.join(' → ') || 'the file'
  throw new RepaveError('FILE_INVALID', `${file} is damaged: ${place}: ${issue?.message}`, {
    hint: remedy,
    at: { file },
  })
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new RepaveError('FILE_SYNTAX', `${file} is not valid JSON`, { hint: remedy, at: { file }, cause })
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  await using handle = await open(file, 'w', 0o644)
  await handle.writeFile(text)
  await handle.sync()
}

function sortKeys<T, R>(record: Readonly<Record<string, T>>, transform: (value: T) => R): Record<string, R> {
  const entries = Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, value]) => [key, transform(value)]))
}
