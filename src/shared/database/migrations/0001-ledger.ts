import { sql, type Kysely } from 'kysely';

/** The first ledger. Partial indexes cover only what is open, so that ended jobs cost nothing at dispatch. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TYPE frame_state AS ENUM ('waiting','ready','queued','running','done','failed','held','skipped','cancelled')`.execute(
    db,
  );
  await sql`CREATE TYPE job_state AS ENUM ('queued','running','paused','completed','failed','cancelled','held')`.execute(
    db,
  );

  await sql`CREATE TABLE jobs (
    id text PRIMARY KEY,
    name text NOT NULL,
    owner text NOT NULL,
    project text NOT NULL,
    labels jsonb NOT NULL DEFAULT '{}',
    priority smallint NOT NULL,
    state job_state NOT NULL,
    paused boolean NOT NULL DEFAULT false,
    error text,
    idempotency_key text,
    document jsonb NOT NULL,
    document_sha256 text NOT NULL,
    not_before timestamptz,
    submitted_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    delivered_at timestamptz
  )`.execute(db);
  await sql`CREATE UNIQUE INDEX jobs_idempotency ON jobs (owner, idempotency_key) WHERE idempotency_key IS NOT NULL`.execute(
    db,
  );
  await sql`CREATE INDEX jobs_newest ON jobs (submitted_at DESC, id DESC)`.execute(db);
  await sql`CREATE INDEX jobs_open ON jobs (priority DESC, submitted_at) WHERE state IN ('queued','running','paused','held')`.execute(
    db,
  );

  await sql`CREATE TABLE job_events (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id text NOT NULL REFERENCES jobs ON DELETE CASCADE,
    request_id text,
    kind text NOT NULL,
    actor text NOT NULL,
    message text NOT NULL,
    ok boolean NOT NULL DEFAULT true,
    at timestamptz NOT NULL DEFAULT now()
  )`.execute(db);
  await sql`CREATE INDEX job_events_job ON job_events (job_id, key)`.execute(db);
  await sql`CREATE UNIQUE INDEX job_events_request ON job_events (job_id, request_id) WHERE request_id IS NOT NULL`.execute(
    db,
  );

  await sql`CREATE TABLE steps (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id text NOT NULL REFERENCES jobs ON DELETE CASCADE,
    name text NOT NULL,
    position integer NOT NULL,
    engine text NOT NULL,
    spec jsonb NOT NULL,
    state job_state NOT NULL,
    frame_total integer NOT NULL,
    frames_expanded integer NOT NULL DEFAULT 0,
    entry_state frame_state NOT NULL DEFAULT 'ready',
    entry_error text,
    waiting integer NOT NULL DEFAULT 0 CHECK (waiting >= 0),
    ready integer NOT NULL DEFAULT 0 CHECK (ready >= 0),
    queued integer NOT NULL DEFAULT 0 CHECK (queued >= 0),
    running integer NOT NULL DEFAULT 0 CHECK (running >= 0),
    done integer NOT NULL DEFAULT 0 CHECK (done >= 0),
    failed integer NOT NULL DEFAULT 0 CHECK (failed >= 0),
    held integer NOT NULL DEFAULT 0 CHECK (held >= 0),
    skipped integer NOT NULL DEFAULT 0 CHECK (skipped >= 0),
    cancelled integer NOT NULL DEFAULT 0 CHECK (cancelled >= 0),
    seconds_done double precision NOT NULL DEFAULT 0,
    UNIQUE (job_id, name)
  )`.execute(db);
  await sql`CREATE INDEX steps_open ON steps (job_id) WHERE state IN ('queued','running','paused','held')`.execute(
    db,
  );
  await sql`CREATE INDEX steps_unexpanded ON steps (key) WHERE frames_expanded < frame_total`.execute(db);

  await sql`CREATE TABLE step_dependencies (
    step_key bigint NOT NULL REFERENCES steps ON DELETE CASCADE,
    depends_on bigint NOT NULL REFERENCES steps ON DELETE CASCADE,
    PRIMARY KEY (step_key, depends_on)
  )`.execute(db);
  await sql`CREATE INDEX step_dependencies_reverse ON step_dependencies (depends_on)`.execute(db);

  // No foreign key to steps: its check of each row would be a third of the cost of expanding a large step.
  await sql`CREATE TABLE frames (
    step_key bigint NOT NULL,
    task_key bigint,
    seconds real,
    number integer NOT NULL,
    position integer NOT NULL,
    generation integer NOT NULL DEFAULT 1,
    failures smallint NOT NULL DEFAULT 0,
    state frame_state NOT NULL,
    retry_at timestamptz,
    peak_memory_bytes bigint,
    bytes bigint,
    sha256 bytea,
    attempt text,
    worker text,
    object_key text,
    warnings text[],
    error text,
    PRIMARY KEY (step_key, number)
  ) WITH (fillfactor = 90)`.execute(db);
  await sql`CREATE INDEX frames_ready ON frames (step_key, position) WHERE state = 'ready'`.execute(db);
  await sql`CREATE INDEX frames_failed ON frames (step_key, number) WHERE state IN ('failed','held')`.execute(
    db,
  );

  await sql`CREATE TABLE frame_outputs (
    step_key bigint NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    object_key text NOT NULL,
    bytes bigint NOT NULL,
    sha256 bytea NOT NULL,
    PRIMARY KEY (step_key, number, name),
    FOREIGN KEY (step_key, number) REFERENCES frames ON DELETE CASCADE
  )`.execute(db);

  await sql`CREATE TABLE tasks (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    step_key bigint NOT NULL REFERENCES steps ON DELETE CASCADE,
    job_id text NOT NULL,
    engine text NOT NULL,
    lane text NOT NULL,
    state text NOT NULL CHECK (state IN ('queued','running','ended')),
    outcome text,
    feed integer NOT NULL,
    frames integer[] NOT NULL,
    generations integer[] NOT NULL,
    resume boolean NOT NULL DEFAULT false,
    worker text,
    instance text,
    attempt text,
    created_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    started_at timestamptz,
    ended_at timestamptz
  )`.execute(db);
  await sql`CREATE INDEX tasks_step ON tasks (step_key) WHERE state IN ('queued','running')`.execute(db);
  await sql`CREATE INDEX tasks_open ON tasks (lane) WHERE state IN ('queued','running')`.execute(db);
  await sql`CREATE INDEX tasks_open_job ON tasks (job_id) WHERE state IN ('queued','running')`.execute(db);
  await sql`CREATE INDEX tasks_running_worker ON tasks (worker) WHERE state = 'running'`.execute(db);

  await sql`CREATE TABLE attempts (
    id text PRIMARY KEY,
    task_key bigint NOT NULL REFERENCES tasks ON DELETE CASCADE,
    job_id text NOT NULL,
    worker text NOT NULL,
    instance text NOT NULL,
    outcome text,
    class text,
    error text,
    frames_done integer NOT NULL DEFAULT 0,
    log_key text,
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
  )`.execute(db);
  await sql`CREATE INDEX attempts_job ON attempts (job_id, started_at)`.execute(db);

  await sql`CREATE TABLE workers (
    id text PRIMARY KEY,
    instance text NOT NULL,
    host text NOT NULL,
    group_id text NOT NULL,
    slots integer NOT NULL,
    engines jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('online','lost','offline')),
    heartbeat jsonb NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now()
  )`.execute(db);

  await sql`CREATE TABLE lanes (
    id text PRIMARY KEY,
    group_id text NOT NULL,
    slots integer NOT NULL,
    engines jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
  )`.execute(db);

  await sql`CREATE TABLE templates (
    name text NOT NULL,
    version integer NOT NULL,
    engine text NOT NULL,
    label text NOT NULL,
    asset text NOT NULL,
    scene_path text NOT NULL,
    schema jsonb NOT NULL,
    slots jsonb NOT NULL,
    defaults jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, version)
  )`.execute(db);

  await sql`CREATE TABLE assets (
    sha256 text PRIMARY KEY,
    files integer NOT NULL,
    bytes bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
  )`.execute(db);

  await sql`CREATE TABLE leases (
    name text PRIMARY KEY,
    holder text NOT NULL,
    epoch bigint NOT NULL,
    expires_at timestamptz NOT NULL
  )`.execute(db);
}
