import type { Command } from 'commander';
import type { Worker } from '../shared/contracts/api.ts';
import {
  WORKER_VERBS,
  workerDetailsSchema,
  workerEventsSchema,
  type WorkerDetails,
  type WorkerEvents,
} from '../shared/contracts/manage-api.ts';
import { addAskOptions, askedBy, type AskOptions } from './support/ask-jobs.ts';
import { runCommand, type CommandContext } from './support/command.ts';
import { UsageError } from './support/exit-codes.ts';
import { printable } from './support/output.ts';
import { count, formatBytes, formatTable } from './support/table.ts';

interface WorkersOptions extends AskOptions {
  reason?: string;
}

const EVENTS_SHOWN = 10;

export function registerWorkers(program: Command): void {
  const command = program
    .command('workers')
    .description('list the workers and what they can render, show one, or ask something of some')
    .usage(
      `[options] [id...] [${WORKER_VERBS.map((verb) => (verb === 'timetable' ? 'timetable <times>' : verb)).join('|')}]`,
    )
    .argument('[words...]', 'workers, and then what they are to do; nothing to list them all')
    .option('--reason <text>', 'why, with pause and give-back: shown to those who wonder')
    .addHelpText(
      'after',
      `
pause      takes no further tasks, and finishes those in hand
resume     ends a pause, a give-back or a quarantine
drain      finishes what it has and ends its process
give-back  its owner has it back within ten seconds; no attempt is used up
timetable  when it may work, by its own clock: "19:00-08:00 and weekends", "always", "never", or "own" for its own settings`,
    );
  addAskOptions(command).action(async (words: string[], options: WorkersOptions) => {
    await runCommand(options, async (context) => {
      const at = words.findIndex((word) => (WORKER_VERBS as readonly string[]).includes(word));
      if (words.length === 0) await listWorkers(context);
      else if (at < 0) await showWorkers(context, words);
      else await askWorkers(context, words, at, options);
      return undefined;
    });
  });
}

async function listWorkers({ out, farm }: CommandContext): Promise<void> {
  const workers = await (await farm()).workers();
  await out.result(workers, () => (workers.length === 0 ? 'No workers.' : workersTable(workers)));
}

async function showWorkers({ out, farm }: CommandContext, ids: readonly string[]): Promise<void> {
  const client = await farm();
  const [id, ...others] = ids;
  if (id === undefined || others.length > 0)
    throw new UsageError(
      `Expected one worker, or what ${ids.join(', ')} are to do: ${WORKER_VERBS.join(', ')}.`,
    );
  const [worker, { events }] = await Promise.all([
    client.read(['workers', id], workerDetailsSchema),
    client.read(['workers', id, 'events'], workerEventsSchema, { limit: EVENTS_SHOWN }),
  ]);
  await out.result({ ...worker, events }, () => workerText(worker, events));
}

async function askWorkers(
  { out, farm }: CommandContext,
  words: readonly string[],
  at: number,
  { dryRun, reason }: WorkersOptions,
): Promise<void> {
  const ids = [...new Set(words.slice(0, at))];
  const [verb = '', ...rest] = words.slice(at);
  if (ids.length === 0)
    throw new UsageError(`Before ${verb} comes which workers: farmhand workers w1 ${verb}`);
  const times = verb === 'timetable' ? rest.join(' ') : undefined;
  if (times === '') throw new UsageError('After timetable come times such as "19:00-08:00 and weekends".');
  if (times === undefined && rest.length > 0)
    throw new UsageError(`After ${verb} comes nothing; got ${rest.join(' ')}.`);
  const fields = {
    ...askedBy(),
    ...(dryRun === true ? { dryRun } : {}),
    ...(reason === undefined ? {} : { reason }),
    ...(times === undefined ? {} : { timetable: times === 'own' ? null : times }),
  };
  const client = await farm();
  const [only, ...others] = ids;
  const reply =
    only !== undefined && others.length === 0
      ? await client.manage('POST', ['workers', only, verb], fields)
      : await client.manage('POST', ['workers', 'control'], { ...fields, verb, ids });
  await out.result(reply, () => printable(reply.message));
  if (reply.dryRun === true) out.note('Nothing was changed.');
}

function workersTable(workers: readonly Worker[]): string {
  const columns: [heading: string, cell: (worker: Worker) => string, optional?: true][] = [
    ['ID', ({ id }) => id],
    ['HOST', ({ host }) => host],
    ['SITE', ({ site }) => site ?? '', true],
    ['TAGS', ({ tags }) => tags.join(', '), true],
    ['ROOTS', ({ roots }) => roots.join(', '), true],
    ['STATE', ({ state }) => state],
    ['SLOTS', ({ rendering, slots }) => `${rendering.length}/${slots} busy`],
    ['LOAD', ({ load }) => load.toFixed(2)],
    ['WARM', warmShare, true],
    ['ENGINES', enginesText],
    ['TROUBLE', ({ pause, problems }) => [...(pause ? [pause.reason] : []), ...problems].join('; ')],
  ];
  const shown = columns.filter(
    ([, cell, optional]) => optional !== true || workers.some((one) => cell(one) !== ''),
  );
  return formatTable(
    shown.map(([heading]) => heading),
    workers.map((worker) => shown.map(([, cell]) => cell(worker))),
  );
}

function workerText(worker: WorkerDetails, events: WorkerEvents['events']): string {
  const { pause, timetable } = worker.orders;
  const facts = [
    `${worker.id} on ${worker.host}`,
    `state      ${worker.state}`,
    ...(pause === null
      ? []
      : [
          `kept away  by ${pause.by}: ${pause.reason}${pause.until === null ? '' : ` (until ${pause.until})`}`,
        ]),
    ...(timetable === null ? [] : [`timetable  ${timetable}`]),
    `slots      ${worker.rendering.length}/${worker.slots} busy`,
    ...(worker.site === null ? [] : [`site       ${worker.site}`]),
    ...(worker.tags.length === 0 ? [] : [`tags       ${worker.tags.join(', ')}`]),
    ...(worker.roots.length === 0 ? [] : [`roots      ${worker.roots.join(', ')}`]),
    `memory     ${formatBytes(worker.freeMemoryBytes)} of ${formatBytes(worker.memoryBytes)} free`,
    `engines    ${enginesText(worker)}`,
    ...warmText(worker),
    ...worker.problems.map((problem) => `trouble    ${problem}`),
    `last heard ${worker.seenAt}`,
  ];
  const history = events.map((event) => `${event.at}  ${event.actor}: ${event.message}`);
  return [...facts, ...(history.length === 0 ? [] : ['', ...history])].map(printable).join('\n');
}

/** How many of its tasks found their scene loaded, since its process began; nothing before the first that could. */
function warmShare({ sessions: { warm, cold } }: Pick<Worker, 'sessions'>): string {
  return warm + cold === 0 ? '' : `${Math.floor((100 * warm) / (warm + cold))} %`;
}

function warmText(worker: Pick<Worker, 'sessions'>): string[] {
  const share = warmShare(worker);
  const { warm, cold } = worker.sessions;
  return share === '' ? [] : [`warm       ${share} of ${count(warm + cold, 'task')}`];
}

const enginesText = ({ engines }: Pick<Worker, 'engines'>): string =>
  engines.map(({ id, version }) => `${id} ${version}`).join(', ');
