/** The rollouts in SQLite. What may be asked for on the way back to a warm version has an index. */
import type { FleetKey } from '../../model/stack.ts'
import type { ReleaseRecord, RolloutChange, RolloutEnd, RolloutRecord, RolloutStart } from '../store.ts'
import { toRollout } from './rows.ts'
import type { Statements } from './statements.ts'

export function rolloutTable({ run, all, returned }: Statements) {
  return {
    start({ release, sequence, atMs }: ReleaseRecord, { service, from, to, isSwitch }: RolloutStart): RolloutRecord {
      const sql = `INSERT INTO rollouts
        (stack, environment, service, sequence, from_version, to_version, started_at_ms, is_switch, state)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'running') RETURNING *`
      const key = [release.stack, release.environment, service] as const
      return toRollout(returned(sql, ...key, sequence, from, to, atMs, isSwitch ? 1 : null))
    },
    end({ id, state, reason, logs, endedAtMs, warmUntilMs }: RolloutEnd): void {
      const sql = `UPDATE rollouts SET state = ?, reason = ?, logs = ?, ended_at_ms = ?, warm_until_ms = ? WHERE id = ?`
      run(sql, state, reason ?? null, logs ? JSON.stringify(logs) : null, endedAtMs, warmUntilMs ?? null, id)
    },
    change({ id, stage, isPromoted, pausedAtMs }: RolloutChange): void {
      const sql = `UPDATE rollouts SET stage = coalesce(?, stage), is_promoted = coalesce(?, is_promoted),
        paused_at_ms = iif(?, ?, paused_at_ms) WHERE id = ?`
      const pause = [pausedAtMs === undefined ? 0 : 1, pausedAtMs ?? null] as const
      run(sql, stage ?? null, isPromoted ? 1 : null, ...pause, id)
    },
    cool(id: number): void {
      run('UPDATE rollouts SET warm_until_ms = NULL WHERE id = ?', id)
    },
    running(): readonly RolloutRecord[] {
      return all("SELECT * FROM rollouts WHERE state = 'running' ORDER BY id").map(toRollout)
    },
    warm(): readonly RolloutRecord[] {
      const sql = "SELECT * FROM rollouts WHERE warm_until_ms IS NOT NULL AND state = 'succeeded' ORDER BY id"
      return all(sql).map(toRollout)
    },
    of({ stack, environment, service }: FleetKey, limit: number): readonly RolloutRecord[] {
      const sql = 'SELECT * FROM rollouts WHERE stack = ? AND environment = ? AND service = ? ORDER BY id DESC LIMIT ?'
      return all(sql, stack, environment, service, limit).map(toRollout)
    },
  }
}
