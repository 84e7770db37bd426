import { sql } from 'kysely';
import { z } from 'zod';
import type {
  EngineVersion,
  Guarantee,
  Limit,
  Share,
  WorkerEvents,
} from '../../shared/contracts/manage-api.ts';
import { DEFAULT_DAYS, RETENTION_SUBJECTS, type RetentionRule } from '../../shared/contracts/retention.ts';
import type { WorkerOrders } from '../../shared/contracts/messages.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';

const eventCursor = z.tuple([z.string().regex(/^\d{1,18}$/)]);

/** Reads of what wranglers have set, and of what was done with workers. */
export class FarmSettingsQueries {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** With how much of each is used now. */
  async limits(): Promise<Limit[]> {
    const { rows } = await sql<
      Pick<Limit, 'kind' | 'name' | 'running' | 'inUse'> & { to: number | null; until: Date }
    >`
      WITH open AS MATERIALIZED (
        SELECT t.engine, j.project, j.owner, s.spec->'licences' AS licences
        FROM tasks t JOIN jobs j ON j.id = t.job_id JOIN steps s ON s.key = t.step_key WHERE t.state IN ('queued', 'running')
      )
      SELECT kind, name, running, CASE WHEN lowered_until > now() THEN lowered_to END AS to, lowered_until AS until, (
        SELECT count(*)::int FROM open o WHERE CASE l.kind WHEN 'project' THEN o.project = l.name
          WHEN 'owner' THEN o.owner = l.name WHEN 'engine' THEN o.engine = l.name ELSE o.licences ? l.name END
      ) AS "inUse" FROM limits l ORDER BY kind, name`.execute(this.#ledger);
    return rows.map(({ to, until, ...limit }) => ({
      ...limit,
      lowered: to === null ? null : { to, until: until.toISOString() },
    }));
  }

  shares(): Promise<Share[]> {
    return this.#ledger.selectFrom('shares').selectAll().orderBy('kind').orderBy('name').execute();
  }

  guarantees(): Promise<Guarantee[]> {
    return this.#ledger.selectFrom('guarantees').selectAll().orderBy('project').orderBy('pool').execute();
  }

  async engineVersions(): Promise<EngineVersion[]> {
    const rows = await this.#ledger
      .selectFrom('engine_versions')
      .selectAll()
      .orderBy('engine')
      .orderBy('project')
      .execute();
    return rows.map((row) => ({ ...row, project: row.project === '' ? null : row.project }));
  }

  /** What was set, and what is so where nothing was. */
  async retention(): Promise<RetentionRule[]> {
    const rows = await this.#ledger
      .selectFrom('retention')
      .selectAll()
      .orderBy('what')
      .orderBy('project')
      .execute();
    return RETENTION_SUBJECTS.flatMap((what): RetentionRule[] => {
      const set = rows.filter((row) => row.what === what);
      const rules = set.map(({ project, days }): RetentionRule => ({
        what,
        project: project === '' ? null : project,
        days: days ?? 'forever',
        set: true,
      }));
      if (set.some(({ project }) => project === '')) return rules;
      return [{ what, project: null, days: DEFAULT_DAYS[what] ?? 'forever', set: false }, ...rules];
    });
  }

  /** @throws FarmError `not-found` */
  async orders(workerId: string): Promise<WorkerOrders> {
    const row = await this.#ledger
      .selectFrom('workers')
      .select(['pause', 'timetable'])
      .where('id', '=', workerId)
      .executeTakeFirst();
    if (!row) throw new FarmError('not-found', `There is no worker ${workerId}.`);
    return row;
  }

  /** What was done with a worker, newest first. */
  async workerEvents(workerId: string, limit: number, cursor: string | undefined): Promise<WorkerEvents> {
    const after = decodeCursor(eventCursor, cursor);
    const rows = await this.#ledger
      .selectFrom('farm_events')
      .select(['key', 'verb', 'actor', 'message', 'at'])
      .where('subject', '=', workerId)
      .$if(after !== undefined, (query) => query.where('key', '<', after?.[0] ?? ''))
      .orderBy('key', 'desc')
      .limit(limit + 1)
      .execute();
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    return {
      events: page.map(({ verb, actor, message, at }) => ({ verb, actor, message, at: at.toISOString() })),
      next: last ? encodeCursor([last.key]) : null,
    };
  }
}
