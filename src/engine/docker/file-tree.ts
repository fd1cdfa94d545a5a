/**
 * Walks a tree that somebody hostile may have made. Each folder is opened relative to its parent, without following
 * links, so that nothing outside of the tree can be reached; nothing but regular files is ever opened for reading.
 *
 * Node.js has no openat(2): `/proc/self/fd/N/name` is the same, since the kernel goes on from the open folder. Calls are
 * synchronous, since a call in the thread pool takes many times as long as what it does here.
 */
import { closeSync, constants, fstatSync, lstatSync, opendirSync, openSync, readlinkSync, readSync } from 'node:fs'
import type { Stats } from 'node:fs'

export interface TreeLimits {
  /** How many entries are looked at; the rest is left out. */
  readonly entries: number
  /** Folders within folders. */
  readonly depth: number
}

export interface TreeEntry {
  /** As bytes, relative to the root, without a slash at its front. */
  readonly path: Buffer
  readonly stats: Stats
  readonly depth: number
  /** The content of a regular file from its beginning. Only while the walk stands at it. */
  read(maxBytes: number): Buffer
  /** Where a symbolic link leads. Only while the walk stands at it. */
  target(): Buffer
}

export interface Walk {
  readonly entries: Iterable<TreeEntry>
  /** Whether limits left something out, or a part could not be read. */
  readonly isCut: () => boolean
}

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
const fileFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Opens the folder that is reached from `root`, a folder to be trusted, through folders alone. Throws what the kernel says. */
export function openFolder(root: string, path: string): number {
  let folder = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY)
  for (const name of path.split('/').filter((each) => each !== '')) {
    try {
      const next = openSync(within(folder, Buffer.from(name)), folderFlags)
      closeSync(folder)
      folder = next
    } catch (error) {
      closeSync(folder)
      throw error
    }
  }
  return folder
}

/** All below an open folder, parents before their content; it stays open. Other file systems in it are left out. */
export function walk(folder: number, limits: TreeLimits): Walk {
  const state: State = { left: limits.entries, depth: limits.depth, device: fstatSync(folder).dev, isCut: false }
  return { entries: below(folder, Buffer.alloc(0), 1, state), isCut: () => state.isCut }
}

interface State {
  left: number
  readonly depth: number
  readonly device: number
  isCut: boolean
}

function* below(folder: number, prefix: Buffer, depth: number, state: State): Generator<TreeEntry> {
  for (const name of names(folder, state)) {
    const entry = entryAt(folder, name, prefix, depth)
    if (entry === undefined) continue
    yield entry
    if (!entry.stats.isDirectory() || entry.stats.dev !== state.device) continue
    if (depth >= state.depth) state.isCut = true
    else yield* inFolder(folder, name, entry.path, depth + 1, state)
  }
}

function* inFolder(parent: number, name: Buffer, path: Buffer, depth: number, state: State): Generator<TreeEntry> {
  let folder: number
  try {
    folder = openSync(within(parent, name), folderFlags)
  } catch {
    state.isCut = true
    return
  }
  try {
    yield* below(folder, Buffer.concat([path, slash]), depth, state)
  } finally {
    closeSync(folder)
  }
}

/** The names in a folder, as many as the limit allows, in an order that is always the same. */
function names(folder: number, state: State): readonly Buffer[] {
  const found: Buffer[] = []
  // The types of Node.js know names as text only.
  // oxlint-disable-next-line no-unsafe-type-assertion
  const reader = opendirSync(`/proc/self/fd/${folder}`, { encoding: 'buffer' as BufferEncoding })
  try {
    for (let entry = reader.readSync(); entry !== null; entry = reader.readSync()) {
      if (state.left <= 0) {
        state.isCut = true
        break
      }
      state.left -= 1
      found.push(Buffer.from(entry.name))
    }
  } finally {
    reader.closeSync()
  }
  return found.toSorted((a, b) => Buffer.compare(a, b))
}

/** Undefined for what vanished meanwhile. */
function entryAt(folder: number, name: Buffer, prefix: Buffer, depth: number): TreeEntry | undefined {
  const place = within(folder, name)
  try {
    const stats = lstatSync(place)
    return {
      path: Buffer.concat([prefix, name]),
      stats,
      depth,
      read: (maxBytes) => (stats.isFile() ? readFile(place, maxBytes) : Buffer.alloc(0)),
      target: () => readlinkSync(place, { encoding: 'buffer' }),
    }
  } catch {
    return undefined
  }
}

function readFile(place: Buffer, maxBytes: number): Buffer {
  const file = openSync(place, fileFlags)
  try {
    const stats = fstatSync(file)
    return stats.isFile() ? readUpTo(file, Math.min(stats.size, maxBytes)) : Buffer.alloc(0)
  } finally {
    closeSync(file)
  }
}

/** Less where the file is shorter. */
export function readUpTo(file: number, bytes: number, from?: number): Buffer {
  const buffer = Buffer.alloc(bytes)
  let length = 0
  while (length < bytes) {
    const count = readSync(file, buffer, length, bytes - length, from === undefined ? null : from + length)
    if (count === 0) break
    length += count
  }
  return buffer.subarray(0, length)
}

const slash = Buffer.from('/')

function within(folder: number, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${folder}/`), name])
}

/** A path as text that names it exactly: what is no printable UTF-8 is written as `\xNN`, and so is the backslash. */
export function pathText(path: Buffer): string {
  const isExact = (text: string) => Buffer.from(text).equals(path) && !unprintable.test(text)
  const text = path.toString('utf8')
  return isExact(text) ? text : escaped(path)
}

// oxlint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u001f\u007f-\u009f\\]/

function escaped(path: Buffer): string {
  return [...path]
    .map((byte) => (byte > 31 && byte < 127 && byte !== 92 ? String.fromCodePoint(byte) : `\\x${hex(byte)}`))
    .join('')
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
