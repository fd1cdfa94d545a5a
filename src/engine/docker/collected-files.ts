/** The files of an instance as evidence: an index of what is there, then the contents, as far as limits allow. */
import { closeSync, lstatSync } from 'node:fs'
import { join } from 'node:path'
import type { EvidencePart } from '../../model/evidence.ts'
import { jsonPart, missingPart } from './evidence-parts.ts'
import { openFolder, pathText, type TreeEntry, walk } from './file-tree.ts'

/** What may be taken of one instance: an attacker may have left a million files, or one of a petabyte. */
export class FileBudget {
  bytesLeft = 48 * 1024 * 1024
  filesLeft = 2_000
  readonly entries = 20_000
  readonly depth = 64
  readonly bytesEach = 16 * 1024 * 1024

  /** How many bytes of a file of this size are kept. */
  take(bytes: number): number {
    const kept = this.filesLeft > 0 ? Math.min(bytes, this.bytesEach, this.bytesLeft) : 0
    if (kept === 0) return 0
    this.filesLeft -= 1
    this.bytesLeft -= kept
    return kept
  }
}

/** Layers of an overlay file system, as paths on this machine: the instance's own, then its image's, the topmost first. */
export interface Layers {
  readonly upper: string
  readonly lower: readonly string[]
}

interface Listed {
  readonly path: string
  readonly change?: 'new' | 'changed' | 'deleted'
  readonly type: string
  readonly mode: string
  readonly uid: number
  readonly gid: number
  readonly bytes: number
  readonly modifiedAt: string
  readonly target?: string
  /** How many bytes of its content are in the bundle. */
  readonly keptBytes?: number
}

/** `changes.json` and `files/…`: what is not as in the image. `stubs` are mount points, which the engine makes. */
export async function* changedFiles(
  layers: Layers,
  stubs: ReadonlySet<string>,
  budget: FileBudget,
): AsyncGenerator<EvidencePart> {
  const changeOf = comparison(layers.lower, stubs)
  yield* tree({ index: 'changes.json', prefix: 'files', root: layers.upper, path: '', changeOf, budget })
}

/** `tmpfs…`: all that is in a file system in memory, seen from one of the instance's processes. */
export async function* tmpfsFiles(pid: number, path: string, budget: FileBudget): AsyncGenerator<EvidencePart> {
  const name = path.replaceAll('/', '-').replace(/^-/, '') || 'root'
  yield* tree({
    index: `tmpfs-${name}.json`,
    prefix: `tmpfs${path}`,
    root: `/proc/${pid}/root`,
    path,
    budget,
    changeOf: () => ({}),
  })
}

interface Tree {
  readonly index: string
  /** Names of contents begin so. */
  readonly prefix: string
  readonly root: string
  readonly path: string
  readonly budget: FileBudget
  /** Undefined for what is not worth a word. */
  readonly changeOf: (entry: TreeEntry) => Pick<Listed, 'change'> | undefined
}

async function* tree(order: Tree): AsyncGenerator<EvidencePart> {
  let folder: number
  try {
    folder = openFolder(order.root, order.path)
  } catch (error) {
    return yield missingPart(order.index, `it can't be opened: ${String(error)}`)
  }
  try {
    const { listed, isCut } = await list(folder, order)
    yield jsonPart(order.index, { files: listed, ...(isCut && { isCut }) })
    const isPartial = listed.some(({ type, bytes, keptBytes }) => type === 'file' && keptBytes !== bytes)
    if (isCut || isPartial) yield missingPart(order.prefix, `there is more than is kept: see ${order.index}`)
    yield* contents(folder, order, listed)
  } finally {
    closeSync(folder)
  }
}

async function list(folder: number, { budget, changeOf }: Tree): Promise<{ listed: Listed[]; isCut: boolean }> {
  const listed: Listed[] = []
  const found = walk(folder, budget)
  let count = 0
  for (const entry of found.entries) {
    if (++count % entriesAtOnce === 0) await nextTurn()
    const change = changeOf(entry)
    if (change) listed.push({ ...described(entry, budget), ...change })
  }
  return { listed, isCut: found.isCut() }
}

