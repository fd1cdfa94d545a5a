import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { schemaNodesAt, stackSchema, type SchemaNode } from './json-schema.ts'
import { stackFileReference } from './reference.ts'

test('the checked-in schema is what the definition makes: `npm run schema` writes it', async () => {
  const written = await readFile(new URL('../../schema/repave.schema.json', import.meta.url), 'utf8')
  expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(stackSchema())))
})

test('docs/reference/stack-file.md is what `npm run schema` writes', async () => {
  const written = await readFile(new URL('../../docs/reference/stack-file.md', import.meta.url), 'utf8')
  expect(written).toBe(stackFileReference())
})

test('every key says what it means, and every map is closed', () => {
  const undescribed: string[] = []
  const open: string[] = []
  visit(stackSchema(), 'stack file', (node, path) => {
    if (node.type === 'object' && (node.additionalProperties ?? true) === true) open.push(path)
    for (const [key, child] of Object.entries(node.properties ?? {})) {
      if (!child.description) undescribed.push(`${path}.${key}`)
    }
  })
  expect({ undescribed, open }).toEqual({ undescribed: [], open: [] })
})

test('a path leads through maps, lists and alternatives', () => {
  const [path] = schemaNodesAt(stackSchema(), ['services', 'web', 'route', 1, 'path'])
  expect(path?.description).toContain('whole segments')
  expect(schemaNodesAt(stackSchema(), ['services', 'web', 'nothing'])).toEqual([])
})

function visit(node: SchemaNode, path: string, look: (node: SchemaNode, path: string) => void): void {
  look(node, path)
  for (const [key, child] of Object.entries(node.properties ?? {})) visit(child, `${path}.${key}`, look)
  for (const child of node.anyOf ?? []) visit(child, path, look)
  if (node.items) visit(node.items, `${path}[]`, look)
  if (typeof node.additionalProperties === 'object') visit(node.additionalProperties, `${path}.*`, look)
}
