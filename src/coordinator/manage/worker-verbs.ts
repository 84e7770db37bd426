import type { WorkerPause } from '../../shared/contracts/messages.ts';
import { FarmError, InvalidInputError, describeValue } from '../../shared/domain/errors.ts';
import { TIMETABLE_RULE, parseTimetable } from '../../shared/domain/timetable.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import { count, named, type Managed, type RequestOf } from './managed.ts';

interface AskedWorker {
  id: string;
  state: 'online' | 'lost' | 'offline';
  pause: WorkerPause | null;
  timetable: string | null;
}

/** Takes no further tasks, and finishes those in hand. */
export async function pauseWorkers(
  trx: LedgerTransaction,
  request: RequestOf<'worker-pause'>,
): Promise<Managed> {
  const workers = await askedWorkers(trx, request.workers);
  const reason = request.reason ?? `${request.by ?? 'Somebody'} paused it.`;
  const pause: WorkerPause = { by: 'wrangler', reason, until: null };
  const changing = workers.filter(
    (worker) => worker.pause?.by !== 'wrangler' || worker.pause.reason !== reason,
  );
  const under = tasksText(await tasksOf(trx, changing), 'finished first');
  return {
    ...sentences(workers, changing, {
      would: (names) => `Pauses ${names}${under}.`,
      did: (names) => `Paused ${names}${under}.`,
      already: (names, one) => `${names} ${one ? 'is' : 'are'} paused already.`,
    }),
    write: (writing) => setPause(writing, changing, pause),
  };
}

/** Ends a pause, a give-back or a quarantine; what a quarantine was for is forgotten. */
export async function resumeWorkers(
  trx: LedgerTransaction,
  request: RequestOf<'worker-resume'>,
): Promise<Managed> {
  const workers = await askedWorkers(trx, request.workers);
  const changing = workers.filter((worker) => worker.pause !== null);
  const why = changing.map(({ id, pause }) => `${id}: ${WHAT_ENDS[pause?.by ?? 'wrangler']}`);
  const ended = why.length === 0 || why.length > 5 ? '' : ` (${why.join('; ')})`;
  return {
    ...sentences(workers, changing, {
      would: (names) => `Lets ${names} work again${ended}.`,
      did: (names, one) => `${names} ${one ? 'works' : 'work'} again${ended}.`,
      already: (names, one) => `${names} ${one ? 'was' : 'were'} not paused.`,
    }),
    write: async (writing) => {
      await setPause(writing, changing, null);
      await writing.deleteFrom('worker_failures').where('worker', 'in', idsOf(changing)).execute();
    },
  };
}

const WHAT_ENDS: Record<WorkerPause['by'], string> = {
  wrangler: 'it was paused',
  owner: 'it was with its owner',
  quarantine: 'it was in quarantine',
  timetable: 'it was outside its timetable',
};

/** Finishes what it has and ends its process. */
export async function drainWorkers(
  trx: LedgerTransaction,
  request: RequestOf<'worker-drain'>,
): Promise<Managed> {
  const workers = await askedWorkers(trx, request.workers);
  const gone = workers.filter((worker) => worker.state !== 'online');
  if (gone.length === workers.length)
    throw new FarmError(
      'conflict',
      `${gone.map(({ id, state }) => `${id} is ${state}`).join('; ')}: there is nothing to drain.`,
    );
  const here = workers.filter((worker) => worker.state === 'online');
  const under = tasksText(await tasksOf(trx, here), 'finished first');
  return {
    ...sentences(workers, here, {
      would: (names, one) =>
        `Drains ${names}${under}; then ${one ? 'its process ends' : 'their processes end'}.`,
      did: (names, one) =>
        `Told ${names} to drain${under}; then ${one ? 'its process ends' : 'their processes end'}.`,
      already: (names, one) => `${names} ${one ? 'is' : 'are'} not here.`,
    }),
    control: { type: 'drain' },
    write: async () => undefined,
  };
}

