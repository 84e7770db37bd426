import { DEFAULT_DAYS, type RetentionSubject } from '../../shared/contracts/retention.ts';
import type { Ledger } from '../../shared/database/connect.ts';

/** For how many days something is kept; null: for ever. */
export type RetentionDays = (what: RetentionSubject, project?: string) => number | null;

/** What was set for the project, else for the farm, else what is so from the beginning. */
export async function readRetention(ledger: Ledger): Promise<RetentionDays> {
  const rows = await ledger.selectFrom('retention').selectAll().execute();
  const rules = new Map(rows.map(({ what, project, days }) => [`${what}/${project}`, days]));
  return (what, project = '') => {
    for (const name of [project, '']) {
      const days = rules.get(`${what}/${name}`);
      if (days !== undefined) return days;
    }
    return DEFAULT_DAYS[what];
  };
}