async function* contents(
  folder: number,
  { budget, prefix }: Tree,
  listed: readonly Listed[],
): AsyncGenerator<EvidencePart> {
  const kept = new Map(listed.flatMap(({ path, keptBytes = 0 }) => (keptBytes === 0 ? [] : [[path, keptBytes]])))
  for (const entry of walk(folder, budget).entries) {
    const bytes = kept.get(pathText(entry.path))
    if (bytes === undefined) continue
    yield contentPart(`${prefix}/${pathText(entry.path)}`, entry, bytes)
  }
}

function contentPart(name: string, entry: TreeEntry, bytes: number): EvidencePart {
  try {
    return { kind: 'found', name, content: entry.read(bytes), isSecret: true }
  } catch (error) {
    return missingPart(name, `it can't be read: ${String(error)}`)
  }
}

function described(entry: TreeEntry, budget: FileBudget): Listed {
  const { stats, path } = entry
  const type = typeOf(entry)
  return {
    path: pathText(path),
    type,
    mode: (stats.mode & 0o7777).toString(8).padStart(4, '0'),
    uid: stats.uid,
    gid: stats.gid,
    bytes: stats.size,
    modifiedAt: new Date(stats.mtimeMs).toISOString(),
    ...(type === 'link' && { target: targetOf(entry) }),
    ...(type === 'file' && { keptBytes: budget.take(stats.size) }),
  }
}

function targetOf(entry: TreeEntry): string {
  try {
    return pathText(entry.target())
  } catch {
    return ''
  }
}

function typeOf({ stats }: TreeEntry): string {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'folder'
  if (stats.isSymbolicLink()) return 'link'
  if (stats.isFIFO()) return 'pipe'
  return stats.isSocket() ? 'socket' : 'device'
}

/**
 * What an entry of the upper layer says of the lower ones. By the kernel's overlayfs document, a character device 0/0
 * stands for what was deleted. A folder is there because of what is in it, unless it is new or has other rights.
 */
function comparison(lower: readonly string[], stubs: ReadonlySet<string>): Tree['changeOf'] {
  /** Those of the layers in which a folder, with all above it, is a folder: none of these paths goes through a link. */
  const layersWith = new Map<string, readonly string[]>([['', lower]])
  return ({ path, stats }) => {
    const text = path.toString('latin1')
    const layers = layersWith.get(text.slice(0, Math.max(0, text.lastIndexOf('/')))) ?? []
    const below = layers.flatMap((layer) => statsAt(layer, path) ?? []).at(0)
    if (stats.isDirectory()) {
      const isFolder = (layer: string) => statsAt(layer, path)?.isDirectory() === true
      layersWith.set(text, layers.filter(isFolder))
    }
    if (stats.isCharacterDevice() && stats.rdev === 0) return { change: 'deleted' }
    if (stubs.has(`/${text}`) && (stats.isDirectory() || stats.size === 0)) return undefined
    if (below === undefined || (below.isCharacterDevice() && below.rdev === 0)) return { change: 'new' }
    const isSame = stats.isDirectory() && below.isDirectory() && sameRights(stats, below)
    return isSame ? undefined : { change: 'changed' }
  }
}

type Rights = Pick<TreeEntry['stats'], 'mode' | 'uid' | 'gid'>

function sameRights(a: Rights, b: Rights): boolean {
  return a.mode === b.mode && a.uid === b.uid && a.gid === b.gid
}

function statsAt(layer: string, path: Buffer): TreeEntry['stats'] | undefined {
  return lstatSync(Buffer.concat([Buffer.from(join(layer, '/')), path]), { throwIfNoEntry: false })
}

/** Entries that are looked at before others get their turn. */
const entriesAtOnce = 500

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
