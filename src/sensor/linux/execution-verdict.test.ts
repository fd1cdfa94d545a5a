import { expect, test } from 'vitest'
import { refuseExecution, type Execution } from './execution-verdict.ts'

const rightful: Execution = { isOwnProcess: true, place: 'root', isListed: true, isUnderWay: false }

test.each<readonly [what: string, execution: Execution, isAllowed: boolean]>([
  ['its own process runs a program that may run', rightful, true],
  ['somebody else does', { ...rightful, isOwnProcess: false }, false],
  ['somebody else, after having been allowed something', { ...rightful, isOwnProcess: false, isUnderWay: true }, false],
  ['a program in its memory', { ...rightful, place: 'memory' }, false],
  ['a program in its data', { ...rightful, place: 'data' }, false],
  [
    'a program in its memory as the interpreter of one that may run',
    { ...rightful, place: 'memory', isUnderWay: true },
    false,
  ],
  ['a program that is not listed', { ...rightful, isListed: false }, false],
  ['the interpreter or loader of one that is', { ...rightful, isListed: false, isUnderWay: true }, true],
])('%s', (_what, execution, isAllowed) => {
  expect(refuseExecution(execution) === undefined).toBe(isAllowed)
})
