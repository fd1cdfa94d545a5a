import { expect, test } from 'vitest'
import { RepaveError, type FilePosition } from '../errors.ts'
import { jsonSource } from './json-source.ts'
import { yamlSource } from './yaml-source.ts'

interface Hostile {
  readonly what: string
  readonly text: string
  readonly message: RegExp
  readonly at?: Partial<FilePosition>
}

const levels = ['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']
const bomb = [
  'a: &a [x,x,x,x,x,x,x,x,x,x]',
  ...levels.map((name, index) => `${name}: &${name} [${Array(10).fill(`*${'abcdefgh'[index]}`).join(',')}]`),
].join('\n')

const hostileYaml: readonly Hostile[] = [
  { what: 'a bomb of aliases', text: bomb, message: /more than 100000 values/ },
  {
    what: 'an alias of itself',
    text: 'a: &a [*a]',
    message: /\*a names no earlier anchor/,
    at: { line: 1, column: 8 },
  },
  { what: 'an unknown alias', text: 'a: *b', message: /names no earlier anchor|Unresolved alias/ },
  { what: 'duplicate keys', text: 'a: 1\nb: 2\na: 3', message: /^a is there twice$/, at: { line: 3, column: 1 } },
  { what: 'several documents', text: 'a: 1\n---\nb: 2', message: /more than one document/, at: { line: 2 } },
  { what: 'a custom tag', text: 'a: !fn x', message: /Unresolved tag: !fn/, at: { line: 1, column: 4 } },
  { what: 'a tag that makes objects', text: 'a: !!js/function x', message: /Unresolved tag/ },
  { what: 'a binary tag', text: 'a: !!binary aGk=', message: /Unresolved tag/ },
  { what: 'a prototype key', text: 'a:\n  __proto__: { x: 1 }', message: /"__proto__" is not a key/, at: { line: 2 } },
  { what: 'a merge key', text: 'a: &a {x: 1}\nb: {<<: *a}', message: /merge keys/, at: { line: 2, column: 5 } },
  { what: 'a map as key', text: '{a: 1}: b', message: /is not text/ },
  { what: 'deep lists', text: '['.repeat(200_000), message: /nested too deeply|is not valid YAML/ },
  { what: 'deep maps', text: `a: ${'{a: '.repeat(5000)}1${'}'.repeat(5000)}`, message: /nested too deeply|not valid/ },
  {
    what: 'levels past the limit',
    text: `a: ${'['.repeat(40)}${']'.repeat(40)}`,
    message: /a\[0\].*nested too deeply/,
  },
  { what: 'many values', text: `a: [${'1,'.repeat(200_000)}]`, message: /more than 100000 values/ },
  { what: 'an unclosed quote', text: `a: "${'x\n'.repeat(1000)}`, message: /is not valid YAML/ },
  { what: 'tabs', text: 'a:\n\tb: 1', message: /is not valid YAML/, at: { line: 2 } },
  { what: 'nothing', text: '', message: /is empty/ },
  { what: 'a comment alone', text: '# nothing\n', message: /is empty/ },
]

test.each(hostileYaml)('YAML with $what is refused', ({ text, message, at = {} }) => {
  const error = refusal(() => yamlSource('/stack.yaml', text))
  expect(error).toMatchObject({ code: 'FILE_SYNTAX', at: { file: '/stack.yaml', ...at } })
  expect(error.message).toMatch(message)
  expect(error.hint).not.toBe('')
})

const hostileJson: readonly Hostile[] = [
  { what: 'a comment', text: '{\n  // no\n  "a": 1\n}', message: /invalid comment token/, at: { line: 2, column: 3 } },
  { what: 'a trailing comma', text: '{"a": 1,}', message: /property name expected/, at: { line: 1, column: 9 } },
  { what: 'bare keys', text: '{a: 1}', message: /not valid JSON/, at: { line: 1, column: 2 } },
  { what: 'YAML', text: 'a: 1', message: /not valid JSON/ },
  { what: 'duplicate keys', text: '{"a": 1,\n "a": 2}', message: /a is there twice/, at: { line: 2, column: 2 } },
  { what: 'a prototype key', text: '{"__proto__": {}}', message: /"__proto__" is not a key/ },
  { what: 'deep lists', text: '['.repeat(200_000), message: /not valid JSON|too deeply/ },
  { what: 'more after the end', text: '{} {}', message: /not valid JSON/ },
]

test.each(hostileJson)('JSON with $what is refused', ({ text, message, at = {} }) => {
  const error = refusal(() => jsonSource('/stack.json', text))
  expect(error).toMatchObject({ code: 'FILE_SYNTAX', at: { file: '/stack.json', ...at } })
  expect(error.message).toMatch(message)
})

test('a great many keys take no great time to compare', () => {
  const text = Array.from({ length: 40_000 }, (_, index) => `k${index}: 1`).join('\n')
  expect(Object.keys(yamlSource('/stack.yaml', text).value as object)).toHaveLength(40_000)
})

test('words that YAML 1.1 took for something else are text, and aliases are what they stand for', () => {
  const { value } = yamlSource('/stack.yaml', 'a: [yes, no, on, 12:30, 0x1F]\nb: &list [x]\nc: *list')
  expect(value).toEqual({ a: ['yes', 'no', 'on', '12:30', 31], b: ['x'], c: ['x'] })
})

test('positions are those of keys and values, through lists and aliases', () => {
  const source = yamlSource('/s.yaml', 'a: &a\n  b: 1\nc:\n  - x\n  - d: y\ne: *a\nf:\n')
  const at = (path: readonly (string | number)[], part: 'key' | 'value' = 'value') => {
    const { line, column } = source.positionOf(path, part)
    return [line, column]
  }
  expect(at(['a', 'b'], 'key')).toEqual([2, 3])
  expect(at(['a', 'b'])).toEqual([2, 6])
  expect(at(['c', 1, 'd'])).toEqual([5, 8])
  expect(at(['e', 'b'])).toEqual([2, 6])
  expect(at(['f'])).toEqual([7, 1])
  expect(at(['c', 'nothing', 'more'])).toEqual([3, 1])
  expect(at([])).toEqual([1, 1])
})

function refusal(act: () => unknown): RepaveError {
  try {
    act()
  } catch (error) {
    if (error instanceof RepaveError) return error
    throw error
  }
  throw new Error('it was accepted')
}
