import { sql, type Kysely } from 'kysely';

/** Requirements, shares, limits, dependencies frame by frame, held steps, and what people do with workers. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE jobs
    ADD COLUMN preempt boolean NOT NULL DEFAULT false,
    ADD COLUMN limit_running integer CHECK (limit_running > 0)`.execute(db);

  await sql`ALTER TABLE steps
    ADD COLUMN engine_version text,
    ADD COLUMN chunk text NOT NULL DEFAULT 'auto',
    ADD COLUMN target_seconds double precision NOT NULL DEFAULT 30,
    ADD COLUMN hold_reason text,
    ADD COLUMN hold_allowed boolean NOT NULL DEFAULT true,
    ADD COLUMN retry_at timestamptz,
    ADD COLUMN sweep text CHECK (sweep IN ('cancel', 'revive', 'hold', 'let-go')),
    ADD COLUMN sweep_after integer`.execute(db);
  await sql`CREATE INDEX steps_sweep ON steps (key) WHERE sweep IS NOT NULL`.execute(db);
  await sql`UPDATE steps SET chunk = spec->>'chunk', target_seconds = (spec->>'targetSeconds')::float8,
    spec = spec || '{"requires": {"engineVersion": null, "cores": null, "memoryBytes": null, "gpus": 0, "tags": [], "site": null,
      "preferSite": null}, "licences": [], "previewFrames": 0}'::jsonb`.execute(db);

  await sql`ALTER TABLE step_dependencies
    ADD COLUMN kind text NOT NULL DEFAULT 'all' CHECK (kind IN ('all', 'frame')),
    ADD COLUMN frame_offset integer NOT NULL DEFAULT 0,
    ADD COLUMN frame_window integer NOT NULL DEFAULT 0 CHECK (frame_window >= 0)`.execute(db);
  await sql`CREATE TABLE job_dependencies (
    job_id text NOT NULL REFERENCES jobs ON DELETE CASCADE,
    depends_on text NOT NULL REFERENCES jobs ON DELETE CASCADE,
    PRIMARY KEY (job_id, depends_on)
  )`.execute(db);
  await sql`CREATE INDEX job_dependencies_reverse ON job_dependencies (depends_on)`.execute(db);

  await sql`ALTER TABLE frames
    ADD COLUMN losses smallint NOT NULL DEFAULT 0,
    ADD COLUMN memory_bytes bigint`.execute(db);
  await sql`CREATE INDEX frames_ready_bigger ON frames (step_key, memory_bytes)
    WHERE state = 'ready' AND memory_bytes IS NOT NULL`.execute(db);
  // What is ready but not for everybody or not yet: few, and counted apart at each round of dispatch.
  await sql`CREATE INDEX frames_ready_special ON frames (step_key)
    WHERE state = 'ready' AND (retry_at IS NOT NULL OR memory_bytes IS NOT NULL)`.execute(db);
  await sql`CREATE INDEX frames_waiting ON frames (step_key, number) WHERE state = 'waiting'`.execute(db);

  await sql`ALTER TABLE tasks
    ADD COLUMN slots integer NOT NULL DEFAULT 1,
    ADD COLUMN gpus integer NOT NULL DEFAULT 0,
    ADD COLUMN reserved_worker text`.execute(db);
  await sql`ALTER TABLE attempts ADD COLUMN frame integer`.execute(db);

  // Failures of a step by what they say, until it has brought its first frame or was let go.
  await sql`CREATE TABLE step_failures (
    step_key bigint NOT NULL REFERENCES steps ON DELETE CASCADE,
    fingerprint text NOT NULL,
    worker text NOT NULL,
    number integer NOT NULL,
    message text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (step_key, fingerprint, worker, number)
  )`.execute(db);

  await sql`CREATE TABLE job_notes (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id text NOT NULL REFERENCES jobs ON DELETE CASCADE,
    author text NOT NULL,
    text text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
  )`.execute(db);
  // What a repeated request is answered with.
  await sql`ALTER TABLE job_events ADD COLUMN outcome jsonb`.execute(db);
  await sql`CREATE INDEX job_notes_job ON job_notes (job_id, key)`.execute(db);
  await sql`INSERT INTO job_notes (job_id, author, text, at)
    SELECT id, owner, document->>'note', submitted_at FROM jobs WHERE document ? 'note'`.execute(db);

  await sql`ALTER TABLE workers
    ADD COLUMN pause jsonb,
    ADD COLUMN timetable text`.execute(db);
  await sql`CREATE TABLE worker_failures (
    worker text NOT NULL,
    step_key bigint NOT NULL,
    number integer NOT NULL,
    host_failures integer NOT NULL DEFAULT 0,
    message text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (worker, step_key, number)
  )`.execute(db);
  await sql`CREATE TABLE farm_events (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id text UNIQUE,
    verb text NOT NULL,
    subject text NOT NULL,
    actor text NOT NULL,
    message text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
  )`.execute(db);
  await sql`CREATE INDEX farm_events_subject ON farm_events (subject, key)`.execute(db);

  await sql`CREATE TABLE limits (
    kind text NOT NULL CHECK (kind IN ('project', 'owner', 'engine', 'licence')),
    name text NOT NULL,
    running integer NOT NULL CHECK (running >= 0),
    lowered_to integer,
    lowered_until timestamptz,
    PRIMARY KEY (kind, name)
  )`.execute(db);
  await sql`CREATE TABLE shares (
    kind text NOT NULL CHECK (kind IN ('project', 'owner')),
    name text NOT NULL,
    weight double precision NOT NULL CHECK (weight > 0),
    PRIMARY KEY (kind, name)
  )`.execute(db);
  await sql`CREATE TABLE guarantees (
    project text NOT NULL,
    pool text NOT NULL,
    slots integer NOT NULL CHECK (slots > 0),
    PRIMARY KEY (project, pool)
  )`.execute(db);
  // Of the farm where the project is empty.
  await sql`CREATE TABLE engine_versions (
    engine text NOT NULL,
    project text NOT NULL DEFAULT '',
    range text NOT NULL,
    PRIMARY KEY (engine, project)
  )`.execute(db);
}
