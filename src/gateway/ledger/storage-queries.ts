import { sql } from 'kysely';
import type { Storage, StorageGroup, StorageWalk } from '../../shared/contracts/retention.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { Collected } from '../../shared/database/retention-tables.ts';

/** Every job that ended is looked at; who asks again so soon hears the same. */
const KEPT_MS = 10_000;

const NAMES: Record<StorageGroup, string> = {
  project: 'project',
  owner: 'owner',
  job: 'id',
  template: 'template',
};

/** What storage is used for, from figures that were counted when jobs ended: no frame is read. */
export class StorageQueries {
  readonly #ledger: Ledger;
  readonly #kept = new Map<string, { until: number; storage: Promise<Storage> }>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  storage(by: StorageGroup, limit: number): Promise<Storage> {
    const key = `${by}/${limit}`;
    const kept = this.#kept.get(key);
    if (kept && kept.until > performance.now()) return kept.storage;
    const storage = this.#read(by, limit);
    this.#kept.set(key, { until: performance.now() + KEPT_MS, storage });
    storage.catch(() => this.#kept.delete(key)); // who asked hears why, and the next one asks again
    return storage;
  }

  async #read(by: StorageGroup, limit: number): Promise<Storage> {
    const { rows } = await sql<Storage['groups'][number] & { name: string | null }>`
      SELECT ${sql.ref(NAMES[by])} AS name, count(*)::int AS jobs, COALESCE(sum(files), 0)::float8 AS files,
        COALESCE(sum(bytes), 0)::float8 AS bytes,
        COALESCE(sum(bytes) FILTER (WHERE binned_at IS NOT NULL), 0)::float8 AS "binBytes"
      FROM jobs WHERE erased_at IS NULL AND counted_at IS NOT NULL AND (${by !== 'template'} OR template IS NOT NULL)
      GROUP BY GROUPING SETS ((${sql.ref(NAMES[by])}), ())
      ORDER BY grouping(${sql.ref(NAMES[by])}) DESC, bytes DESC, name LIMIT ${limit + 1}`.execute(
      this.#ledger,
    );
    const [total = { jobs: 0, files: 0, bytes: 0, binBytes: 0 }, ...groups] = rows;
    const { jobs, files, bytes, binBytes } = total;
    return { by, groups, total: { jobs, files, bytes, binBytes }, areas: await this.#areas() };
  }

  async #areas(): Promise<Record<string, StorageWalk>> {
    const rows = await this.#ledger.selectFrom('collections').selectAll().orderBy('area').execute();
    return Object.fromEntries(
      rows.map(({ area, last, error, finished_at }) => [area, toWalk(last, error, finished_at)]),
    );
  }
}

function toWalk(last: Partial<Collected>, error: string | null, at: Date | null): StorageWalk {
  const { objects = 0, bytes = 0, errors = 0 } = last;
  return {
    objects,
    bytes,
    unreferenced: { objects: last.garbageObjects ?? 0, bytes: last.garbageBytes ?? 0 },
    removed: { objects: last.removedObjects ?? 0, bytes: last.removedBytes ?? 0 },
    unknown: { objects: last.unknownObjects ?? 0, bytes: last.unknownBytes ?? 0 },
    errors,
    error,
    at: at?.toISOString() ?? null,
  };
}
