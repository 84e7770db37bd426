import { Option, type Command } from 'commander';
import { z } from 'zod';
import { EVENT_TYPES } from '../shared/contracts/events.ts';
import {
  DELIVERY_STATES,
  createdWebhookSchema,
  hookDeliveriesPageSchema,
  hookDeliverySchema,
  webhookSchema,
  webhooksSchema,
  type Delivery,
  type WebhookScope,
} from '../shared/contracts/webhook-api.ts';
import { addCommonOptions, runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import { askedBy } from './support/ask-jobs.ts';
import { EXIT, UsageError, type ExitCode } from './support/exit-codes.ts';
import { printable } from './support/output.ts';
import { collect, oneOf, wholeNumber } from './support/parse-options.ts';
import { pause } from './support/pool.ts';
import { formatTable } from './support/table.ts';
import { deliveryRow, webhookRow, DELIVERY_HEADINGS, WEBHOOK_HEADINGS } from './support/webhook-rows.ts';

interface AddOptions {
  id?: string;
  event?: string[];
  project?: string;
  job?: string;
  named?: boolean;
}

type Run = (context: CommandContext, command: Command) => Promise<ExitCode | undefined>;

const POLL_MS = 200;

export function registerWebhooks(program: Command): void {
  const command = program
    .command('webhooks')
    .description('programs that are told what happens (docs/webhooks.md); without a verb, list them');
  addCommonOptions(command).action(async (options: CommonOptions) => {
    await runCommand(options, list);
  });
  const verb = (sub: Command, run: Run): void => {
    addCommonOptions(sub).action(async () => {
      // `--json` and `--farm` are options of `webhooks` too, which takes them first.
      await runCommand(sub.optsWithGlobals<CommonOptions>(), (context) => run(context, sub));
    });
    command.addCommand(sub);
  };
  verb(command.createCommand('list').description('all of them, oldest first'), list);
  verb(addCommand(command), add);
  verb(updateCommand(command), update);
  verb(named(command, 'remove', 'tell it nothing more'), remove);
  verb(named(command, 'test', 'send it a ping and say what it answers'), test);
  verb(
    named(command, 'log', 'what it was told in the last seven days, newest first')
      .addOption(new Option('--state <state>', 'only these').argParser(oneOf(DELIVERY_STATES)))
      .option('--limit <n>', 'how many; default: 20', wholeNumber(1, 200)),
    log,
  );
  verb(
    named(command, 'redeliver', 'send one again, with the same webhook-id').argument(
      '<delivery>',
      'as the log shows it',
    ),
    redeliver,
  );
  verb(
    named(command, 'rotate', 'give it a new secret').option(
      '--keep <seconds>',
      'how long the old one counts, too; default: a day',
      wholeNumber(0, 604_800),
    ),
    rotate,
  );
}

const named = (command: Command, verb: string, description: string): Command =>
  command.createCommand(verb).description(description).argument('<id>', 'the webhook');

const addCommand = (command: Command): Command =>
  command
    .createCommand('add')
    .description('tell an address what happens; prints its secret, this once')
    .argument('<url>', 'where bodies are posted to')
    .option('--id <id>', 'its name; default: one that the farm makes')
    .option('--event <type>', `one of ${EVENT_TYPES.join(', ')}; may be repeated; default: all`, collect)
    .option('--project <name>', 'only of jobs of this project')
    .option('--job <id>', 'only of this job, which may be submitted later')
    .option('--named', 'only of jobs whose document names it under "webhooks"');

const updateCommand = (command: Command): Command =>
  named(command, 'update', 'change its address or its events, pause it, or let it go on')
    .option('--url <url>', 'where bodies are posted to; what waits goes there, too')
    .option('--event <type>', 'instead of the events so far; may be repeated, `all` for every one', collect)
    .option('--pause', 'send it nothing; of what comes about meanwhile it hears nothing')
    .option('--resume', 'let it go on');

async function list({ out, farm }: CommandContext): Promise<undefined> {
  const { webhooks } = await (await farm()).read(['webhooks'], webhooksSchema);
  await out.result(webhooks, () =>
    webhooks.length === 0 ? 'No webhooks.' : formatTable(WEBHOOK_HEADINGS, webhooks.map(webhookRow)),
  );
  for (const { id, failing } of webhooks)
    if (failing) out.note(printable(`${id} takes nothing since ${failing.since}: ${failing.error}`));
}

async function add({ out, farm }: CommandContext, command: Command): Promise<undefined> {
  const [url = ''] = command.args;
  const options = command.opts<AddOptions>();
  const body = {
    url,
    ...askedBy(),
    ...(options.id === undefined ? {} : { id: options.id }),
    ...(options.event === undefined ? {} : { events: options.event }),
    scope: scopeOf(options),
  };
  const webhook = await (await farm()).send('POST', ['webhooks'], createdWebhookSchema, body);
  await out.result(webhook, () => `${webhook.id}  ${webhook.secret}`);
  out.note('The secret is not shown again; the receiver checks signatures with it.');
}

interface UpdateOptions {
  url?: string;
  event?: string[];
  pause?: boolean;
  resume?: boolean;
}

async function update({ out, farm }: CommandContext, command: Command): Promise<undefined> {
  const [id = ''] = command.args;
  const { url, event, pause: pauses, resume } = command.opts<UpdateOptions>();
  if (pauses === true && resume === true) throw new UsageError('Give one of --pause and --resume, not both.');
  const body = {
    ...(url === undefined ? {} : { url }),
    ...(event === undefined ? {} : { events: event.includes('all') ? [...EVENT_TYPES] : event }),
    ...(pauses === true ? { paused: true } : resume === true ? { paused: false } : {}),
  };
  if (Object.keys(body).length === 0)
    throw new UsageError('Say what to change: --url, --event, --pause or --resume.');
  const webhook = await (await farm()).send('PATCH', ['webhooks', id], webhookSchema, body);
  await out.result(webhook, () => formatTable(WEBHOOK_HEADINGS, [webhookRow(webhook)]));
}

/** @throws UsageError */
function scopeOf({ project, job, named: isNamed }: AddOptions): WebhookScope {
  const scopes: WebhookScope[] = [
    ...(project === undefined ? [] : [{ kind: 'project', project } as const]),
    ...(job === undefined ? [] : [{ kind: 'job', job } as const]),
    ...(isNamed === true ? [{ kind: 'named' } as const] : []),
  ];
  if (scopes.length > 1) throw new UsageError('Give one of --project, --job and --named, not several.');
  return scopes[0] ?? { kind: 'farm' };
}

async function remove({ out, farm }: CommandContext, command: Command): Promise<undefined> {
  const [id = ''] = command.args;
  await (await farm()).send('DELETE', ['webhooks', id], z.undefined());
  await out.result({ id }, () => printable(`${id} is told nothing more.`));
}

async function test({ out, farm, signal }: CommandContext, command: Command): Promise<ExitCode> {
  const [id = ''] = command.args;
  const client = await farm();
  const { id: delivery } = await client.send('POST', ['webhooks', id, 'test'], hookDeliverySchema);
  for (;;) {
    const { deliveries } = await client.read(['webhooks', id, 'deliveries'], hookDeliveriesPageSchema);
    const found = deliveries.find((each) => each.id === delivery);
    const tried = found?.tries[0];
    if (found && tried) {
      await out.result(found, () =>
        printable(tried.error ?? `It answered ${String(tried.status)} within ${tried.seconds} s.`),
      );
      return tried.error === null ? EXIT.done : EXIT.failed;
    }
    await pause(POLL_MS, signal);
  }
}

async function log({ out, farm }: CommandContext, command: Command): Promise<undefined> {
  const [id = ''] = command.args;
  const { state, limit = 20 } = command.opts<{ state?: string; limit?: number }>();
  const { deliveries } = await (
    await farm()
  ).read(['webhooks', id, 'deliveries'], hookDeliveriesPageSchema, { state, limit });
  await out.result(deliveries, () =>
    deliveries.length === 0 ? 'Nothing yet.' : formatTable(DELIVERY_HEADINGS, deliveries.map(deliveryRow)),
  );
}

async function redeliver({ out, farm }: CommandContext, command: Command): Promise<undefined> {
  const [id = '', delivery = ''] = command.args;
  const path = ['webhooks', id, 'deliveries', delivery, 'redeliver'];
  const again: Delivery = await (await farm()).send('POST', path, hookDeliverySchema);
  await out.result(again, () => printable(`${again.id} is sent again as ${again.event}.`));
}

async function rotate({ out, farm }: CommandContext, command: Command): Promise<undefined> {
  const [id = ''] = command.args;
  const { keep } = command.opts<{ keep?: number }>();
  const body = keep === undefined ? {} : { keepSeconds: keep };
  const webhook = await (await farm()).send('POST', ['webhooks', id, 'rotate'], createdWebhookSchema, body);
  await out.result(webhook, () => `${webhook.id}  ${webhook.secret}`);
  const { previousSecretUntil: until } = webhook;
  out.note(until === null ? 'The old secret counts no more.' : `The old secret counts until ${until}, too.`);
}
