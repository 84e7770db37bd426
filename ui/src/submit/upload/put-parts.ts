import type { PartsReply } from '../../../../src/shared/contracts/asset-api.ts';
import { farmApi } from '../../api/farm-api.ts';
import { ProblemError } from '../../api/problem.ts';
import { ChangedFileError } from './hash-files.ts';
import type { Parcel } from './pack-files.ts';
import { forEachParallel } from './pool.ts';
import { putBytes, UnreachableError } from './put-bytes.ts';
import type { SendTools } from './send-parcels.ts';

const PARALLEL_PARTS = 3;
/** An upload can end under somebody's hands: another client completes it, or the farm gives it up. */
const MOST_BEGINNINGS = 5;
const ASK_AGAIN_MS = 1_000;

/**
 * Uploads a big file in parts. What is there of it, from whoever sent it, is not sent again.
 * @throws as `sendParcels`
 */
export async function putParts(parcel: Parcel, tools: SendTools): Promise<void> {
  const { sha256, size } = parcel;
  for (let beginnings = 1; ; beginnings++) {
    const begun = await tools.patiently(() => farmApi.beginParts({ sha256, size }));
    if (begun.uploadId === null) break;
    if (await putAll(parcel, { ...begun, uploadId: begun.uploadId }, tools)) break;
    if (beginnings === MOST_BEGINNINGS)
      throw new UnreachableError(
        `The upload of ${parcel.label} in parts was ended by others again and again.`,
      );
  }
  tools.show(parcel, size);
  await verify(parcel, tools);
}

/** @returns false when the upload is over and has to be begun again */
async function putAll(
  parcel: Parcel,
  { uploadId, partBytes, stored }: PartsReply & { uploadId: string },
  tools: SendTools,
): Promise<boolean> {
  const { sha256, size, parts } = parcel;
  const there = new Set(stored);
  const bytesOf = (index: number): number => Math.min(partBytes, size - index * partBytes);
  const sent = new Map(stored.map((part) => [part - 1, bytesOf(part - 1)]));
  const show = (): void =>
    tools.show(
      parcel,
      [...sent.values()].reduce((sum, bytes) => sum + bytes, 0),
    );
  show();
  const ended = new AbortController();
  await forEachParallel(parts.entries(), PARALLEL_PARTS, async ([index, partSha256]) => {
    if (ended.signal.aborted || there.has(index + 1)) return;
    const bytes = parcel.bytes.slice(index * partBytes, index * partBytes + bytesOf(index));
    const onSent = (now: number): void => {
      sent.set(index, Math.min(now, bytes.size));
      show();
    };
    const outcome = await tools.patiently(async () => {
      const link = await farmApi.partLink({ sha256, uploadId, part: index + 1, partSha256 });
      const put = await putBytes(link, bytes, { signal: tools.signal, onSent });
      if (put === 'expired') throw new UnreachableError('The farm’s storage does not take the farm’s links.');
      return put;
    });
    if (outcome === 'other-bytes') throw new ChangedFileError(parcel.label);
    if (outcome === 'no-such-upload') ended.abort();
  });
  if (ended.signal.aborted) return false;
  try {
    await tools.patiently(() => farmApi.completeParts({ sha256, size, uploadId, parts: [...parts] }));
    return true;
  } catch (error) {
    if (error instanceof ProblemError && ['not-found', 'conflict'].includes(error.code)) return false;
    throw error;
  }
}

/** The farm hashes the whole, which takes some seconds a gigabyte. */
async function verify({ sha256, size, label }: Parcel, tools: SendTools): Promise<void> {
  try {
    while ((await tools.patiently(() => farmApi.verifyParts({ sha256, size }))).state !== 'verified') {
      tools.signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  } catch (error) {
    if (error instanceof ProblemError && error.code === 'invalid') throw new ChangedFileError(label);
    throw error;
  }
}
