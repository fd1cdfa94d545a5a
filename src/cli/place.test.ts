import { expect, test } from 'vitest'
import { RepaveError } from '../errors.ts'
import { placeError, placeResult } from './place.ts'

const positionOf = () => ({ file: '/shop/repave.yaml', line: 3, column: 5 })
const hint = 'check its name'

test('an error about a part of the stack gets the place of that part', () => {
  const error = new RepaveError('IMAGE_NOT_FOUND', 'no image', { hint, about: ['services', 'web', 'image'] })
  expect(placeError(error, positionOf).report()).toEqual({
    ok: false,
    code: 'IMAGE_NOT_FOUND',
    message: 'no image',
    hint,
    ...positionOf(),
  })
})

test('an error about nothing in the file, or with a place already, stays as it is', () => {
  const engine = new RepaveError('ENGINE_MISSING', 'no engine', { hint })
  expect(placeError(engine, positionOf)).toBe(engine)
  const lock = new RepaveError('FILE_SYNTAX', 'no JSON', { hint, at: { file: '/shop/repave.lock.json' }, about: [] })
  expect(placeError(lock, positionOf)).toBe(lock)
})

test('so does a verdict', () => {
  const result = { ok: false, services: [], changed: true, code: 'ROLLOUT_ABORTED' }
  expect(placeResult({ ...result, about: ['services', 'web'] }, positionOf)).toEqual({ ...result, ...positionOf() })
  expect(placeResult(result, positionOf)).toBe(result)
})
