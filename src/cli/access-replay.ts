/** `repave access replay ID`: plays a recording, or says where it is. */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { stateFolder } from '../api/home.ts'
import { recordingsOf } from '../compose.ts'
import { RepaveError } from '../errors.ts'
import { castEvents } from '../recording/asciicast.ts'
import { connect } from './connect.ts'
import { exitDone } from './exit.ts'
import type { Session } from './session.ts'
import { sessionScope } from './stack.ts'

export async function accessReplay(
  session: Session,
  which: string,
  { fast = false }: { readonly fast?: boolean },
): Promise<number> {
  const id = /^\d{1,15}$/.test(which) ? Number(which) : await idOf(session, which)
  const recordings = recordingsOf(stateFolder())
  const digest = recordings.digest(id)
  if (digest === undefined) throw unknown(which)
  if (session.json) session.terminal.printJson({ id, path: recordings.path(id), digest })
  else await play(readFileSync(recordings.path(id), 'utf8'), fast)
  return exitDone
}

async function idOf(session: Session, digest: string): Promise<number> {
  const accesses = await (await connect(session)).accesses(await sessionScope(session))
  const found = accesses.find((each) => each.digest === digest)
  if (!found) throw unknown(digest)
  return found.id
}

async function play(recording: string, isFast: boolean): Promise<void> {
  let atSeconds = 0
  for (const { seconds, code, text } of castEvents(recording)) {
    if (!isFast) await delay(Math.max(0, seconds - atSeconds) * 1_000)
    atSeconds = seconds
    if (code === 'o') process.stdout.write(text)
  }
}

function unknown(which: string): RepaveError {
  return new RepaveError('EVIDENCE_UNKNOWN', `there is no recording ${which}`, {
    hint: '`repave access list` lists what there is',
  })
}
