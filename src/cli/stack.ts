/** The stack file, and who asks. Loads parsers only when it is called. */
import { userInfo } from 'node:os'
import { RepaveError } from '../errors.ts'
import type { LoadedStack } from '../config/load.ts'
import type { DriftException } from '../model/report.ts'
import type { Scope } from '../model/stack.ts'
import type { Session } from './session.ts'

export async function loadSessionStack({ folder, file, environment }: Session): Promise<LoadedStack> {
  const { loadStack } = await import('../config/load.ts')
  return loadStack({ folder, file, environment })
}

/** The stack and environment that a command is about. */
export async function sessionScope({ folder, file, environment }: Session): Promise<Scope> {
  const { loadScope } = await import('../config/load-scope.ts')
  return loadScope({ folder, file, environment })
}

/** What `drift` is to pass over. */
export async function sessionExceptions({ folder, file, environment }: Session): Promise<readonly DriftException[]> {
  const { loadExceptions } = await import('../config/load-exceptions.ts')
  return loadExceptions({ folder, file, environment })
}

/** As `sessionScope`; only the environment that was named, if any, where no file was and the folder has none. */
export async function scopeIfAny(session: Session): Promise<Partial<Scope>> {
  try {
    return await sessionScope(session)
  } catch (error) {
    const isAbsent = error instanceof RepaveError && error.code === 'FILE_NOT_FOUND' && session.file === undefined
    if (isAbsent) return session.environment === undefined ? {} : { environment: session.environment }
    throw error
  }
}

/** The user name for the record: who called sudo, where someone did. */
export function caller(): string {
  if (process.env.SUDO_USER) return process.env.SUDO_USER
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
