import type { Ref, ShallowRef } from 'vue';
import { farmApi } from '../../api/farm-api.ts';
import type { DroppedFile } from './dropped-files.ts';
import { hashFiles, type HashedFile } from './hash-files.ts';
import { packFiles, type Parcel } from './pack-files.ts';
import { patiently } from './patience.ts';
import { sendParcels, type SendTools } from './send-parcels.ts';

export type UploadState = 'empty' | 'hashing' | 'uploading' | 'paused' | 'failed' | 'stored';

/** A parcel on its way, as people see it. */
export interface Shipment {
  sha256: string;
  label: string;
  size: number;
  sent: number;
}

/** Bytes. */
export interface UploadCounts {
  hashed: number;
  /** To be hashed. */
  bytes: number;
  sent: number;
  toSend: number;
  /** The farm had them. */
  already: number;
}

/** What people see of it. */
interface Told {
  signal: AbortSignal;
  counts: UploadCounts;
  shipments: ShallowRef<Shipment[]>;
  state: Ref<UploadState>;
  /** Told why it waits, and null when it goes on. */
  onWait: (reason: string | null) => void;
}

type Patiently = SendTools['patiently'];

/** Counters change with every piece; the page follows a few times a second. */
const SHOW_EVERY_MS = 200;

/**
 * Hashes files, sends what the farm lacks of them, and registers them as one asset.
 * @param known files that were hashed before; what is hashed now is added
 * @returns the asset
 * @throws ChangedFileError, ProblemError, UnreachableError; the signal's reason
 */
export async function shipFiles(
  files: readonly DroppedFile[],
  known: WeakMap<File, HashedFile>,
  told: Told,
): Promise<string> {
  const { signal, state } = told;
  state.value = 'hashing';
  const hashed = await hash(files, known, told);
  const { parcels, entries } = await packFiles(hashed, signal);
  signal.throwIfAborted();
  state.value = 'uploading';
  const onWait = (reason: string | null): void => {
    if (!signal.aborted) told.onWait(reason);
  };
  const patient: Patiently = (request) => patiently(request, { signal, onWait });
  await send(parcels, patient, told);
  return (await patient(() => farmApi.registerAsset({ version: 1, files: entries }))).sha256;
}

async function hash(
  files: readonly DroppedFile[],
  known: WeakMap<File, HashedFile>,
  { signal, counts }: Told,
): Promise<HashedFile[]> {
  const fresh = files.filter(({ file }) => !known.has(file));
  Object.assign(counts, { hashed: 0, bytes: fresh.reduce((sum, { file }) => sum + file.size, 0) });
  const onRead = (read: number): void => {
    counts.hashed += read;
  };
  await hashFiles(fresh, { signal, onRead, onHashed: (one) => known.set(one.file, one) });
  return files.flatMap(({ path, file }) => {
    const one = known.get(file);
    return one ? [{ ...one, path }] : [];
  });
}

async function send(
  parcels: readonly Parcel[],
  patient: Patiently,
  { signal, counts, shipments }: Told,
): Promise<void> {
  const open = new Map(parcels.map(({ sha256, label, size }) => [sha256, { sha256, label, size, sent: 0 }]));
  let already = 0;
  const tell = (): void => {
    shipments.value = [...open.values()].map((one) => ({ ...one }));
    const toSend = shipments.value.reduce((sum, { size }) => sum + size, 0);
    const sent = shipments.value.reduce((sum, one) => sum + one.sent, 0);
    Object.assign(counts, { toSend, already, sent });
  };
  const timer = setInterval(tell, SHOW_EVERY_MS);
  tell();
  const show = ({ sha256 }: Parcel, sent: number): void => {
    const one = open.get(sha256);
    if (one) one.sent = sent;
  };
  const skip = ({ sha256, size }: Parcel): void => {
    if (open.delete(sha256)) already += size;
  };
  try {
    await sendParcels(parcels, { signal, patiently: patient, show, skip });
  } finally {
    clearInterval(timer);
    if (!signal.aborted) tell();
  }
}
