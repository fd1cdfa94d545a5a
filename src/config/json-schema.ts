/** The JSON Schema of the stack file: for editors, and for errors that name the nearest known key. */
import * as z from 'zod'
import { stackDefinition } from './definition.ts'

/** The part of a JSON Schema that the definition of the stack file makes use of. */
export interface SchemaNode {
  readonly description?: string
  readonly type?: string
  readonly examples?: readonly unknown[]
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly additionalProperties?: SchemaNode | boolean
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
}

export function stackSchema(): SchemaNode {
  const schema = z.toJSONSchema(stackDefinition, { io: 'input', target: 'draft-7' })
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- JSON Schema allows more than this definition has
  return { title: 'Repave stack file', ...schema } as SchemaNode
}

/** Every node that may describe the value at `path`; several where the definition allows several shapes. */
export function schemaNodesAt(root: SchemaNode, path: readonly PropertyKey[]): readonly SchemaNode[] {
  let nodes = alternatives(root)
  for (const key of path) nodes = nodes.flatMap((node) => childrenOf(node, key)).flatMap(alternatives)
  return nodes
}

function alternatives(node: SchemaNode): readonly SchemaNode[] {
  return node.anyOf ? [node, ...node.anyOf.flatMap(alternatives)] : [node]
}

function childrenOf(node: SchemaNode, key: PropertyKey): readonly SchemaNode[] {
  if (typeof key === 'number') return node.items ? [node.items] : []
  const properties = node.properties ?? {}
  const named = Object.hasOwn(properties, key) ? properties[String(key)] : undefined
  if (named) return [named]
  return typeof node.additionalProperties === 'object' ? [node.additionalProperties] : []
}
