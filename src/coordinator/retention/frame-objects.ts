import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import type { FrameState } from '../../shared/domain/states.ts';
import type { ListedObject } from '../../shared/storage/bucket.ts';
import { parsePreviewKey, parseResultKey } from '../../shared/storage/keys.ts';

/** What becomes of an object of a job. */
export type ObjectFate = 'kept' | 'garbage' | 'unknown';

const DAY_MS = 86_400_000;
/**
 * An attempt whose frame failed, was skipped or cancelled may still report from a machine that was cut off, and a job that
 * goes on again then takes its result. After so long nobody does.
 */
export const UNDECIDED_DAYS = 30;

/** What the ledger says about the frame that an object was made for. */
export interface FrameFacts {
  state: FrameState;
  generation: number;
  attempt: string | null;
  /** The frame, one of its outputs or the history of its verdicts points to the object or to its attempt. */
  pointedTo: boolean;
}

/**
 * Whether an object of a frame can be removed. Only what is certain is: a frame that is done has its result, and those of
 * other attempts are refused from then on; an open or held frame may still take any.
 * @param made what the key says of it: an attempt's result, or a preview of a generation
 * @param days how old the object is, and how old it must be
 */
export function fateOf(
  facts: FrameFacts,
  made: { attempt: string } | { generation: number },
  days: { old: number; least: number },
): ObjectFate {
  if (facts.pointedTo || days.old < days.least) return 'kept';
  if ('generation' in made)
    return facts.state === 'done' && made.generation < facts.generation ? 'garbage' : 'kept';
  if (facts.state === 'done') return made.attempt === facts.attempt ? 'kept' : 'garbage';
  const decided = facts.state === 'failed' || facts.state === 'skipped' || facts.state === 'cancelled';
  return decided && days.old >= UNDECIDED_DAYS ? 'garbage' : 'kept';
}

/** What becomes of each of these objects, in their order. @param leastDays how old an attempt's object must be */
export async function fatesOf(
  ledger: Ledger,
  objects: readonly ListedObject[],
  leastDays: number,
): Promise<ObjectFate[]> {
  const now = Date.now();
  const parsed = objects.map((object) => ({ object, made: madeFor(object.key) }));
  const jobs = await readJobs(ledger, [...new Set(objects.map(({ key }) => jobOf(key)))]);
  const open = parsed.flatMap(({ made, object }) =>
    made && jobs.get(made.jobId) === 'there' ? [{ ...made, key: object.key }] : [],
  );
  const facts = await readFacts(ledger, open);
  return parsed.map(({ object, made }): ObjectFate => {
    const job = jobs.get(jobOf(object.key));
    const old = (now - object.writtenAt.getTime()) / DAY_MS;
    if (job === undefined) return 'unknown';
    if (job === 'erased') return old >= 1 ? 'garbage' : 'kept';
    const frame = facts.get(object.key);
    // Other pictures of a job, and its logs, go with it.
    if (!made || !frame) return 'kept';
    return fateOf(frame, made, { old, least: leastDays });
  });
}

type Made = { jobId: string; step: string; frame: number } & ({ attempt: string } | { generation: number });

const madeFor = (key: string): Made | undefined => parseResultKey(key) ?? parsePreviewKey(key);

const jobOf = (key: string): string => key.split('/')[1] ?? '';

async function readJobs(ledger: Ledger, ids: readonly string[]): Promise<Map<string, 'there' | 'erased'>> {
  const rows = await ledger
    .selectFrom('jobs')
    .select(['id', 'erased_at'])
    .where('id', '=', sql<string>`ANY(${[...ids]})`)
    .execute();
  return new Map(rows.map(({ id, erased_at }) => [id, erased_at ? 'erased' : 'there']));
}

async function readFacts(
  ledger: Ledger,
  made: readonly (Made & { key: string })[],
): Promise<Map<string, FrameFacts>> {
  if (made.length === 0) return new Map();
  const attempts = made.map((one) => ('attempt' in one ? one.attempt : null));
  const { rows } = await sql<FrameFacts & { key: string }>`
    SELECT i.key, f.state, f.generation, f.attempt, (
      f.object_key = i.key
      OR EXISTS (SELECT 1 FROM frame_outputs o WHERE o.step_key = s.key AND o.number = i.frame AND o.object_key = i.key)
      OR EXISTS (SELECT 1 FROM judged_attempts a WHERE a.step_key = s.key AND a.number = i.frame
        AND (a.object_key = i.key OR a.attempt = i.attempt))
    ) IS TRUE AS "pointedTo"
    FROM unnest(${made.map((one) => one.key)}::text[], ${made.map((one) => one.jobId)}::text[],
      ${made.map((one) => one.step)}::text[], ${made.map((one) => one.frame)}::int[], ${attempts}::text[]
    ) AS i(key, job_id, step, frame, attempt)
    JOIN steps s ON s.job_id = i.job_id AND s.name = i.step
    CROSS JOIN LATERAL (
      SELECT state, generation, attempt, object_key FROM frames WHERE step_key = s.key AND number = i.frame OFFSET 0
    ) f`.execute(ledger);
  return new Map(rows.map(({ key, ...facts }) => [key, facts]));
}
