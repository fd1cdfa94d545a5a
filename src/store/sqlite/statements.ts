/** How the tables of the store are read and written: each statement is prepared once, and its errors are ours. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { sqliteFailure } from '../../system/sqlite-failure.ts'

export interface Statements {
  readonly prepare: (sql: string) => StatementSync
  readonly run: (sql: string, ...values: SQLInputValue[]) => void
  /** Every row. */
  readonly all: (sql: string, ...values: SQLInputValue[]) => readonly unknown[]
  /** The first row. */
  readonly returned: (sql: string, ...values: SQLInputValue[]) => unknown
}

/** `file`: what errors name. */
export function statementsOf(database: DatabaseSync, file: string): Statements {
  const statements = new Map<string, StatementSync>()
  const prepare = (sql: string) => {
    const known = statements.get(sql)
    if (known) return known
    const statement = database.prepare(sql)
    statements.set(sql, statement)
    return statement
  }
  return {
    prepare,
    run: (sql, ...values) => void translated(file, () => prepare(sql).run(...values)),
    all: (sql, ...values) => translated(file, () => prepare(sql).all(...values)),
    returned: (sql, ...values) => translated(file, () => prepare(sql).get(...values)),
  }
}

export function translated<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw sqliteFailure(error, file)
  }
}
