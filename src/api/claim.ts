/** The claim to a state folder: at most one controller holds it, and it ends with the process, however that ends. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { RepaveError } from '../errors.ts'
import { sqliteFailure } from '../system/sqlite-failure.ts'

const sqliteBusy = 5
const sqliteNotADatabase = 26

/**
 * Claims `home`, or throws CONTROLLER_RUNNING.
 *
 * The claim is SQLite's exclusive lock on an empty database, which is a POSIX record lock: the kernel hands it
 * to one process at a time and takes it back when that process dies, so nothing stale can be left and nothing
 * has to be compared. The other ways are weaker. A pid file needs a look at the process and then a removal, and
 * two starters can both do that. A name in the abstract socket namespace can be taken by any user of the machine,
 * and is not shared by two containers that share the folder. Children do not inherit the lock, so a router that
 * outlives the controller doesn't keep it.
 *
 * Hazard: closing any other descriptor of the file in this process would give the lock away; only this function
 * may open it.
 */
export function claimHome(home: string): Disposable {
  const file = join(home, 'controller.lock')
  const database = open(file)
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    throw translate(error, home, file)
  }
  return { [Symbol.dispose]: () => database.close() }
}

/** Does `work` while no controller can run for `home`. */
export async function whileClaimed<Result>(home: string, work: () => Promise<Result>): Promise<Result> {
  const claim = claimHome(home)
  try {
    return await work()
  } finally {
    claim[Symbol.dispose]()
  }
}

/** The process that holds the claim to `home`; undefined where nobody does, or the kernel does not tell: proc(5). */
export function claimHolder(home: string): number | undefined {
  const inode = statSync(join(home, 'controller.lock'), { throwIfNoEntry: false })?.ino
  if (inode === undefined || !existsSync('/proc/locks')) return undefined
  const locks = readFileSync('/proc/locks', 'utf8').split('\n')
  const held = locks.map((lock) => / POSIX .* (\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(lock))
  const pid = Number(held.find((lock) => lock?.[2] === String(inode))?.[1])
  return pid > 0 ? pid : undefined
}

function open(file: string): DatabaseSync {
  try {
    return new DatabaseSync(file, { timeout: 0 })
  } catch (error) {
    throw sqliteFailure(error, file)
  }
}

function translate(error: unknown, home: string, file: string): RepaveError {
  if (error instanceof Error && 'errcode' in error && error.errcode === sqliteNotADatabase)
    return new RepaveError('STORE_FAILED', `${file} is not the lock file that a controller makes`, {
      hint: `it holds nothing: remove it with \`rm ${file}\``,
      cause: error,
    })
  if (!(error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy)) return sqliteFailure(error, file)
  const pid = claimHolder(home)
  const words = `a controller already runs for ${home}${pid === undefined ? '' : ` (pid ${pid})`}`
  return new RepaveError('CONTROLLER_RUNNING', words, {
    hint: 'use that one, or stop it first; each state folder has one controller',
    cause: error,
  })
}
