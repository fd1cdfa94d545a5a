/** The levels of a log above its leaves, which are few enough to be held: one hash for 256 entries, and less. */
import type { Checkpoint } from './checkpoint.ts'
import type { Findings } from './findings.ts'
import { equalBytes, type Hash, treeHead } from './merkle.ts'
import type { TileSource } from './tile-source.ts'
import { countAt, firstLeaf, fullWidth, levelsOf, rootOf, tilePath, tilesOfLevel } from './tiles.ts'

type Level = readonly (Hash | undefined)[]

export class Tree {
  readonly #checkpoint: Checkpoint
  readonly #levels: readonly Level[]

  /** Reads the tiles of level 1 and above, and compares each with the one above it. */
  static async read(checkpoint: Checkpoint, source: TileSource, findings: Findings): Promise<Tree> {
    const levels: Level[] = [[]]
    for (const level of levelsOf(checkpoint.size))
      if (level !== 'entries' && level > 0) levels.push(await readLevel(level, checkpoint.size, source, findings))
    const tree = new Tree(checkpoint, levels)
    tree.#compareLevels(findings)
    return tree
  }

  private constructor(checkpoint: Checkpoint, levels: readonly Level[]) {
    this.#checkpoint = checkpoint
    this.#levels = levels
  }

  /** The head of a full tile, as the level above has it; undefined where that is not to be had. */
  headOf(level: number, index: number): Hash | undefined {
    return this.#levels[level + 1]?.[index]
  }

  /** The root over the first `size` leaves, of which `last` are the hashes after the last full tile of level 0. */
  rootAt(size: number, last: readonly Hash[]): Hash | undefined {
    const above = this.#levels
      .keys()
      .drop(1)
      .map((level) => this.#edgeAt(level, size))
    const edge = [last, ...above]
    return edge.every((hashes) => hashes !== undefined) ? rootOf(edge) : undefined
  }

  /** Whether the root over all leaves is the one that was signed; true where it can't be told. */
  hasRoot(last: readonly Hash[]): boolean {
    const root = this.rootAt(this.#checkpoint.size, last)
    return root === undefined || equalBytes(root, this.#checkpoint.root)
  }

  #edgeAt(level: number, size: number): readonly Hash[] | undefined {
    const count = countAt(level, size)
    const hashes = this.#levels[level]?.slice(count - (count % fullWidth), count) ?? []
    return hashes.every((hash) => hash !== undefined) ? hashes : undefined
  }

  #compareLevels(findings: Findings): void {
    for (const level of this.#levels.keys().drop(1))
      for (const { index } of tilesOfLevel(level, this.#checkpoint.size)) {
        const hashes = this.#levels[level]!.slice(index * fullWidth, (index + 1) * fullWidth)
        const head = this.headOf(level, index)
        if (head === undefined || !hashes.every((hash) => hash !== undefined)) continue
        if (equalBytes(treeHead(hashes), head)) continue
        const path = tilePath({ level, index, width: fullWidth })
        findings.add('tile', `${path} does not fit the level above it`, firstLeaf({ level, index }))
      }
  }
}

async function readLevel(level: number, size: number, source: TileSource, findings: Findings): Promise<Level> {
  const found: (Hash | undefined)[] = []
  for (const tile of tilesOfLevel(level, size)) {
    const hashes = await source.hashes(tile)
    if (hashes === 'missing') findings.add('missing', `${tilePath(tile)} is missing`, firstLeaf(tile))
    found.push(...(Array.isArray(hashes) ? hashes : Array.from({ length: tile.width }, () => undefined)))
  }
  return found
}
