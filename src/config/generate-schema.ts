/** Writes `schema/repave.schema.json`: `npm run schema`. */
import { writeFile } from 'node:fs/promises'
import { stackSchema } from './json-schema.ts'

const target = new URL('../../schema/repave.schema.json', import.meta.url)
await writeFile(target, `${JSON.stringify(stackSchema(), null, 2)}\n`)
