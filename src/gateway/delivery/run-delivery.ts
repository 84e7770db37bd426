import { Readable } from 'node:stream';
import { FarmError } from '../../shared/domain/errors.ts';
import type { ResultFile, ResultPlace, ResultReader } from '../ledger/result-reader.ts';
import { mapConcurrently } from '../storage/map-concurrently.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { SourceFileError, copyFile, type CopyTools } from './copy-file.ts';
import { placeText, type CopiedPage, type DeliveryRow, type DeliveryStore } from './delivery-store.ts';
import { manifestEntry, manifestJson } from './manifest-text.ts';
import { TargetBucket } from './target-bucket.ts';
import { targetClient } from './target-client.ts';
import { leadsTo, type OpenTarget, type TargetStore } from './target-store.ts';

const FRAMES_A_PAGE = 40;
const FILES_AT_ONCE = 6;
const MANIFEST = 'manifest.json';

export interface DeliveryTools {
  store: DeliveryStore;
  targets: TargetStore;
  reader: ResultReader;
  objects: ObjectStore;
  /** The farm's own server and bucket. */
  farm: { endpoint: string; bucket: string };
}

/**
 * Copies a delivery's files from where it was left, then writes the manifest of those that were copied beside them.
 * @returns false when it is not this gateway's any more
 * @throws TargetRefusedError when somebody has to do something first, other errors when trying again may help, and the
 *   signal's reason
 */
export async function runDelivery(
  delivery: DeliveryRow,
  tools: DeliveryTools,
  signal: AbortSignal,
): Promise<boolean> {
  const { store, targets, reader } = tools;
  const target = await targets.open(delivery.target);
  if (!leadsTo(target, delivery))
    throw new FarmError(
      'conflict',
      `The target ${target.name} was changed and leads to ${placeText(target)} now, not to ${placeText(delivery)}; deliver again.`,
    );
  const client = targetClient(target);
  try {
    const who = { target: target.name, accessKeyId: target.accessKeyId };
    const bucket = new TargetBucket(client, delivery.bucket, who, signal);
    await bucket.assertThere();
    const copying = copyTools(tools, target, bucket, signal);
    const results = await reader.open(
      delivery.job_id,
      {
        step: delivery.step ?? undefined,
        output: delivery.output ?? undefined,
        frames: delivery.frames ?? undefined,
      },
      delivery.pattern ?? undefined,
    );
    // No page is left to copy when the last one was, and only the manifest is missing.
    let place: ResultPlace | undefined = delivery.place ?? undefined;
    while (place !== undefined || delivery.page === 0) {
      const page = await reader.page(results, place, FRAMES_A_PAGE);
      const copied = await copyPage(page.files, delivery, copying);
      if (!(await store.record(delivery, { ...copied, place: page.next }))) return false;
      place = page.next;
      if (place === undefined) break;
    }
    const text = manifestJson(results.job, store.copiedFiles(delivery.id), new Date());
    const body = Readable.from(bytesOf(text), { objectMode: false });
    const file = { key: keyOf(delivery, MANIFEST), bytes: 0 };
    await bucket.putParts(file, body, 'application/json');
    await store.finish(delivery);
    return true;
  } finally {
    client.destroy();
  }
}

function copyTools(
  { objects, farm }: DeliveryTools,
  target: OpenTarget,
  bucket: TargetBucket,
  signal: AbortSignal,
): CopyTools {
  const same = new URL(target.endpoint).origin === new URL(farm.endpoint).origin;
  return { objects, target: bucket, sameServer: same ? { bucket: farm.bucket } : undefined, signal };
}

async function copyPage(
  files: readonly ResultFile[],
  delivery: DeliveryRow,
  tools: CopyTools,
): Promise<Omit<CopiedPage, 'place'>> {
  const failures: CopiedPage['failures'] = [];
  let kept = 0;
  const copied = await mapConcurrently(files, FILES_AT_ONCE, async (file) => {
    try {
      if ((await copyFile(file, keyOf(delivery, file.name), tools)) === 'kept') kept++;
      return [manifestEntry(file)];
    } catch (error) {
      if (!(error instanceof SourceFileError)) throw error;
      failures.push({ name: file.name, message: error.message });
      return [];
    }
  });
  return { copied: copied.flat(), kept, failures };
}

function keyOf({ prefix }: DeliveryRow, name: string): string {
  return prefix === '' ? name : `${prefix}/${name}`;
}

async function* bytesOf(pieces: AsyncIterable<string>): AsyncGenerator<Buffer> {
  for await (const piece of pieces) yield Buffer.from(piece);
}
