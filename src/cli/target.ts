import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { targetsSchema, type Target } from '../shared/contracts/delivery-api.ts';
import { messageOf } from '../shared/domain/errors.ts';
import { askedBy } from './support/ask-jobs.ts';
import { runCommand, type CommonOptions } from './support/command.ts';
import { UsageError } from './support/exit-codes.ts';
import { formatTable } from './support/table.ts';

interface AddOptions extends CommonOptions {
  endpoint: string;
  region: string;
  accessKeyId: string;
  secretFile: string;
  allowPrivate?: boolean;
}

/** `target`, `target add`, `target remove`: buckets outside of the farm that results may be delivered to. */
export function registerTarget(program: Command): void {
  const targets = program
    .command('target')
    .description('list the buckets outside of the farm that results may be delivered to; add or remove one');
  addOptions(targets).action(async (options: CommonOptions) => {
    await runCommand(options, async ({ out, farm }) => {
      const { targets: list } = await (await farm()).read(['targets'], targetsSchema);
      await out.result(list, () => (list.length === 0 ? 'No targets.' : targetsTable(list)));
      return undefined;
    });
  });
  const add = targets
    .command('add')
    .description(
      'open a bucket for deliveries, or give a new key for it; the secret comes from a file or stdin',
    )
    .argument('<name>', 'what it is called here')
    .argument('<address>', 's3://bucket, or s3://bucket/prefix: nothing is written outside of it')
    .requiredOption('--endpoint <url>', 'the S3 server, such as https://s3.eu-central-1.amazonaws.com')
    .requiredOption('--access-key-id <id>', 'the key that may write there')
    .option('--secret-file <file>', "a file that holds the key's secret; - for stdin", '-')
    .option('--region <name>', "the bucket's region", 'us-east-1')
    .option(
      '--allow-private',
      'also where the server is in a private network or on the farm’s machine, or speaks http',
    );
  addOptions(add).action(async (name: string, address: string, _options: AddOptions, command: Command) => {
    const options = command.optsWithGlobals<AddOptions>();
    await runCommand(options, async ({ out, farm }) => {
      const { bucket, prefix } = parseAddress(address);
      const secretAccessKey = await readSecret(options.secretFile);
      const { endpoint, region, accessKeyId, allowPrivate = false } = options;
      const client = await farm();
      const place = { endpoint, region, bucket, prefix, accessKeyId, allowPrivate };
      await client.putTarget(name, { ...place, secretAccessKey, ...askedBy() });
      await out.result({ name, ...place }, () => `Results can be delivered to ${address} now.`);
      return undefined;
    });
  });
  const remove = targets
    .command('remove')
    .description('close a bucket for deliveries; what was delivered stays there')
    .argument('<name>', 'the target');
  addOptions(remove).action(async (name: string, _options: CommonOptions, command: Command) => {
    const options = command.optsWithGlobals<CommonOptions>();
    await runCommand(options, async ({ out, farm }) => {
      await (await farm()).removeTarget(name);
      await out.result({ name, removed: true }, () => `${name} is no target any more.`);
      return undefined;
    });
  });
}

/** `--json` and `--farm` are options of `target` too, which takes them first. */
function addOptions(command: Command): Command {
  return command
    .option('--json', 'print one JSON document on stdout')
    .option('--farm <url>', "the farm's address");
}

function targetsTable(list: readonly Target[]): string {
  const rows = list.map(({ name, bucket, prefix, endpoint, accessKeyId, createdBy }) => [
    name,
    `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`,
    endpoint,
    accessKeyId,
    createdBy,
  ]);
  return formatTable(['NAME', 'LEADS TO', 'SERVER', 'KEY', 'BY'], rows);
}

function parseAddress(address: string): { bucket: string; prefix: string } {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)(?:\/(.*?)\/?)?$/.exec(address) ?? [];
  if (bucket !== undefined) return { bucket, prefix };
  throw new UsageError(`Expected s3://bucket or s3://bucket/prefix, not ${JSON.stringify(address)}.`);
}

async function readSecret(file: string): Promise<string> {
  const secret = await (file === '-' ? text(process.stdin) : readFile(file, 'utf8')).catch(
    (error: unknown) => {
      throw new UsageError(`The secret cannot be read from ${file}: ${messageOf(error)}`, { cause: error });
    },
  );
  if (secret.trim() !== '') return secret.trim();
  throw new UsageError(`There is no secret in ${file === '-' ? 'stdin' : file}.`);
}
