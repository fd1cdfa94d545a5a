/** The reference of the stack file, made from its definition: `npm run schema` writes it. */
import { stackSchema, type SchemaNode } from './json-schema.ts'

/** The whole of docs/reference/stack-file.md. */
export function stackFileReference(): string {
  return [
    '# Stack file',
    '',
    '<!-- Made by `npm run schema` from src/config/definition.ts. -->',
    '',
    '`repave.yaml`, `repave.yml`, `repave.json` or `repave.ts`. `NAME` stands for a name of your own. `repave init` writes',
    'a file that works; `repave plan --explain` shows every setting and where it comes from. Editors complete and check',
    'it with `schema/repave.schema.json`. What an environment says of a service is as in the service itself.',
    '',
    ...new Set(keyLines(stackSchema(), '').filter((line) => !isRepeated.test(line))),
    '',
  ].join('\n')
}

/** Below the keys of a service, and of the webhooks, in an environment. */
const isRepeated = /^- `environments\.NAME\.(?:services\.NAME\.\w+|notifications)\./

function keyLines(node: SchemaNode, path: string): readonly string[] {
  const { properties = {}, additionalProperties: each, items, anyOf = [] } = node
  return [
    ...Object.entries(properties).flatMap(([key, child]) => keyLine(child, path === '' ? key : `${path}.${key}`)),
    ...(typeof each === 'object' && path !== '' ? keyLine(each, `${path}.NAME`) : []),
    ...(items ? keyLines(items, path) : []),
    ...anyOf.flatMap((alternative) => keyLines(alternative, path)),
  ]
}

function keyLine(node: SchemaNode, path: string): readonly string[] {
  const examples = (node.examples ?? []).map((example) => `\`${JSON.stringify(example)}\``).join(' or ')
  const words = [node.description, examples && `For example: ${examples}.`].filter(Boolean).join(' ')
  return [...(words ? [`- \`${path}\`: ${words}`] : []), ...keyLines(node, path)]
}
