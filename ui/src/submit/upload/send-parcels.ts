import { farmApi } from '../../api/farm-api.ts';
import { ChangedFileError } from './hash-files.ts';
import type { Parcel } from './pack-files.ts';
import { forEachParallel } from './pool.ts';
import { putBytes, UnreachableError, type Target } from './put-bytes.ts';
import { putParts } from './put-parts.ts';

const PARALLEL_UPLOADS = 4;
/** Links that are refused at once are not refused because they are old. */
const MOST_REFUSED_PLANS = 3;

export interface SendTools {
  signal: AbortSignal;
  /** Repeats a request while the farm is away. */
  patiently: <T>(request: () => Promise<T>) => Promise<T>;
  /** So many bytes of a parcel are at the farm. */
  show: (parcel: Parcel, bytes: number) => void;
  /** The farm has it already. */
  skip: (parcel: Parcel) => void;
}

/**
 * Sends what the farm lacks. It says so in one answer; only links, which hold for some minutes, are asked for again.
 * @throws ChangedFileError when a file is no longer what it was; ProblemError, UnreachableError; the signal's reason
 */
export async function sendParcels(parcels: readonly Parcel[], tools: SendTools): Promise<void> {
  let refused = 0;
  for (let open = parcels; open.length > 0;) {
    const files = open.map(({ sha256, size }) => ({ sha256, size }));
    const plan = await tools.patiently(() => farmApi.planAssets(files));
    const links = new Map<string, Target>(plan.uploads.map((upload) => [upload.sha256, upload]));
    const inParts = new Set(plan.parts);
    const later = new Set(plan.more);
    for (const parcel of open)
      if (![links, inParts, later].some((some) => some.has(parcel.sha256))) tools.skip(parcel);
    const small = open.filter(({ sha256 }) => links.has(sha256));
    let stored = 0;
    await forEachParallel(small, PARALLEL_UPLOADS, async (parcel) => {
      const link = links.get(parcel.sha256);
      if (link && (await putParcel(parcel, link, tools))) stored++;
      else later.add(parcel.sha256);
    });
    if (small.length > 0 && stored === 0 && ++refused === MOST_REFUSED_PLANS)
      throw new UnreachableError('The farm’s storage does not take the links that the farm gives out.');
    for (const parcel of open) if (inParts.has(parcel.sha256)) await putParts(parcel, tools);
    open = open.filter(({ sha256 }) => later.has(sha256));
  }
}

/** @returns false when the link has expired */
async function putParcel(parcel: Parcel, link: Target, tools: SendTools): Promise<boolean> {
  const onSent = (bytes: number): void => tools.show(parcel, Math.min(bytes, parcel.size));
  const outcome = await tools.patiently(() => putBytes(link, parcel.bytes, { signal: tools.signal, onSent }));
  if (outcome === 'expired') return false;
  if (outcome !== 'stored') throw new ChangedFileError(parcel.label);
  tools.show(parcel, parcel.size);
  return true;
}
