/** `repave up`: build, pin, plan, roll out, wait for the verdict. */
import { connect } from './connect.ts'
import type { Session } from './session.ts'
import { caller, loadSessionStack } from './stack.ts'
import { watchWork } from './work.ts'

export interface UpOptions {
  readonly refresh?: boolean
}

export async function up(session: Session, { refresh = false }: UpOptions): Promise<number> {
  const { stack, file, positionOf } = await loadSessionStack(session)
  const { lockFileOf, parseLock, readLock, writeLock } = await import('../image/lock-file.ts')
  const lockFile = lockFileOf(file)
  const lock = await readLock(lockFile)
  const client = await connect(session)
  return watchWork(session, client, {
    command: 'up',
    scope: { stack: stack.stack, environment: stack.environment },
    reports: client.up({ by: caller(), stack, lock, refresh }),
    positionOf,
    onLock: async (resolved) => void (await writeLock(lockFile, parseLock(lockFile, resolved))),
  })
}
