import { openAsBlob } from 'node:fs';
import { UnreachableError } from '../support/exit-codes.ts';
import type { FarmClient } from '../support/farm-client.ts';
import { forEachParallel } from '../support/pool.ts';
import { changedFile, isUntouched, type HashCache } from './hash-files.ts';
import type { HashedFile } from './local-file.ts';
import type { Parcel } from './pack-files.ts';
import { putBytes, type PutOutcome, type Target } from './put-bytes.ts';
import { putParts } from './put-parts.ts';

const PARALLEL_UPLOADS = 8;

export interface SendTools {
  client: Pick<FarmClient, 'planAssets' | 'beginParts' | 'partLink' | 'completeParts' | 'verifyParts'>;
  hashes: HashCache;
  signal: AbortSignal;
  /** Repeats a request while the farm is away. */
  patiently: <T>(request: () => Promise<T>) => Promise<T>;
  /** So many bytes more are there. */
  show: (bytes: number) => void;
}

/**
 * Sends what the farm lacks. It says so in one answer; only links, which hold for some minutes, are asked for again.
 * @throws UsageError when a file changed meanwhile; UnreachableError, RefusedError
 */
export async function sendParcels(parcels: readonly Parcel[], tools: SendTools): Promise<void> {
  let open = parcels;
  while (open.length > 0) {
    const asked = open;
    const plan = await tools.patiently(() =>
      tools.client.planAssets({ files: asked.map(({ sha256, size }) => ({ sha256, size })) }),
    );
    const links = new Map<string, Target>(plan.uploads.map((upload) => [upload.sha256, upload]));
    const later = new Set(plan.more);
    const inParts = new Set(plan.parts);
    const needed = (sha256: string): boolean => links.has(sha256) || later.has(sha256) || inParts.has(sha256);
    for (const { sha256, size } of open) if (!needed(sha256)) tools.show(size);
    const small = open.filter(({ sha256 }) => links.has(sha256));
    await forEachParallel(small, PARALLEL_UPLOADS, async (parcel) => {
      const link = links.get(parcel.sha256);
      if (link !== undefined && !(await putParcel(parcel, link, tools))) later.add(parcel.sha256);
    });
    for (const parcel of open)
      if ('file' in parcel && inParts.has(parcel.sha256)) await putParts(parcel.file, tools);
    const left = open.filter(({ sha256 }) => later.has(sha256));
    if (left.length === open.length && small.length > 0)
      throw new UnreachableError("The farm's storage does not accept the links that the farm gave out.");
    open = left;
  }
}

/** @returns false when the link has expired. */
async function putParcel(parcel: Parcel, link: Target, tools: SendTools): Promise<boolean> {
  const outcome =
    'file' in parcel
      ? await tools.patiently(() => putFile(parcel.file, link, tools))
      : await tools.patiently(() => putPack(parcel, link, tools));
  if (outcome === 'expired') return false;
  if (outcome !== 'stored') {
    if ('file' in parcel) throw changedFile(parcel.file, tools.hashes);
    throw new UnreachableError(`The farm's storage took a pack of files for another one.`);
  }
  tools.show(parcel.size);
  return true;
}

async function putFile(file: HashedFile, link: Target, { hashes, signal }: SendTools): Promise<PutOutcome> {
  try {
    // A Blob on disk is streamed with its length known, and fails when the file changes meanwhile.
    const body = await openAsBlob(file.file);
    return (await putBytes(link, body, file.path, signal)).outcome;
  } catch (error) {
    signal.throwIfAborted();
    if (!(await isUntouched(file))) throw changedFile(file, hashes);
    throw error;
  }
}

async function putPack(
  pack: Extract<Parcel, { files: unknown }>,
  link: Target,
  { signal }: SendTools,
): Promise<PutOutcome> {
  const what = `a pack of ${pack.files.length} files`;
  return (await putBytes(link, new Uint8Array(pack.bytes()), what, signal)).outcome;
}
