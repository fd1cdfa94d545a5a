/**
 * A build context: the files that a Dockerfile may copy from, as a tar stream that is the same for the same
 * content, and the digest of all that goes into the build.
 */
import { createHash } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Readable } from 'node:stream'
import dockerignore from '@balena/dockerignore'
import { RepaveError } from '../errors.ts'
import { canonicalJson } from '../model/canonical.ts'
import type { ImageSource } from '../model/stack.ts'
import { errorCode } from '../system/error-code.ts'
import { readTextFile } from '../system/read-file.ts'
import { contentOf, tarOf, type Entry } from './archive.ts'

export interface BuildContext {
  /** SHA-256 over the paths, modes and contents of the files, the Dockerfile's path, and the build arguments; hex. */
  readonly inputs: string
  /** Relative to the context. */
  readonly dockerfile: string
  /** A new tar stream (POSIX ustar/pax) of the files. It fails when a file is no longer what was read for `inputs`. */
  open(): Readable
}

export interface ContextLimits {
  readonly bytes: number
  readonly files: number
}

const defaultLimits: ContextLimits = { bytes: 1024 ** 3, files: 100_000 }
const maxIgnoreFileBytes = 1024 * 1024

/**
 * Files of Repave itself, at the top of a context, are never part of a build: else changing the number of replicas
 * would make another image, and writing the lock would outdate the build that it has just recorded.
 */
const ownFiles = new Set(['repave.yaml', 'repave.yml', 'repave.json', 'repave.ts', 'repave.lock.json'])

/** Reads all files once. Throws FILE_UNREADABLE, FILE_INVALID (sockets, devices) or FILE_TOO_LARGE. */
export async function readContext(
  source: Extract<ImageSource, { kind: 'build' }>,
  limits: ContextLimits = defaultLimits,
): Promise<BuildContext> {
  const dockerfile = relative(source.context, source.dockerfile)
  const entries = await collect(source.context, await includes(source.context, dockerfile), limits)
  return {
    inputs: inputsDigest(entries, dockerfile, source.arguments),
    dockerfile,
    open: () => tarOf(source.context, entries),
  }
}

type Choice = 'take' | 'leave' | 'look inside'

/** Which paths belong to the context, by its `.dockerignore`. */
async function includes(context: string, dockerfile: string): Promise<(path: string, isFolder: boolean) => Choice> {
  const rules = await readTextFile(join(context, '.dockerignore'), maxIgnoreFileBytes, 'shorten it').catch(
    (error: unknown) => {
      if (error instanceof RepaveError && error.code === 'FILE_NOT_FOUND') return ''
      throw error
    },
  )
  const ignored = dockerignore.default({ ignorecase: false }).add(rules)
  const hasExceptions = rules.split('\n').some((line) => line.trimStart().startsWith('!'))
  // The engine needs both of these to build; it takes them out itself where they are ignored.
  const needed = ['.dockerignore', dockerfile]
  return (path, isFolder) => {
    if (ownFiles.has(path)) return 'leave'
    if (needed.includes(path) || !ignored.ignores(path)) return 'take'
    const holdsNeeded = needed.some((file) => file.startsWith(`${path}/`))
    return isFolder && (hasExceptions || holdsNeeded) ? 'look inside' : 'leave'
  }
}

async function collect(
  context: string,
  choose: (path: string, isFolder: boolean) => Choice,
  limits: ContextLimits,
): Promise<readonly Entry[]> {
  const entries: Entry[] = []
  let bytes = 0
  for await (const { path, found } of walk(context, '', choose)) {
    const entry = await describe(context, path, found)
    entries.push(entry)
    if (entry.kind === 'file') bytes += entry.size
    if (entries.length > limits.files || bytes > limits.bytes) throw tooLarge(context, limits)
  }
  return entries.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

/** Everything in `folder` that `choose` takes; symbolic links are not followed. */
async function* walk(
  context: string,
  folder: string,
  choose: (path: string, isFolder: boolean) => Choice,
): AsyncGenerator<{ readonly path: string; readonly found: Dirent }> {
  const found = await readFailing(join(context, folder), (path) => readdir(path, { withFileTypes: true }))
  for (const child of found) {
    const path = folder === '' ? child.name : `${folder}/${child.name}`
    const choice = choose(path, child.isDirectory())
    if (choice === 'take') yield { path, found: child }
    if (choice !== 'leave' && child.isDirectory()) yield* walk(context, path, choose)
  }
}

async function describe(context: string, path: string, found: Dirent): Promise<Entry> {
  const file = join(context, path)
  if (found.isSymbolicLink()) return { kind: 'link', path, target: await readFailing(file, (link) => readlink(link)) }
  if (found.isDirectory()) return { kind: 'folder', path, mode: 0o755 }
  if (!found.isFile())
    throw new RepaveError('FILE_INVALID', `${file} is a socket, a pipe or a device: it can't be part of a build`, {
      hint: 'take it out of the build context, or name it in .dockerignore',
      at: { file },
    })
  return readFailing(file, () => describeFile(file, path))
}

async function describeFile(file: string, path: string): Promise<Entry> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of contentOf(file)) {
    hash.update(chunk)
    size += chunk.length
  }
  const { mode } = await lstat(file)
  return { kind: 'file', path, mode: mode & 0o111 ? 0o755 : 0o644, size, hash: hash.digest('hex') }
}

function inputsDigest(entries: readonly Entry[], dockerfile: string, given: Readonly<Record<string, string>>): string {
  const hash = createHash('sha256').update(`${canonicalJson({ dockerfile, arguments: given })}\n`)
  for (const entry of entries) hash.update(`${canonicalJson(entry)}\n`)
  return hash.digest('hex')
}

async function readFailing<T>(file: string, read: (file: string) => Promise<T>): Promise<T> {
  try {
    return await read(file)
  } catch (cause) {
    const code = errorCode(cause) ?? 'unknown reason'
    throw new RepaveError('FILE_UNREADABLE', `${file} can't be read for a build (${code})`, {
      hint: 'make it readable, or name it in .dockerignore',
      at: { file },
      cause,
    })
  }
}

function tooLarge(context: string, limits: ContextLimits): RepaveError {
  const mebibytes = Math.floor(limits.bytes / 1024 ** 2)
  return new RepaveError(
    'FILE_TOO_LARGE',
    `the build context ${context} holds more than ${mebibytes} MiB or ${limits.files} files`,
    { hint: 'name what the build does not need in .dockerignore', at: { file: context } },
  )
}
