import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { asRepaveError } from '../errors.ts'
import { sqliteFailure } from './sqlite-failure.ts'

const file = join(tmpdir(), 'state.sqlite')
const failure = (errcode: number) => sqliteFailure(Object.assign(new Error('it failed'), { errcode }), file)

test('a database without room is told apart from one that is damaged', () => {
  expect(failure(13)).toMatchObject({ code: 'DISK_FULL', message: `no room to write ${file}` })
  expect(failure(26)).toMatchObject({ code: 'STORE_FAILED', message: `${file} can't be used: it failed` })
  // An extended code of SQLITE_IOERR on a disk that has room.
  expect(failure(4874)).toMatchObject({ code: 'STORE_FAILED' })
})

test('a full disk is no defect, whoever meets it', () => {
  const error = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  expect(asRepaveError(error)).toMatchObject({ code: 'DISK_FULL', exitCode: 1 })
})
