import type { Command } from 'commander';
import { streamEventSchema, type FarmEvent, type StreamEvent } from '../shared/contracts/events.ts';
import { addCommonOptions, runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import type { FarmClient } from './support/farm-client.ts';
import { printable } from './support/output.ts';
import { patiently } from './support/patience.ts';
import { readServerSentEvents } from './support/server-sent-events.ts';
import { count } from './support/table.ts';

interface EventsOptions extends CommonOptions {
  since?: string;
  types?: string;
  job?: string;
}

export function registerEvents(program: Command): void {
  const command = program
    .command('events')
    .description('print what happens, as it happens, until Ctrl-C; with --json one JSON object a line')
    .option('--since <id|time>', 'first what came after this event or time; default: from now on')
    .option('--types <types>', 'only these, with commas between, such as job.completed,job.failed')
    .option('--job <id>', 'only of this job');
  addCommonOptions(command).action(async (options: EventsOptions) => {
    await runCommand(options, async (context) => {
      await follow(context, options);
      return undefined;
    });
  });
}

/** Goes on where it was when the farm was away, until it is interrupted. */
async function follow(
  { out, farm, signal }: CommandContext,
  { since, types, job }: EventsOptions,
): Promise<never> {
  const client = await farm();
  const place = { id: undefined as string | undefined };
  const say = (text: string): void => out.note(text);
  for (;;) {
    await patiently(
      async () => {
        for await (const event of eventsOf(client, { since, types, job }, place))
          await out.write(out.json ? `${JSON.stringify(event)}\n` : `${textOf(event)}\n`);
      },
      { signal, say },
    );
    signal.throwIfAborted();
  }
}

async function* eventsOf(
  client: FarmClient,
  query: { since: string | undefined; types: string | undefined; job: string | undefined },
  place: { id: string | undefined },
): AsyncGenerator<StreamEvent> {
  const seen: Record<string, string> = place.id === undefined ? {} : { 'last-event-id': place.id };
  const pieces = client.stream(['events'], query, seen);
  for await (const { data } of readServerSentEvents(pieces, (id) => (place.id = id))) {
    // A farm of another version may say more than this one knows.
    const event = streamEventSchema.safeParse(JSON.parse(data));
    if (event.success) yield event.data;
  }
}

function textOf(event: StreamEvent): string {
  const time = event.timestamp.slice(0, 19).replace('T', ' ');
  return printable(`${time}  ${event.type.padEnd(13)}  ${sentenceOf(event)}`);
}

function sentenceOf(event: StreamEvent): string {
  switch (event.type) {
    case 'gap':
    case 'end':
      return event.data.reason;
    case 'job.control':
      return event.data.message;
    case 'job.refused':
      return `${event.data.jobId}: ${event.data.errors.map(({ path, expected }) => `${path}: expected ${expected}`).join('; ')}`;
    case 'job.changed': {
      const { job } = event.data;
      return `${job.id}  ${job.state}, ${job.frames.done} of ${job.frames.total} done  ${job.name}`;
    }
    default:
      return aboutJob(event);
  }
}

function aboutJob({ data: { job, frames } }: FarmEvent): string {
  const [first] = frames?.listed ?? [];
  const which = frames === undefined ? '' : `, ${count(frames.count, 'frame')}`;
  const why = first?.error ?? job.error;
  return `${job.id}  ${job.state}${which}  ${job.name}${why === null ? '' : ` (${why})`}`;
}
