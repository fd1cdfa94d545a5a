/** What docs/standards.md says that tests show, they show: each is there, by its file and its title. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

const repository = resolve(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(resolve(repository, path), 'utf8')
const page = read('docs/standards.md')
const benchmark = 'test/end-to-end/standards.test.ts'

interface Named {
  readonly file: string
  readonly title: string
}

const named: readonly Named[] = page
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .flatMap((line) => line.split(/<br>|\|/))
  .flatMap((cell) => {
    const [, file, title] = /^\s*`([^`]+\.test\.ts)`: (.+?)\s*$/.exec(cell) ?? []
    return file !== undefined && title !== undefined ? [{ file, title }] : []
  })

/** Of the tests whose titles are written out. */
function titlesIn(file: string): readonly string[] {
  return [...read(file).matchAll(/\btest\(\s*(?:'([^'\n]+)'|"([^"\n]+)")/g)].map(
    ([, single, double]) => single ?? double!,
  )
}

test('every test that the page names is there', () => {
  expect(named.length).toBeGreaterThan(50)
  const missing = named.filter(({ file, title }) => !titlesIn(file).includes(title))
  expect(missing).toEqual([])
})

test('every row has a test, but for what is left to the user', () => {
  const [before = ''] = page.split('## Left to the user')
  const rows = before.split('\n').filter((line) => /^\| (?!Item|Control|Countermeasure|Requirement|-)/.test(line))
  expect(rows.filter((row) => !row.includes('.test.ts`: '))).toEqual([])
})

test('every check of the benchmark is on the page', () => {
  const titles = new Set(named.filter(({ file }) => file === benchmark).map(({ title }) => title))
  expect(titlesIn(benchmark).filter((title) => title.startsWith('CIS ') && !titles.has(title))).toEqual([])
})

test('every item of sections 4 and 5 is shown, said not to be satisfied, or left to the user', () => {
  const items = [
    ...Array.from({ length: 12 }, (_, index) => `4.${index + 1}`),
    ...Array.from({ length: 32 }, (_, index) => `5.${index + 1}`),
  ]
  const [, section = ''] = /^## CIS.*?$(.*?)^## /ms.exec(page) ?? []
  const left = [...page.matchAll(/^\| CIS (.*?)(?:, (?:NIST|PCI)| *\|)/gm)].map(([, numbers]) => numbers)
  const said = `${section} ${left.join(' ')}`
  expect(items.filter((item) => !new RegExp(`(^|[^\\d.])${RegExp.escape(item)}([^\\d.]|$)`).test(said))).toEqual([])
})

test('it claims no more than it shows', () => {
  expect(page).not.toMatch(/\bcomplian(t|ce)\b|\bcertified\b/i)
  expect(page).toContain('helps satisfy')
})
