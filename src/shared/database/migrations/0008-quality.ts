import { sql, type Kysely } from 'kysely';

/** Verdicts on results, what was measured of them, and the history of attempts that a later one has taken the place of. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE frames
    ADD COLUMN verdict text,
    ADD COLUMN findings jsonb,
    ADD COLUMN avoid_worker text`.execute(db);
  // Every row has none yet: looking through all of them would only hold the table locked.
  await sql`ALTER TABLE frames ADD CONSTRAINT frames_verdict_check
    CHECK (verdict IN ('pass', 'unchecked', 'warn', 'fail', 'hold')) NOT VALID`.execute(db);
  await sql`CREATE INDEX frames_found ON frames (step_key, number) WHERE verdict IN ('warn', 'fail', 'hold')`.execute(
    db,
  );
  // Those that wait for a person's decision.
  await sql`CREATE INDEX frames_undecided ON frames (step_key, number) WHERE state = 'held' AND verdict IS NOT NULL`.execute(
    db,
  );
  // What is ready but not for everybody or not yet now includes what another worker is to render.
  await sql`DROP INDEX frames_ready_special`.execute(db);
  await sql`CREATE INDEX frames_ready_special ON frames (step_key)
    WHERE state = 'ready' AND (retry_at IS NOT NULL OR memory_bytes IS NOT NULL OR avoid_worker IS NOT NULL)`.execute(
    db,
  );
  await sql`CREATE INDEX frames_ready_elsewhere ON frames (step_key, avoid_worker)
    WHERE state = 'ready' AND avoid_worker IS NOT NULL`.execute(db);

  await sql`ALTER TABLE steps
    DROP CONSTRAINT steps_sweep_check,
    ADD CONSTRAINT steps_sweep_check
      CHECK (sweep IN ('cancel', 'revive', 'hold', 'let-go', 'retry', 'remake', 'skip', 'wait', 'accept')),
    ADD COLUMN judge_due integer NOT NULL DEFAULT 0`.execute(db);
  await sql`CREATE INDEX steps_judge_due ON steps (key) WHERE judge_due > 0`.execute(db);

  // Of results that were decoded only: frames without files have no row.
  await sql`CREATE TABLE frame_quality (
    step_key bigint NOT NULL,
    number integer NOT NULL,
    generation integer NOT NULL,
    measures jsonb,
    pixels bytea,
    thumbnail bytea,
    PRIMARY KEY (step_key, number)
  )`.execute(db);

  await sql`CREATE TABLE judged_attempts (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    step_key bigint NOT NULL,
    number integer NOT NULL,
    generation integer NOT NULL,
    attempt text,
    worker text,
    verdict text,
    findings jsonb NOT NULL DEFAULT '[]',
    measures jsonb,
    pixels bytea,
    thumbnail bytea,
    object_key text,
    judged_at timestamptz NOT NULL DEFAULT now(),
    decision text CHECK (decision IN ('rendered-again', 'held', 'settled', 'accepted', 'retried', 'skipped')),
    decided_by text,
    note text,
    decided_at timestamptz,
    difference real,
    differs_attempt text,
    differs_worker text
  )`.execute(db);
  await sql`CREATE INDEX judged_attempts_frame ON judged_attempts (step_key, number, key)`.execute(db);
  await sql`CREATE INDEX judged_attempts_differ ON judged_attempts (step_key, number) WHERE difference IS NOT NULL`.execute(
    db,
  );
}
