/** A command that is refused has changed nothing: no decision of it is recorded that a later controller would take up. */
import type { Command } from '../history.ts'
import type { Answer } from '../people.ts'
import { actionWords } from '../story.ts'
import { ViolationError } from './invariant.ts'

export function judgeRefusal(command: Command, answer: Answer, decisions: number): void {
  if (answer.kind !== 'refused' || decisions === 0) return
  const words = actionWords({ ...command, afterMs: 0 }).split(':')[0]
  throw new ViolationError(
    'refused changes nothing',
    `${words} is refused with ${answer.code}, and decided all the same`,
  )
}
