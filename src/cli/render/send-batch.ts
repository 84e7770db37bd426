import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import type { Template } from '../../shared/contracts/api.ts';
import type { BatchDocument, BatchSubmission } from '../../shared/contracts/batch.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { NAME_PATTERN_RULE, isNamePattern } from '../../shared/domain/row-name.ts';
import { newId } from '../../shared/domain/new-id.ts';
import { UsageError } from '../support/exit-codes.ts';
import type { FarmClient } from '../support/farm-client.ts';
import { printable } from '../support/output.ts';
import { patiently } from '../support/patience.ts';
import type { Progress } from '../support/progress.ts';
import { count } from '../support/table.ts';
import { uploadAsset } from '../support/upload.ts';
import { writeRows } from './write-rows.ts';

/** The flags of `render` that shape a batch. */
export interface BatchFlags {
  batch: string;
  namePattern?: string;
  frames?: string;
  encode?: string;
  strict?: boolean;
  name?: string;
  project?: string;
  priority?: number;
  key?: string;
}

interface SendTools {
  client: FarmClient;
  progress: Progress;
  signal: AbortSignal;
  say: (text: string) => void;
}

const ROWS_FILE = 'rows.jsonl';
/** A farm whose servers are away for a minute takes the batch when they are back. */
const PATIENCE_MS = 90_000;

/**
 * Uploads the rows of a table and asks the farm for the batch.
 * @throws UsageError for a table that cannot be read or does not fit; RefusedError, UnreachableError from the farm.
 */
export async function sendBatch(
  template: Template,
  flags: BatchFlags,
  tools: SendTools,
): Promise<BatchSubmission> {
  if (flags.namePattern !== undefined && !isNamePattern(flags.namePattern))
    throw new UsageError(
      `--name-pattern ${JSON.stringify(flags.namePattern)}: expected ${NAME_PATTERN_RULE}.`,
    );
  const { client, signal, say } = tools;
  const asset = await uploadRows(template, flags, tools);
  const document: BatchDocument = {
    version: 1,
    ...(flags.key === undefined ? { id: newId('b') } : { idempotencyKey: flags.key }),
    name: flags.name ?? template.label,
    template: `${template.name}@${template.version}`,
    rows: `asset:${asset}/${ROWS_FILE}`,
    ...(flags.namePattern === undefined ? {} : { namePattern: flags.namePattern }),
    ...(flags.frames === undefined ? {} : { frames: flags.frames }),
    ...(flags.encode === undefined ? {} : { encode: flags.encode }),
    ...(flags.strict === true ? { strict: true } : {}),
    ...(flags.project === undefined ? {} : { project: flags.project }),
    ...(flags.priority === undefined ? {} : { priority: flags.priority }),
  };
  return await patiently(() => client.submitBatch(document), { signal, say, patienceMs: PATIENCE_MS });
}

async function uploadRows(template: Template, flags: BatchFlags, tools: SendTools): Promise<string> {
  const { client, progress, signal } = tools;
  const file = flags.batch;
  await assertReadable(file);
  const upload = async (rows: string): Promise<string> =>
    await uploadAsset([{ path: ROWS_FILE, file: rows }], { client, progress, signal, label: basename(file) });
  // JSON lines are what the farm takes; it says itself what is wrong with them.
  if (/\.(jsonl|ndjson)$/i.test(file)) return await upload(file);
  const folder = await mkdtemp(join(tmpdir(), 'farmhand-rows-'));
  try {
    const rows = join(folder, ROWS_FILE);
    const { schema } = template;
    const written = await writeRows(file, rows, { schema, namePattern: flags.namePattern, signal });
    reportRagged(file, written, flags.strict === true, tools.say);
    return await upload(rows);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function reportRagged(
  file: string,
  { rows, ragged, raggedCount }: { rows: number; ragged: readonly string[]; raggedCount: number },
  strict: boolean,
  say: (text: string) => void,
): void {
  say(printable(`${file}: ${count(rows, 'row')}`));
  if (raggedCount === 0) return;
  const more = raggedCount > ragged.length ? [`… and ${count(raggedCount - ragged.length, 'more row')}`] : [];
  const lines = [...ragged, ...more].map((line) => `  ${printable(line)}`).join('\n');
  if (strict) throw new UsageError(`${file}: nothing was sent (--strict):\n${lines}`);
  say(`These rows are left out:\n${lines}`);
}

async function assertReadable(file: string): Promise<void> {
  const info = await stat(file).catch((error: unknown) => {
    throw new UsageError(`--batch ${file} cannot be read: ${messageOf(error)}`, { cause: error });
  });
  if (!info.isFile()) throw new UsageError(`--batch ${file} is not a file.`);
  if (/^\.(csv|tsv|txt|jsonl|ndjson)$/i.test(extname(file))) return;
  throw new UsageError(
    `--batch ${file}: expected .csv, .tsv or .jsonl. Spreadsheet programs save a sheet as "CSV UTF-8".`,
  );
}
