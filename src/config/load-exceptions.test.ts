import { expect, test } from 'vitest'
import { temporaryFolder } from '../system/temporary-folder.ts'
import { loadExceptions } from './load-exceptions.ts'
import { loadStack } from './load.ts'

const small = 'stack: shop\nservices: { web: { image: nginx, port: 80 } }\n'
const written = `${small}drift:\n  exceptions:\n    - { what: foreign, reason: it is measured, until: 2027-01-31 }\n`

test('exceptions are read, and are no part of the stack', async () => {
  await using folder = await temporaryFolder()
  const file = await folder.write('repave.yaml', written)
  expect(await loadExceptions({ folder: folder.path })).toEqual([
    { what: 'foreign', reason: 'it is measured', until: '2027-01-31' },
  ])
  const { stack } = await loadStack({ folder: folder.path, file })
  await folder.write('repave.yaml', small)
  expect(await loadExceptions({ folder: folder.path })).toEqual([])
  expect((await loadStack({ folder: folder.path, file })).stack).toEqual(stack)
})

test('a file that is being edited keeps nobody from looking', async () => {
  await using folder = await temporaryFolder()
  await folder.write('repave.yaml', `${written}serwices: {}\n`)
  expect(await loadExceptions({ folder: folder.path })).toHaveLength(1)
})

test.each([
  ['without a reason', '{ what: foreign, until: 2027-01-31 }', 4],
  ['without an end', '{ what: foreign, reason: it is measured }', 4],
  ['until no day', '{ what: foreign, reason: it is measured, until: 2027-02-30 }', 4],
])('one %s is refused with its place', async (_, exception, line) => {
  await using folder = await temporaryFolder()
  await folder.write('repave.yaml', `${small}drift:\n  exceptions: [${exception}]\n`)
  await expect(loadExceptions({ folder: folder.path })).rejects.toMatchObject({ code: 'FILE_INVALID', at: { line } })
})
