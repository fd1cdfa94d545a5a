import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { cliReference } from './reference.ts'

test('docs/reference/cli.md is what `npm run reference` writes', () => {
  expect(readFileSync(new URL('../../docs/reference/cli.md', import.meta.url), 'utf8')).toBe(cliReference())
})
