import { InvalidArgumentError, type Command } from 'commander';
import { farmAddress } from '../local/addresses.ts';
import { FarmHome } from '../local/farm-home.ts';
import { startLocalFarm, type LocalFarmOptions } from '../local/local-farm.ts';
import { messageOf } from '../shared/domain/errors.ts';
import { addCommonOptions, runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import { startDetached } from './support/detached-farm.ts';
import { EXIT, type ExitCode } from './support/exit-codes.ts';
import { FarmClient } from './support/farm-client.ts';
import { farmStatus, formatStatus } from './support/farm-status.ts';
import { wholeNumber } from './support/parse-options.ts';
import { registerExampleTemplates } from './support/templates.ts';

interface UpOptions extends CommonOptions {
  workers?: number;
  slots?: number;
  host?: string;
  port?: number;
  detach?: boolean;
}

const VARIABLES = `
Environment:
  FARMHAND_HOME    where the farm keeps everything (default: ~/.local/share/farmhand)
  FARMHAND_CACHE   where fetched programs are kept (default: ~/.cache/farmhand)
  Servers of your own in place of those that would be started:
  FARMHAND_NATS_URL, FARMHAND_NATS_USER, FARMHAND_NATS_PASSWORD
  FARMHAND_DATABASE_URL
  FARMHAND_S3_ENDPOINT, FARMHAND_S3_ACCESS_KEY_ID, FARMHAND_S3_SECRET_ACCESS_KEY, FARMHAND_S3_BUCKET, FARMHAND_S3_REGION`;

export function registerUp(program: Command): void {
  addCommonOptions(
    program
      .command('up')
      .description(
        'Start a farm on this machine: servers, coordinator, gateway and workers. Ctrl-C stops it.',
      )
      .option('--workers <n>', 'worker processes (default: 1)', wholeNumber(0, 256))
      .option(
        '--slots <n>',
        'frames that each worker renders at once (default: cores / workers)',
        wholeNumber(1, 4_096),
      )
      .option(
        '--host <address>',
        'open the page, NATS and S3 on this address of the machine to others',
        ownAddress,
      )
      .option('--port <p>', "the page's port (default: 7780, or a free one)", wholeNumber(1, 65_535))
      .option('--detach', 'go on in the background; stop it with: farmhand down'),
  )
    .addHelpText('after', VARIABLES)
    .action((options: UpOptions) => runCommand(options, (context) => up(options, context)));
}

function ownAddress(text: string): string {
  try {
    return farmAddress(text).host;
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

async function up(options: UpOptions, context: CommandContext): Promise<ExitCode> {
  const { out } = context;
  const home = new FarmHome();
  if (home.running()?.url !== undefined) {
    out.note(`The farm of ${home.folder} is up already.`);
    await out.result(farmStatus(home), () => formatStatus(farmStatus(home)));
    return EXIT.done;
  }
  if (options.detach === true) {
    await startDetached(home, upArguments(options), context);
    await out.result(farmStatus(home), () => formatStatus(farmStatus(home)));
    return EXIT.done;
  }
  return runInForeground(options, context);
}

async function runInForeground(options: UpOptions, context: CommandContext): Promise<ExitCode> {
  const { out, signal } = context;
  // Started by `up --detach`: its output is a log file, where no token is to stand; the parent prints the address.
  const inBackground = process.send !== undefined;
  const interrupted = { value: false };
  process.once('SIGINT', () => (interrupted.value = true));
  const say = (line: string): void => {
    out.note(line);
    tellParent({ line });
  };
  const farm = await startLocalFarm({ ...farmOptions(options), progress: say, signal });
  try {
    await registerExampleTemplates(new FarmClient({ url: farm.url, token: farm.token, signal }));
    if (!inBackground) await out.result(farmStatus(farm.home), () => formatStatus(farmStatus(farm.home)));
    out.note('The farm is up. Ctrl-C or "farmhand down" stops it.');
    tellParent({ ready: true });
    if (process.connected) process.disconnect();
    await aborted(signal);
    out.note('stopping …');
  } finally {
    await farm.stop();
  }
  return interrupted.value ? EXIT.interrupted : EXIT.done;
}

/** Whoever waits for a farm in the background; it goes when the farm is ready, or earlier when it is interrupted. */
function tellParent(message: { line: string } | { ready: true }): void {
  if (process.connected) process.send?.(message);
}

function farmOptions(options: UpOptions): LocalFarmOptions {
  const { workers, slots, host, port } = options;
  return {
    ...(workers === undefined ? {} : { workers }),
    ...(slots === undefined ? {} : { slots }),
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
  };
}

/** The same command for the process in the background. */
function upArguments(options: UpOptions): string[] {
  return Object.entries(farmOptions(options)).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

/** Timers and children keep the process alive; this only waits. */
function aborted(signal: AbortSignal): Promise<void> {
  const keepAlive = setInterval(() => undefined, 60_000);
  return new Promise((resolve) => {
    const end = (): void => {
      clearInterval(keepAlive);
      resolve();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
