import { sql, type Kysely } from 'kysely';

/** The bin, what is kept for how long, which objects are in use, and how much storage jobs take. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // A deleted job is in the bin until `erase_at`; then its results and rows go, and this row stays for good.
  await sql`ALTER TABLE jobs
    ADD COLUMN kept boolean NOT NULL DEFAULT false,
    ADD COLUMN binned_at timestamptz,
    ADD COLUMN binned_by text,
    ADD COLUMN restored_at timestamptz,
    ADD COLUMN erase_at timestamptz,
    ADD COLUMN erasing boolean NOT NULL DEFAULT false,
    ADD COLUMN erase_error text,
    ADD COLUMN erased_at timestamptz,
    ADD COLUMN assets_noted boolean NOT NULL DEFAULT false,
    ADD COLUMN template text,
    ADD COLUMN files bigint,
    ADD COLUMN bytes bigint,
    ADD COLUMN counted_at timestamptz`.execute(db);
  await sql`CREATE INDEX jobs_bin ON jobs (binned_at DESC, id DESC) WHERE binned_at IS NOT NULL AND erased_at IS NULL`.execute(
    db,
  );
  await sql`CREATE INDEX jobs_to_erase ON jobs (erase_at) WHERE erase_at IS NOT NULL AND erased_at IS NULL`.execute(
    db,
  );
  await sql`CREATE INDEX jobs_expiring ON jobs (finished_at) WHERE finished_at IS NOT NULL AND binned_at IS NULL AND NOT kept`.execute(
    db,
  );
  await sql`CREATE INDEX jobs_not_counted ON jobs (finished_at)
    WHERE finished_at IS NOT NULL AND (counted_at IS NULL OR counted_at < finished_at)`.execute(db);
  await sql`CREATE INDEX jobs_not_noted ON jobs (submitted_at) WHERE NOT assets_noted`.execute(db);

  // Tasks of a job that is erased are found and removed. Nothing else ever removes tasks, and without an index on attempts
  // each removal would read all of them to find those that refer to it.
  await sql`CREATE INDEX tasks_ended_job ON tasks (job_id) WHERE state = 'ended'`.execute(db);
  await sql`ALTER TABLE attempts DROP CONSTRAINT attempts_task_key_fkey`.execute(db);

  // Days; NULL: for ever. Of the whole farm where the project is empty.
  await sql`CREATE TABLE retention (
    what text NOT NULL CHECK (what IN ('completed', 'failed', 'cancelled', 'bin', 'attempts', 'assets', 'templates')),
    project text NOT NULL DEFAULT '',
    days integer CHECK (days > 0),
    PRIMARY KEY (what, project)
  )`.execute(db);

  // What each job names: assets, and whatever else looks like the hash of one.
  await sql`CREATE TABLE job_assets (
    job_id text NOT NULL REFERENCES jobs ON DELETE CASCADE,
    asset text NOT NULL,
    PRIMARY KEY (asset, job_id)
  )`.execute(db);
  await sql`CREATE INDEX job_assets_job ON job_assets (job_id)`.execute(db);
  // The objects that registered assets consist of, read from their manifests once.
  await sql`CREATE TABLE asset_manifests (
    asset text PRIMARY KEY,
    read_at timestamptz NOT NULL DEFAULT now()
  )`.execute(db);
  await sql`CREATE TABLE asset_objects (
    object text NOT NULL,
    asset text NOT NULL REFERENCES asset_manifests ON DELETE CASCADE,
    PRIMARY KEY (object, asset)
  )`.execute(db);
  await sql`CREATE INDEX asset_objects_asset ON asset_objects (asset)`.execute(db);
  // When somebody uploaded an object or asked for it last. While one is being removed, nobody is told that it is there.
  await sql`CREATE TABLE asset_uses (
    sha256 text PRIMARY KEY,
    used_at timestamptz NOT NULL DEFAULT now(),
    removing_until timestamptz
  )`.execute(db);
  await sql`INSERT INTO asset_uses (sha256) SELECT sha256 FROM assets`.execute(db);

  // How far the bucket has been walked, and what the last whole walk found.
  await sql`CREATE TABLE collections (
    area text PRIMARY KEY,
    cursor text,
    started_at timestamptz,
    finished_at timestamptz,
    found jsonb NOT NULL DEFAULT '{}',
    last jsonb NOT NULL DEFAULT '{}',
    error text
  )`.execute(db);
}
