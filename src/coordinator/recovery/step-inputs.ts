import type { InputsReply, InputsRequest } from '../../shared/contracts/messages.ts';
import type { Ledger } from '../../shared/database/connect.ts';

/** More frames without a result than these are not named one by one. */
const MOST_MISSING = 10_000;

/** A page of a step's accepted frames, ascending by number; where that is asked for, with those that are not there. */
export async function readInputs(
  ledger: Ledger,
  request: InputsRequest,
): Promise<Extract<InputsReply, { files: unknown }>> {
  const frames = ledger
    .selectFrom('frames')
    .innerJoin('steps', 'steps.key', 'frames.step_key')
    .where('steps.job_id', '=', request.jobId)
    .where('steps.name', '=', request.step)
    .$if(request.after !== null, (query) => query.where('frames.number', '>', request.after ?? 0));
  const rows = await frames
    .select(['frames.number', 'frames.object_key', 'frames.bytes', 'frames.sha256'])
    .where('frames.state', '=', 'done')
    .where('frames.object_key', 'is not', null)
    .orderBy('frames.number')
    .limit(request.limit + 1)
    .execute();
  const files = rows.slice(0, request.limit).flatMap((row) =>
    row.object_key === null || row.sha256 === null
      ? []
      : [
          {
            frame: row.number,
            key: row.object_key,
            bytes: Number(row.bytes ?? 0),
            sha256: row.sha256.toString('hex'),
          },
        ],
  );
  const more = rows.length > request.limit;
  if (request.withMissing === undefined) return { files, more };
  const last = more ? files.at(-1)?.frame : undefined;
  const missing = await frames
    .select('frames.number')
    .where('frames.state', '<>', 'done')
    .$if(last !== undefined, (query) => query.where('frames.number', '<', last ?? 0))
    .orderBy('frames.number')
    .limit(MOST_MISSING)
    .execute();
  return { files, more, missing: missing.map(({ number }) => number) };
}
