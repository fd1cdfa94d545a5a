import { expect, test } from 'vitest'
import { refusedName } from './refused-name.ts'

test('a version, an image, or a label is named', () => {
  expect(refusedName('web@4f9a1c2b', undefined)).toEqual({ kind: 'name', name: 'web@4f9a1c2b' })
  expect(refusedName('sha256:4f9a1c2b91be', undefined)).toEqual({ kind: 'name', name: 'sha256:4f9a1c2b91be' })
  expect(refusedName(undefined, 'org.example.base=alpine=3')).toEqual({
    kind: 'label',
    label: 'org.example.base',
    value: 'alpine=3',
  })
  expect(refusedName(undefined, 'reviewed=')).toEqual({ kind: 'label', label: 'reviewed', value: '' })
})

test.each([
  [undefined, undefined, 'nothing is named'],
  ['web@4f9a1c2b', 'a=b', 'web@4f9a1c2b and --label a=b are two things'],
  [undefined, 'reviewed', `--label can't be "reviewed"`],
  [undefined, '=x', `--label can't be "=x"`],
  ['', undefined, 'nothing is named'],
])('%j with the label %j is refused', (what, label, message) => {
  expect(() => refusedName(what, label)).toThrow(expect.objectContaining({ code: 'USAGE', message }))
})
