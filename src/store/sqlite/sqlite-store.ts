/** The embedded store: SQLite in WAL mode with `synchronous=FULL`, so that a resolved write survives a power cut. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { RepaveError } from '../../errors.ts'
import type { Scope } from '../../model/stack.ts'
import { sqliteFailure } from '../../system/sqlite-failure.ts'
import type { EventFilter, ReleaseRecord, RolloutEnd, RolloutStart, Store } from '../store.ts'
import { toEvent, toRelease, toRollout, toVersion } from './rows.ts'
import { migrations } from './schema.ts'

/** How many lines of history are kept. */
const keptEvents = 200_000
const pruneEvery = 1_000

/** `file` is a path; its folder exists. */
export function createSqliteStore(file: string): Store {
  const database = translated(file, () => open(file))
  const statements = new Map<string, StatementSync>()
  const prepare = (sql: string) => {
    const known = statements.get(sql)
    if (known) return known
    const statement = database.prepare(sql)
    statements.set(sql, statement)
    return statement
  }
  const run = (sql: string, ...values: SQLInputValue[]) => translated(file, () => prepare(sql).run(...values))
  const all = (sql: string, ...values: SQLInputValue[]): unknown[] =>
    translated(file, () => prepare(sql).all(...values))
  const returned = (sql: string, ...values: SQLInputValue[]): unknown =>
    translated(file, () => prepare(sql).get(...values))

  const releasesOf = async (scope: Scope, limit: number) =>
    all(
      'SELECT * FROM releases WHERE stack = ? AND environment = ? ORDER BY sequence DESC LIMIT ?',
      scope.stack,
      scope.environment,
      limit,
    ).map(toRelease)

  let appended = 0
  const prune = () => run('DELETE FROM events WHERE sequence <= (SELECT max(sequence) FROM events) - ?', keptEvents)

  const insertRelease = ({ release, decision, reason, by, atMs }: Omit<ReleaseRecord, 'sequence'>) => {
    const sql = `INSERT INTO releases (stack, environment, release, decision, reason, by, at_ms)
      VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING *`
    return toRelease(
      returned(sql, release.stack, release.environment, JSON.stringify(release), decision, reason, by, atMs),
    )
  }
  const startRollout = ({ release, atMs }: ReleaseRecord, { service, from, to }: RolloutStart) => {
    const sql = `INSERT INTO rollouts (stack, environment, service, from_version, to_version, started_at_ms, state)
      VALUES (?, ?, ?, ?, ?, ?, 'running') RETURNING *`
    return toRollout(returned(sql, release.stack, release.environment, service, from, to, atMs))
  }
  const endRollout = ({ id, state, reason, logs, endedAtMs }: RolloutEnd) => {
    const sql = 'UPDATE rollouts SET state = ?, reason = ?, logs = ?, ended_at_ms = ? WHERE id = ?'
    run(sql, state, reason ?? null, logs ? JSON.stringify(logs) : null, endedAtMs, id)
  }

  return {
    async decide({ ends, starts, ...decision }) {
      run('BEGIN IMMEDIATE')
      try {
        const record = insertRelease(decision)
        ends.forEach(endRollout)
        const started = starts.map((start) => startRollout(record, start))
        run('COMMIT')
        return { record, started }
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK')
        throw error
      }
    },
    async currentRelease(scope) {
      return (await releasesOf(scope, 1))[0]
    },
    async currentReleases() {
      return all(
        'SELECT * FROM releases WHERE sequence IN (SELECT max(sequence) FROM releases GROUP BY stack, environment) ORDER BY sequence',
      ).map(toRelease)
    },
    async releases(scope) {
      return releasesOf(scope, -1)
    },

    async endRollout(rollout) {
      endRollout(rollout)
    },
    async runningRollouts() {
      return all("SELECT * FROM rollouts WHERE state = 'running' ORDER BY id").map(toRollout)
    },
    async rollouts({ stack, environment, service }, limit = -1) {
      const sql = 'SELECT * FROM rollouts WHERE stack = ? AND environment = ? AND service = ? ORDER BY id DESC LIMIT ?'
      return all(sql, stack, environment, service, limit).map(toRollout)
    },

    async saveVersion(version) {
      const { stack, environment, service, spec, imageName, firstRunAtMs, lastRunAtMs, state } = version
      const sql = `INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET
          spec = excluded.spec, image_name = excluded.image_name, last_run_at_ms = excluded.last_run_at_ms, state = excluded.state`
      const identity = [stack, environment, service, version.version] as const
      run(sql, ...identity, JSON.stringify(spec), imageName, firstRunAtMs, lastRunAtMs, state)
    },
    async versions(scope, service) {
      const sql = `SELECT * FROM versions WHERE stack = ? AND environment = ? AND service = coalesce(?, service)
        ORDER BY last_run_at_ms DESC, version`
      return all(sql, scope.stack, scope.environment, service ?? null).map(toVersion)
    },

    async append({ atMs, stack, environment, service, instance, version, kind, message }) {
      const sql = `INSERT INTO events (at_ms, stack, environment, service, instance, version, kind, message)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING *`
      const subject = [service ?? null, instance ?? null, version ?? null] as const
      // Before the event: what fails after it would report an event as failed that is on record.
      if (++appended % pruneEvery === 0) prune()
      return toEvent(returned(sql, atMs, stack, environment, ...subject, kind, message))
    },
    async events(filter) {
      const { where, values } = eventsWhere(filter)
      const newest = `SELECT * FROM events WHERE ${where} ORDER BY sequence DESC LIMIT ?`
      return all(newest, ...values, filter.last ?? -1)
        .map(toEvent)
        .toReversed()
    },

    async close() {
      database.close()
    },
  }
}

function open(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 5_000 })
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
  migrate(database, file)
  return database
}

function migrate(database: DatabaseSync, file: string): void {
  const taken = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
  if (taken > migrations.length)
    throw new RepaveError('STORE_FAILED', `the state in ${file} was written by a newer Repave`, {
      hint: 'run that version of Repave, or name another state folder with REPAVE_HOME',
    })
  for (const [index, sql] of migrations.entries())
    if (index >= taken) database.exec(`BEGIN IMMEDIATE; ${sql} PRAGMA user_version = ${index + 1}; COMMIT;`)
}

function eventsWhere(filter: EventFilter): { where: string; values: SQLInputValue[] } {
  const { kinds, after = 0 } = filter
  const columns = { stack: filter.stack, environment: filter.environment, service: filter.service }
  const given = Object.entries(columns).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const ofKind = kinds ? [`kind IN (${kinds.map(() => '?').join(', ')})`] : []
  const conditions = [...given.map(([column]) => `${column} = ?`), ...ofKind, 'sequence > ?']
  return { where: conditions.join(' AND '), values: [...given.map(([, value]) => value), ...(kinds ?? []), after] }
}

function translated<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw sqliteFailure(error, file)
  }
}
