import { sql, type RawBuilder } from 'kysely';

/**
 * What a step's results are like, as a short text that changes whenever a frame comes to a result or loses one: its counts,
 * and the seconds of all accepted frames, which grow with each one.
 * @param steps the name of the table in the query
 */
export function stepMark(steps: string): RawBuilder<string> {
  const s = sql.ref(steps);
  return sql<string>`concat_ws('/', ${s}.done, ${s}.failed, ${s}.skipped, ${s}.cancelled, ${s}.held, ${s}.seconds_done)`;
}
