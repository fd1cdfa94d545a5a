/** The embedded store: SQLite in WAL mode with `synchronous=FULL`, so that a resolved write survives a power cut. */
import { DatabaseSync } from 'node:sqlite'
import type { Entry } from '../../model/entry.ts'
import { releaseId } from '../../model/release.ts'
import type { Scope } from '../../model/stack.ts'
import { sqliteFailure } from '../../system/sqlite-failure.ts'
import type { RecordedEntry, ReleaseRecord, Store, VersionRecord } from '../store.ts'
import { migrate } from './migrations.ts'
import { toEntry, toLeaf, toRelease, toSize, toVersion } from './rows.ts'
import { entriesWhere, inserting, openIntentsSql } from './sqlite-entries.ts'
import { refusalTable } from './sqlite-refusals.ts'
import { rolloutTable } from './sqlite-rollouts.ts'
import { statementsOf, translated } from './statements.ts'

interface Gathered {
  readonly entry: Entry
  readonly resolve: (recorded: RecordedEntry) => void
  readonly reject: (error: unknown) => void
}

/** `file` is a path; its folder exists. */
export function createSqliteStore(file: string): Store {
  const database = translated(file, () => open(file))
  const statements = statementsOf(database, file)
  const { prepare, run, all, returned } = statements
  const rollouts = rolloutTable(statements)
  const refusals = refusalTable(statements)

  const releasesOf = async (scope: Scope, limit: number) =>
    all(
      'SELECT * FROM releases WHERE stack = ? AND environment = ? ORDER BY sequence DESC LIMIT ?',
      scope.stack,
      scope.environment,
      limit,
    ).map(toRelease)

  const insertEntry = inserting(prepare)
  const insertRelease = ({ release, decision, reason, by, atMs }: Omit<ReleaseRecord, 'sequence'>) => {
    const { stack, environment } = release
    const sql = `INSERT INTO releases (stack, environment, release, id, decision, reason, by, at_ms)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING *`
    const content = [JSON.stringify(release), releaseId(release)] as const
    return toRelease(returned(sql, stack, environment, ...content, decision, reason, by, atMs))
  }

  const saveVersion = ({ labels, rehearsal, ...version }: VersionRecord) => {
    const { stack, environment, service, spec, imageName, firstRunAtMs, lastRunAtMs, state } = version
    const sql = `INSERT INTO versions
      (stack, environment, service, version, spec, image_name, first_run_at_ms, last_run_at_ms, state, labels, rehearsal)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET
        spec = excluded.spec, image_name = excluded.image_name, last_run_at_ms = excluded.last_run_at_ms,
        state = excluded.state, labels = coalesce(excluded.labels, labels),
        rehearsal = coalesce(excluded.rehearsal, rehearsal)`
    const identity = [stack, environment, service, version.version] as const
    const beside = [labels, rehearsal].map((value) => (value ? JSON.stringify(value) : null))
    run(sql, ...identity, JSON.stringify(spec), imageName, firstRunAtMs, lastRunAtMs, state, ...beside)
  }

  const wholly = <Result>(work: () => Result): Result => {
    run('BEGIN IMMEDIATE')
    try {
      const result = work()
      run('COMMIT')
      return result
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw sqliteFailure(error, file)
    }
  }

  /** Entries that come in one turn of the event loop are made durable at once: on a busy disk, that costs milliseconds. */
  const gathered: Gathered[] = []
  const commitGathered = () => {
    const entries = gathered.splice(0)
    if (entries.length === 0) return
    try {
      const recorded = wholly(() => entries.map(({ entry }) => insertEntry(entry)))
      recorded.forEach((each, index) => entries[index]?.resolve(each))
    } catch (error) {
      for (const { reject } of entries) reject(error)
    }
  }
  const inOrder = <Result>(work: () => Result): Result => {
    commitGathered()
    return wholly(work)
  }

  const withEntry = <Result>(entry: Entry, work: () => Result): Result =>
    inOrder(() => {
      const result = work()
      insertEntry(entry)
      return result
    })

  return {
    async decide({ ends, starts, refuses = [], versions = [], entries, ...decision }) {
      return inOrder(() => {
        const record = insertRelease(decision)
        ends.forEach((end) => rollouts.end(end))
        const started = starts.map((start) => rollouts.start(record, start))
        const refused = refuses.map((refusal) => refusals.add(refusal))
        versions.forEach(saveVersion)
        entries.forEach(insertEntry)
        return { record, started, refused }
      })
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

    async release(id) {
      const row = returned('SELECT * FROM releases WHERE id = ? LIMIT 1', id)
      return row === undefined ? undefined : toRelease(row).release
    },

    async endRollout(rollout, entry) {
      withEntry(entry, () => rollouts.end(rollout))
    },
    async changeRollout(change, entry) {
      withEntry(entry, () => rollouts.change(change))
    },
    async coolRollout(id, entry) {
      withEntry(entry, () => rollouts.cool(id))
    },
    async runningRollouts() {
      return rollouts.running()
    },
    async warmRollouts() {
      return rollouts.warm()
    },
    async rollouts(key, limit = -1) {
      return rollouts.of(key, limit)
    },

    async refuse(refusal, entry) {
      return withEntry(entry, () => refusals.add(refusal))
    },
    async lift(id, lifted, entry) {
      withEntry(entry, () => refusals.lift(id, lifted))
    },
    async refusals() {
      return refusals.newestFirst()
    },

    async saveVersion(version) {
      saveVersion(version)
    },
    async saveRehearsal({ stack, environment, service, version }, rehearsal, entry) {
      const sql = `UPDATE versions SET rehearsal = ?
        WHERE stack = ? AND environment = ? AND service = ? AND version = ?`
      withEntry(entry, () => run(sql, JSON.stringify(rehearsal), stack, environment, service, version))
    },
    async versions(scope, service) {
      const sql = `SELECT * FROM versions WHERE stack = ? AND environment = ? AND service = coalesce(?, service)
        ORDER BY last_run_at_ms DESC, version`
      return all(sql, scope.stack, scope.environment, service ?? null).map(toVersion)
    },

    append(entry) {
      return new Promise((resolve, reject) => {
        if (gathered.push({ entry, resolve, reject }) === 1) setImmediate(commitGathered)
      })
    },
    async entries(filter) {
      const { where, values } = entriesWhere(filter)
      const newest = `SELECT * FROM entries WHERE ${where} ORDER BY sequence DESC LIMIT ?`
      return all(newest, ...values, filter.last ?? -1)
        .map(toEntry)
        .toReversed()
    },
    async openIntents() {
      return all(openIntentsSql).map(toEntry)
    },
    async leaves(from, limit) {
      const sql = `SELECT leaf FROM entries WHERE sequence >= ?1 AND EXISTS (SELECT 1 FROM entries WHERE sequence = ?1)
        ORDER BY sequence LIMIT ?2`
      return all(sql, from, limit).map(toLeaf)
    },
    async size() {
      return toSize(returned('SELECT coalesce(max(sequence) + 1, 0) AS size FROM entries'))
    },
    async forget(before) {
      // The newest stays: it says how many there were.
      run('DELETE FROM entries WHERE sequence < min(?, (SELECT max(sequence) FROM entries))', before)
    },

    async restart(entry) {
      inOrder(() => {
        run('DELETE FROM entries')
        insertEntry(entry)
      })
    },

    async close() {
      commitGathered()
      database.close()
    },
  }
}

/** A consistent copy of a store that may be in use, in a file that is not there yet. */
export async function copySqliteStore(file: string, to: string): Promise<void> {
  translated(file, () => {
    using database = new DatabaseSync(file, { timeout: 5_000 })
    database.prepare('VACUUM INTO ?').run(to)
  })
}

function open(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 5_000 })
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
  migrate(database, file)
  return database
}
