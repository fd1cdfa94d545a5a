/** docs/touches.md and the catalogue say the same, and the tests that the page names are there. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { seenTouches, unseenTouches } from '../end-to-end/touch-rows.ts'
import { pagePath, renewed } from '../end-to-end/touches-page.ts'

const repository = resolve(import.meta.dirname, '../..')
const page = readFileSync(pagePath, 'utf8')

test('its tables are those of the catalogue: else `npm run catalogue`', () => {
  expect(page).toBe(renewed(page))
})

test('the catalogue has many touches, each once', () => {
  const names = [...seenTouches, ...unseenTouches].map(({ name }) => name)
  expect(seenTouches.length).toBeGreaterThanOrEqual(25)
  expect(names).toEqual([...new Set(names)])
})

test('the other tests that it names are there', () => {
  const named = [...page.replaceAll('\n', ' ').matchAll(/`(test\/[\w/-]+\.test\.ts)`: ([^|),]+(?:, [^|),]+)*)/g)]
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter(([, file = '', title = '']) => !isThere(file, title.trim())).map(([whole]) => whole)).toEqual([])
})

function isThere(file: string, title: string): boolean {
  return new RegExp(`\\btest\\(\\s*'${RegExp.escape(title)}'`).test(readFileSync(resolve(repository, file), 'utf8'))
}