/** Its owner has it back within ten seconds: engines end at once, and no attempt is used up. */
export async function giveBackWorkers(
  trx: LedgerTransaction,
  request: RequestOf<'worker-give-back'>,
): Promise<Managed> {
  const workers = await askedWorkers(trx, request.workers);
  const reason = request.reason ?? 'Its owner uses the machine.';
  const pause: WorkerPause = { by: 'owner', reason, until: null };
  const changing = workers.filter((worker) => worker.pause?.by !== 'owner');
  const under = tasksText(await tasksOf(trx, changing), 'rendered elsewhere, with no attempt used up');
  const until = changing.some((worker) => worker.timetable !== null)
    ? 'until the timetable begins next, or ./farmhand workers ID resume'
    : 'until ./farmhand workers ID resume';
  return {
    ...sentences(workers, changing, {
      would: (names, one) => `Gives ${names} back to ${one ? 'its owner' : 'their owners'} ${until}${under}.`,
      did: (names, one) => `Gave ${names} back to ${one ? 'its owner' : 'their owners'} ${until}${under}.`,
      already: (names, one) => `${names} ${one ? 'is with its owner' : 'are with their owners'} already.`,
    }),
    control: { type: 'give-back' },
    write: (writing) => setPause(writing, changing, pause),
  };
}

/** When it may work, by its own clock. */
export async function setTimetables(
  trx: LedgerTransaction,
  request: RequestOf<'worker-timetable'>,
): Promise<Managed> {
  const { timetable } = request;
  if (timetable !== null && parseTimetable(timetable) === undefined)
    throw new InvalidInputError('The timetable', [
      { path: 'timetable', value: describeValue(timetable), expected: TIMETABLE_RULE },
    ]);
  const workers = await askedWorkers(trx, request.workers);
  const changing = workers.filter((worker) => worker.timetable !== timetable);
  const what =
    timetable === null ? 'as its own settings say' : `at ${JSON.stringify(timetable)} by its own clock`;
  return {
    ...sentences(workers, changing, {
      would: (names) => `Lets ${names} work ${what}.`,
      did: (names, one) => `${names} ${one ? 'works' : 'work'} ${what}.`,
      already: (names, one) => `${names} ${one ? 'works' : 'work'} ${what} already.`,
    }),
    write: async (writing) => {
      await writing.updateTable('workers').set({ timetable }).where('id', 'in', idsOf(changing)).execute();
    },
  };
}

/** In the order of their ids, locked. @throws FarmError `not-found` */
async function askedWorkers(trx: LedgerTransaction, ids: readonly string[]): Promise<AskedWorker[]> {
  const wanted = [...new Set(ids)];
  const found = await trx
    .selectFrom('workers')
    .select(['id', 'state', 'pause', 'timetable'])
    .where('id', 'in', wanted)
    .orderBy('id')
    .forUpdate()
    .execute();
  const known = new Set(found.map((worker) => worker.id));
  const unknown = wanted.filter((id) => !known.has(id));
  if (unknown.length > 0)
    throw new FarmError(
      'not-found',
      `There is no worker ${named(unknown)}. ./farmhand workers lists those that there are.`,
    );
  return found;
}

async function setPause(
  trx: LedgerTransaction,
  workers: readonly AskedWorker[],
  pause: WorkerPause | null,
): Promise<void> {
  await trx
    .updateTable('workers')
    .set({ pause: pause === null ? null : JSON.stringify(pause) })
    .where('id', 'in', idsOf(workers))
    .execute();
}

/** Tasks that these workers have under way. */
async function tasksOf(trx: LedgerTransaction, workers: readonly AskedWorker[]): Promise<number> {
  if (workers.length === 0) return 0;
  const row = await trx
    .selectFrom('tasks')
    .select((one) => one.fn.countAll<string>().as('tasks'))
    .where('state', '=', 'running')
    .where('worker', 'in', idsOf(workers))
    .executeTakeFirstOrThrow();
  return Number(row.tasks);
}

const tasksText = (tasks: number, what: string): string =>
  tasks === 0 ? '' : `; ${count(tasks, 'task')} under way ${tasks === 1 ? 'is' : 'are'} ${what}`;

const idsOf = (workers: readonly AskedWorker[]): string[] => workers.map(({ id }) => id);

type Say = (names: string, one: boolean) => string;

/** One sentence for those that change, and one more for those that are as wanted. */
function sentences(
  asked: readonly AskedWorker[],
  changing: readonly AskedWorker[],
  say: { would: Say; did: Say; already: Say },
): Pick<Managed, 'would' | 'did' | 'changed' | 'subjects'> {
  const rest = asked.filter((worker) => !changing.includes(worker));
  const speak = (workers: readonly AskedWorker[], of: Say): string[] =>
    workers.length === 0 ? [] : [of(named(idsOf(workers)), workers.length === 1)];
  return {
    would: [...speak(changing, say.would), ...speak(rest, say.already)].join(' '),
    did: [...speak(changing, say.did), ...speak(rest, say.already)].join(' '),
    changed: changing.length > 0,
    subjects: idsOf(changing),
  };
}
