/** The entries of the ledger in SQLite: each with its leaf, whose bytes are what the log commits to. */
import type { SQLInputValue, StatementSync } from 'node:sqlite'
import { type Entry, leafOf } from '../../model/entry.ts'
import type { EntryFilter, RecordedEntry } from '../store.ts'
import { toEntry } from './rows.ts'

type Prepare = (sql: string) => StatementSync

const insertSql = `INSERT INTO entries
  (sequence, at_ms, kind, by, message, stack, environment, service, instance, version, operation, release, before,
   previous, lines, leaf)
  VALUES ((SELECT coalesce(max(sequence) + 1, 0) FROM entries), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *`

/** Appends an entry as the next of the ledger. */
export function inserting(prepare: Prepare): (entry: Entry) => RecordedEntry {
  return (entry) => {
    const { atMs, kind, by, message, stack, environment, service, instance, version, lines } = entry
    const { operation, release, before, previous } = entry
    const subject = [stack, environment, service, instance, version]
    const optional = [...subject, operation, release, before, previous].map((value) => value ?? null)
    const told = lines ? JSON.stringify(lines) : null
    return toEntry(prepare(insertSql).get(atMs, kind, by, message, ...optional, told, leafOf(entry)))
  }
}

/** The condition that `filter` is, and its values. */
export function entriesWhere(filter: EntryFilter): { where: string; values: SQLInputValue[] } {
  const { kinds, after = -1, sinceMs, untilMs, stack, environment, service, instance, version, by } = filter
  const conditions: [string, readonly SQLInputValue[]][] = [['sequence > ?', [after]]]
  for (const [column, value] of Object.entries({ stack, environment, service, instance, by }))
    if (value !== undefined) conditions.push([`${column} = ?`, [value]])
  if (version !== undefined) conditions.push(['substr(version, 1, length(?)) = ?', [version, version]])
  if (kinds) conditions.push([`kind IN (${kinds.map(() => '?').join(', ')})`, kinds])
  if (sinceMs !== undefined) conditions.push(['at_ms >= ?', [sinceMs]])
  if (untilMs !== undefined) conditions.push(['at_ms <= ?', [untilMs]])
  return {
    where: conditions.map(([condition]) => condition).join(' AND '),
    values: conditions.flatMap(([, values]) => values),
  }
}

export const openIntentsSql = `
  WITH recent AS (
    SELECT * FROM entries
    WHERE sequence > coalesce((SELECT max(sequence) FROM entries WHERE kind = 'controller.started'), -1)
  )
  SELECT * FROM recent WHERE kind LIKE '%.intent' AND sequence NOT IN (
    SELECT operation FROM recent WHERE operation IS NOT NULL
  ) ORDER BY sequence`
