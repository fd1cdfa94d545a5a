/** The tables. A form that was released once stays as it is here: migrations begin from it. */
export const firstForm = `
  CREATE TABLE releases (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    stack TEXT NOT NULL, environment TEXT NOT NULL,
    release TEXT NOT NULL, decision TEXT NOT NULL, reason TEXT NOT NULL, by TEXT NOT NULL, at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX releases_scope ON releases (stack, environment, sequence);

  CREATE TABLE rollouts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    stack TEXT NOT NULL, environment TEXT NOT NULL, service TEXT NOT NULL,
    from_version TEXT, to_version TEXT NOT NULL, started_at_ms INTEGER NOT NULL,
    state TEXT NOT NULL, reason TEXT, logs TEXT, ended_at_ms INTEGER
  ) STRICT;
  CREATE INDEX rollouts_fleet ON rollouts (stack, environment, service, id);
  CREATE INDEX rollouts_running ON rollouts (state) WHERE state = 'running';

  CREATE TABLE versions (
    stack TEXT NOT NULL, environment TEXT NOT NULL, service TEXT NOT NULL, version TEXT NOT NULL,
    spec TEXT NOT NULL, image_name TEXT NOT NULL,
    first_run_at_ms INTEGER NOT NULL, last_run_at_ms INTEGER NOT NULL, state TEXT NOT NULL,
    PRIMARY KEY (stack, environment, service, version)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL, stack TEXT NOT NULL, environment TEXT NOT NULL,
    service TEXT, instance TEXT, version TEXT, kind TEXT NOT NULL, message TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_scope ON events (stack, environment, sequence);
  CREATE INDEX events_kind ON events (kind, sequence);
`

/** Of the second form: the entries of the ledger, in the place of events. */
export const entriesTable = `
  CREATE TABLE entries (
    sequence INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL, kind TEXT NOT NULL, by TEXT NOT NULL, message TEXT NOT NULL,
    stack TEXT, environment TEXT, service TEXT, instance TEXT, version TEXT,
    operation INTEGER, release TEXT, before INTEGER, previous TEXT, lines TEXT, leaf BLOB NOT NULL
  ) STRICT;
  CREATE INDEX entries_scope ON entries (stack, environment, sequence);
  CREATE INDEX entries_kind ON entries (kind, sequence);
`

/** Of the third form: how far rollouts have come and what they keep, refusals, and what is known of versions beside. */
export const thirdForm = `
  ALTER TABLE rollouts ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE rollouts ADD COLUMN stage INTEGER;
  ALTER TABLE rollouts ADD COLUMN paused_at_ms INTEGER;
  ALTER TABLE rollouts ADD COLUMN is_promoted INTEGER;
  ALTER TABLE rollouts ADD COLUMN is_switch INTEGER;
  ALTER TABLE rollouts ADD COLUMN warm_until_ms INTEGER;
  CREATE INDEX rollouts_warm ON rollouts (id) WHERE warm_until_ms IS NOT NULL;
  UPDATE rollouts SET sequence = coalesce((
    SELECT max(sequence) FROM releases
    WHERE releases.stack = rollouts.stack AND releases.environment = rollouts.environment
      AND releases.at_ms = rollouts.started_at_ms AND releases.decision <> 'abort'
  ), 0);

  ALTER TABLE versions ADD COLUMN labels TEXT;
  ALTER TABLE versions ADD COLUMN rehearsal TEXT;

  CREATE TABLE refusals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    stack TEXT NOT NULL, environment TEXT NOT NULL, service TEXT, what TEXT NOT NULL,
    reason TEXT NOT NULL, by TEXT NOT NULL, at_ms INTEGER NOT NULL, is_recall INTEGER, lifted TEXT
  ) STRICT;
`
