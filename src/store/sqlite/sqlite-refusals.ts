/** The refusals in SQLite. */
import type { Lifted, NewRefusal, Refusal } from '../../model/refusal.ts'
import { toRefusal } from './rows.ts'
import type { Statements } from './statements.ts'

export function refusalTable({ run, all, returned }: Statements) {
  return {
    add({ stack, environment, service, what, reason, by, atMs, isRecall }: NewRefusal): Refusal {
      const sql = `INSERT INTO refusals (stack, environment, service, what, reason, by, at_ms, is_recall)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING *`
      const where = [stack, environment, service ?? null] as const
      return toRefusal(returned(sql, ...where, JSON.stringify(what), reason, by, atMs, isRecall ? 1 : null))
    },
    lift(id: number, { by, reason, atMs }: Lifted): void {
      run('UPDATE refusals SET lifted = ? WHERE id = ?', JSON.stringify({ by, reason, atMs }), id)
    },
    newestFirst(): readonly Refusal[] {
      return all('SELECT * FROM refusals ORDER BY id DESC').map(toRefusal)
    },
  }
}
