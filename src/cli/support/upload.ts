import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../local/downloads/cache-folder.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { parseOutline } from '../upload/build-pack.ts';
import { hashFiles } from '../upload/hash-files.ts';
import type { LocalFile } from '../upload/local-file.ts';
import { packFiles } from '../upload/pack-files.ts';
import { RecordFile } from '../upload/record-file.ts';
import { sendParcels } from '../upload/send-parcels.ts';
import type { FarmClient } from './farm-client.ts';
import { patiently } from './patience.ts';
import type { Progress } from './progress.ts';
import { formatBytes } from './table.ts';

export { hashLocalFile } from '../upload/hash-files.ts';
export type { LocalFile } from '../upload/local-file.ts';

interface UploadOptions {
  client: FarmClient;
  /** Absent: nothing is shown. */
  progress?: Progress;
  signal: AbortSignal;
  /** What is being uploaded, for the progress line. */
  label: string;
  /** Absolute paths in the scene that lie in this folder mean files of the asset. */
  origin?: string | undefined;
  /** Where hashes of files are remembered; default: this user's cache folder. */
  cacheFolder?: string;
}

/** Less is there before anybody could look. */
const WORTH_SHOWING_BYTES = 5_000_000;

/**
 * Stores files as one asset. Files that were hashed before and have not been touched are not read, small files travel in
 * packs, and only what the farm does not have yet is sent: an upload that was cut off goes on where it stopped.
 * @returns the asset's SHA-256, as `asset:<sha256>/<path>` names it.
 * @throws UsageError when a file cannot be read, its name cannot be stored, or it changes meanwhile; RefusedError,
 * UnreachableError.
 */
export async function uploadAsset(files: readonly LocalFile[], options: UploadOptions): Promise<string> {
  const { client, signal, progress } = options;
  const folder = join(options.cacheFolder ?? cacheFolder(), 'uploads');
  const hashes = new RecordFile(join(folder, 'hashes.jsonl'), parseHash);
  const packs = new RecordFile(join(folder, 'packs.jsonl'), parseOutline);
  // A folder that cannot be used costs time and nothing else.
  const remember = async (work: (records: RecordFile<unknown>) => Promise<void>): Promise<void> => {
    try {
      await Promise.all([work(hashes), work(packs)]);
    } catch (error) {
      progress?.note(`What was read is not remembered for the next time: ${messageOf(error)}`);
    }
  };
  await remember((records) => records.load());
  try {
    const hashed = await hashFiles(files, { signal, cache: hashes, onRead: showingReads(options) });
    const { parcels, entries } = await packFiles(hashed, { hashes, packs, signal });
    // Kept now: whoever is cut off while sending shall not read it all again.
    await remember((records) => records.save());
    const say = (text: string): void => progress?.note(text);
    await sendParcels(parcels, {
      client,
      hashes,
      signal,
      patiently: (request) => patiently(request, { signal, say }),
      show: showing(parcels, options),
    });
    const { origin } = options;
    const manifest = { version: 1 as const, files: entries, ...(origin !== undefined && { origin }) };
    return (await patiently(() => client.registerAsset(manifest), { signal, say })).sha256;
  } finally {
    await remember((records) => records.save());
  }
}

function showingReads({ progress, label }: UploadOptions): (done: number, total: number) => void {
  let shown = 0;
  return (done, total) => {
    if (total < WORTH_SHOWING_BYTES || (done < total && done - shown < total / 100)) return;
    shown = done;
    progress?.update('read', { label, done, total, note: 'read', format: formatBytes });
  };
}

/** Counts what is there, of all that shall be. */
function showing(
  parcels: readonly { size: number }[],
  { progress, label }: UploadOptions,
): (bytes: number) => void {
  const total = parcels.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  return (bytes) => {
    done = Math.min(total, done + bytes);
    if (total < WORTH_SHOWING_BYTES) return;
    progress?.update('upload', { label, done, total, note: 'uploaded', format: formatBytes });
  };
}

function parseHash(value: unknown): string | undefined {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value) ? value : undefined;
}

export async function fileSize(file: string): Promise<number> {
  return (await stat(file)).size;
}
