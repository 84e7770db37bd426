import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import type { LeaderLease } from '../dispatch/leader-lease.ts';
import { hasJobsToNote } from './named-assets.ts';
import { readRetention } from './retention-days.ts';

/**
 * Removes old versions of templates if there is a rule for it: a newer one has been there for so many days, no job was made
 * with it that is still there, and no batch. The newest version always stays.
 * @returns `<name>@<version>` of those that are gone
 */
export async function collectTemplates(lease: Pick<LeaderLease, 'fence'>, ledger: Ledger): Promise<string[]> {
  const days = (await readRetention(ledger))('templates');
  if (days === null || (await hasJobsToNote(ledger))) return [];
  return ledger.transaction().execute(async (trx) => {
    await lease.fence(trx, []);
    const { rows } = await sql<{ template: string }>`
      DELETE FROM templates t WHERE EXISTS (
          SELECT 1 FROM templates n WHERE n.name = t.name AND n.version > t.version
            AND n.created_at < now() - make_interval(days => ${days})
        )
        AND NOT EXISTS (SELECT 1 FROM job_assets j WHERE j.asset = t.asset)
        AND NOT EXISTS (SELECT 1 FROM asset_uses u WHERE u.sha256 = t.asset AND u.used_at > now() - interval '1 day')
        AND NOT EXISTS (SELECT 1 FROM batches b WHERE b.template = t.name AND b.template_version = t.version)
      RETURNING t.name || '@' || t.version AS template`.execute(trx);
    return rows.map((row) => row.template);
  });
}
