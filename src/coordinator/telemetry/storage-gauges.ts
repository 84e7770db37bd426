import { Gauge, type Registry } from 'prom-client';
import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';

/** What the bucket held when it was walked last, and how many deleted jobs there are still something of. */
export function watchStorage(registry: Registry, ledger: Ledger): void {
  areaGauge(registry, ledger, 'farm_storage_bytes', 'Bytes in the bucket, as it was walked last.', 'bytes');
  areaGauge(
    registry,
    ledger,
    'farm_storage_unreferenced_bytes',
    'Of these, bytes that nothing points to any more.',
    'garbageBytes',
  );
  areaGauge(
    registry,
    ledger,
    'farm_storage_removal_errors',
    'Objects that the last walk could not remove.',
    'errors',
  );
  new Gauge({
    name: 'farm_bin_jobs',
    help: 'Deleted jobs whose results are still there.',
    registers: [registry],
    async collect() {
      const { rows } = await sql<{ jobs: number }>`
        SELECT count(*)::int AS jobs FROM jobs WHERE binned_at IS NOT NULL AND erased_at IS NULL`.execute(
        ledger,
      );
      this.set(rows[0]?.jobs ?? 0);
    },
  });
}

function areaGauge(
  registry: Registry,
  ledger: Ledger,
  name: string,
  help: string,
  figure: 'bytes' | 'garbageBytes' | 'errors',
): void {
  new Gauge({
    name,
    help,
    labelNames: ['area'],
    registers: [registry],
    async collect() {
      this.reset();
      const rows = await ledger
        .selectFrom('collections')
        .select(['area', 'last'])
        .where('finished_at', 'is not', null)
        .execute();
      for (const { area, last } of rows) this.set({ area }, last[figure] ?? 0);
    },
  });
}
