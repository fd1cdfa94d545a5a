/** The forms that the store has had: one step leads from each to the next; `user_version` counts the steps taken. */
import type { DatabaseSync } from 'node:sqlite'
import { RepaveError } from '../../errors.ts'
import { releaseId } from '../../model/release.ts'
import { toEntryOfFirstForm, toRelease } from './rows.ts'
import { entriesTable, firstForm, thirdForm } from './schema.ts'
import { inserting } from './sqlite-entries.ts'

const steps: readonly ((database: DatabaseSync) => void)[] = [
  (database) => database.exec(firstForm),
  openLedger,
  (database) => database.exec(thirdForm),
]

/** Takes the steps that are missing, each wholly or not at all; STORE_FAILED for a form of a newer Repave. */
export function migrate(database: DatabaseSync, file: string): void {
  const taken = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
  if (taken > steps.length)
    throw new RepaveError('STORE_FAILED', `the state in ${file} was written by a newer Repave`, {
      hint: 'run that version of Repave, or name another state folder with REPAVE_HOME',
    })
  for (const [index, step] of steps.entries()) if (index >= taken) take(database, step, index + 1)
}

function take(database: DatabaseSync, step: (database: DatabaseSync) => void, form: number): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    step(database)
    database.exec(`PRAGMA user_version = ${form}; COMMIT`)
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

/** Events become entries of the ledger, in their order, and releases are found by their content. */
function openLedger(database: DatabaseSync): void {
  database.exec(entriesTable)
  const insert = inserting((sql) => database.prepare(sql))
  for (const row of database.prepare('SELECT * FROM events ORDER BY sequence').iterate())
    insert(toEntryOfFirstForm(row))
  database.exec('DROP TABLE events; ALTER TABLE releases ADD COLUMN id TEXT')
  const name = database.prepare('UPDATE releases SET id = ? WHERE sequence = ?')
  for (const row of database.prepare('SELECT * FROM releases').all()) {
    const { sequence, release } = toRelease(row)
    name.run(releaseId(release), sequence)
  }
  database.exec('CREATE INDEX releases_id ON releases (id)')
}
