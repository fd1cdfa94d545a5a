/** The nodes of a YAML document as plain data, within limits, and where each part of it begins. */
import { isAlias, isMap, isNode, isScalar, isSeq, type Alias, type Node, type Pair, type YAMLMap } from 'yaml'
import { pathName, type KeyPath } from './finding.ts'

const mostValues = 100_000
const deepestNesting = 32

type Refuse = (node: Node | null | undefined, message: string, hint: string) => never

/** Turns nodes into plain data, following aliases in the order of the document. */
export class NodeReader {
  /** What each alias stands for. */
  readonly targets = new Map<Alias, Node>()
  readonly #anchors = new Map<string, { readonly node: Node; readonly value: unknown; readonly size: number }>()
  readonly #refuse: Refuse
  #count = 0

  constructor(refuse: Refuse) {
    this.#refuse = refuse
  }

  read(node: unknown, path: KeyPath, depth: number): unknown {
    if (!isNode(node)) return null
    if (depth > deepestNesting)
      this.#refuse(
        node,
        `${pathName(path.slice(0, 4))}… is nested too deeply`,
        'a stack file needs no more than ten levels',
      )
    this.#grow(1, node)
    const before = this.#count
    const value = this.#readContent(node, path, depth)
    if (!isAlias(node) && node.anchor) this.#anchors.set(node.anchor, { node, value, size: this.#count - before })
    return value
  }

  #readContent(node: Node, path: KeyPath, depth: number): unknown {
    if (isAlias(node)) return this.#readAlias(node)
    if (isScalar(node)) return node.value
    if (isSeq(node)) return node.items.map((item, index) => this.read(item, [...path, index], depth + 1))
    if (isMap(node)) return this.#readMap(node, path, depth)
    return this.#refuse(node, `${pathName(path)} is no map, list or scalar`, 'write a map, a list, text, or a number')
  }

  #readMap(map: YAMLMap, path: KeyPath, depth: number): Record<string, unknown> {
    const result: Record<string, unknown> = {}
    for (const { key, value } of map.items) {
      const name = this.#readKey(key, path, map)
      if (Object.hasOwn(result, name))
        this.#refuse(isNode(key) ? key : map, `${pathName([...path, name])} is there twice`, 'keep one of the two')
      result[name] = this.read(value, [...path, name], depth + 1)
    }
    return result
  }

  #readKey(key: unknown, path: KeyPath, map: YAMLMap): string {
    const node = isNode(key) ? key : map
    const plain = isScalar(key) ? key.value : undefined
    if (typeof plain !== 'string' && typeof plain !== 'number' && typeof plain !== 'boolean')
      return this.#refuse(node, `a key of ${pathName(path)} is not text`, 'write each key as plain text')
    const name = String(plain)
    if (name === '<<')
      this.#refuse(
        node,
        'merge keys (`<<`) are no part of YAML 1.2',
        'write the keys out, or use an alias for a whole value',
      )
    if (name === '__proto__') this.#refuse(node, `"__proto__" is not a key`, 'take it out')
    return name
  }

  #readAlias(alias: Alias): unknown {
    const anchor = this.#anchors.get(alias.source)
    if (!anchor)
      return this.#refuse(
        alias,
        `*${alias.source} names no earlier anchor`,
        `put &${alias.source} before the value that is meant`,
      )
    this.#grow(anchor.size, alias)
    this.targets.set(alias, anchor.node)
    return anchor.value
  }

  #grow(by: number, node: Node): void {
    this.#count += by
    if (this.#count > mostValues)
      this.#refuse(node, `the file holds more than ${mostValues} values`, 'use fewer aliases, or several stacks')
  }
}

/** Where each part of a document is. A map is indexed once, however many of its keys are asked for. */
export class Offsets {
  readonly #contents: unknown
  readonly #targets: ReadonlyMap<Alias, Node>
  readonly #pairs = new Map<YAMLMap, ReadonlyMap<string, Pair>>()

  /** `targets`: what each alias stands for. */
  constructor(contents: unknown, targets: ReadonlyMap<Alias, Node>) {
    this.#contents = contents
    this.#targets = targets
  }

  /** The offset of the deepest part of `path` that exists. */
  of(path: KeyPath, part: 'key' | 'value'): number {
    let node: unknown = this.#contents
    let offset = startOf(node)
    for (const [index, key] of path.entries()) {
      const container = isAlias(node) ? this.#targets.get(node) : node
      const isLast = index === path.length - 1
      if (isMap(container)) {
        const pair = this.#pairsOf(container).get(String(key))
        if (!pair) return offset
        offset = (isLast && part === 'key') || !hasExtent(pair.value) ? startOf(pair.key) : startOf(pair.value)
        // A map or list on the lines below its key is best shown at the key.
        if (!isScalar(pair.value)) offset = startOf(pair.key)
        node = pair.value
      } else if (isSeq(container) && container.items[Number(key)] !== undefined) {
        node = container.items[Number(key)]
        offset = startOf(node)
      } else return offset
    }
    return offset
  }

  #pairsOf(map: YAMLMap): ReadonlyMap<string, Pair> {
    const known = this.#pairs.get(map)
    if (known) return known
    const pairs = new Map(map.items.flatMap((pair) => (isScalar(pair.key) ? [[String(pair.key.value), pair]] : [])))
    this.#pairs.set(map, pairs)
    return pairs
  }
}

/** Whether there is any text of it: the value of `key:` has none. */
function hasExtent(node: unknown): boolean {
  return isNode(node) && node.range != null && node.range[1] > node.range[0]
}

function startOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0
}
