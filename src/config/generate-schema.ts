/** Writes what is made from the definition of the stack file, its JSON Schema and its reference: `npm run schema`. */
import { writeFile } from 'node:fs/promises'
import { stackSchema } from './json-schema.ts'
import { stackFileReference } from './reference.ts'

const top = new URL('../../', import.meta.url)
await writeFile(new URL('schema/repave.schema.json', top), `${JSON.stringify(stackSchema(), null, 2)}\n`)
await writeFile(new URL('docs/reference/stack-file.md', top), stackFileReference())
