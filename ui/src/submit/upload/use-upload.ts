import { createGlobalState } from '@vueuse/core';
import { computed, reactive, ref, shallowRef } from 'vue';
import { farmApi } from '../../api/farm-api.ts';
import { sentenceOf } from '../../api/problem.ts';
import { folderAround, gather, type DroppedFile } from './dropped-files.ts';
import { hashFiles, type HashedFile } from './hash-files.ts';
import { packFiles, type Parcel } from './pack-files.ts';
import { patiently } from './patience.ts';
import { sendParcels } from './send-parcels.ts';

export type UploadState = 'empty' | 'hashing' | 'uploading' | 'paused' | 'failed' | 'stored';

/** A parcel on its way, as people see it. */
export interface Shipment {
  sha256: string;
  label: string;
  size: number;
  sent: number;
}

/** Counters change with every piece; the page follows a few times a second. */
const SHOW_EVERY_MS = 200;

/** The files that were added, on their way to the farm. There is one for the page, so that it outlives a look elsewhere. */
export const useUpload = createGlobalState(() => {
  const files = shallowRef<DroppedFile[]>([]);
  const refused = ref<string[]>([]);
  const state = ref<UploadState>('empty');
  /** Why it failed, or what is waited for. */
  const problem = ref('');
  const waiting = ref(false);
  /** The manifest's hash, once all files are at the farm. */
  const asset = ref<string | null>(null);
  /** The name of the folder or file that was added first. */
  const label = ref('');
  const counts = reactive({ hashed: 0, bytes: 0, sent: 0, toSend: 0, already: 0 });
  const shipments = shallowRef<Shipment[]>([]);
  const known = new WeakMap<File, HashedFile>();
  let run = new AbortController();

  const bytes = computed(() => files.value.reduce((sum, { file }) => sum + file.size, 0));

  function add(dropped: readonly DroppedFile[]): void {
    if (dropped.length === 0) return;
    if (files.value.length === 0)
      label.value = folderAround(dropped).slice(0, -1) || (dropped[0]?.path.replace(/\.[^./]*$/, '') ?? '');
    const gathered = gather(files.value, dropped);
    files.value = gathered.files;
    refused.value = gathered.refused;
    asset.value = null;
    if (gathered.files.length > 0) void go();
  }

  function remove(path: string): void {
    files.value = files.value.filter((one) => one.path !== path);
    asset.value = null;
    if (files.value.length > 0) void go();
    else clear();
  }

  function clear(): void {
    run.abort();
    files.value = [];
    refused.value = [];
    shipments.value = [];
    Object.assign(counts, { hashed: 0, bytes: 0, sent: 0, toSend: 0, already: 0 });
    state.value = 'empty';
    problem.value = '';
    asset.value = null;
    label.value = '';
  }

  function pause(): void {
    run.abort();
    state.value = 'paused';
  }

  /** Begins, or goes on: what was hashed is not hashed again, what is at the farm is not sent again. */
  async function go(): Promise<void> {
    run.abort();
    const mine = (run = new AbortController());
    problem.value = '';
    waiting.value = false;
    try {
      const found = await ship(files.value, mine.signal);
      mine.signal.throwIfAborted();
      asset.value = found;
      state.value = 'stored';
    } catch (error) {
      if (mine.signal.aborted) return; // somebody paused it, or added files
      problem.value = sentenceOf(error);
      state.value = 'failed';
    }
  }

  async function ship(wanted: readonly DroppedFile[], signal: AbortSignal): Promise<string> {
    state.value = 'hashing';
    const hashed = await hash(wanted, signal);
    const { parcels, entries } = await packFiles(hashed, signal);
    signal.throwIfAborted();
    state.value = 'uploading';
    const onWait = (reason: string | null): void => {
      if (signal.aborted) return;
      waiting.value = reason !== null;
      problem.value = reason ?? '';
    };
    const patient = <T>(request: () => Promise<T>): Promise<T> => patiently(request, { signal, onWait });
    await send(parcels, signal, patient);
    return (await patient(() => farmApi.registerAsset({ version: 1, files: entries }))).sha256;
  }

  async function hash(wanted: readonly DroppedFile[], signal: AbortSignal): Promise<HashedFile[]> {
    const fresh = wanted.filter(({ file }) => !known.has(file));
    Object.assign(counts, { hashed: 0, bytes: fresh.reduce((sum, { file }) => sum + file.size, 0) });
    const onRead = (read: number): void => void (counts.hashed += read);
    await hashFiles(fresh, { signal, onRead, onHashed: (one) => known.set(one.file, one) });
    return wanted.flatMap(({ path, file }) => {
      const one = known.get(file);
      return one ? [{ ...one, path }] : [];
    });
  }

  async function send(
    parcels: readonly Parcel[],
    signal: AbortSignal,
    patient: <T>(request: () => Promise<T>) => Promise<T>,
  ): Promise<void> {
    const open = new Map(parcels.map((parcel) => [parcel.sha256, { ...parcel, sent: 0 }]));
    let already = 0;
    const tell = (): void => {
      const left = [...open.values()];
      shipments.value = left.map(({ sha256, label: name, size, sent }) => ({
        sha256,
        label: name,
        size,
        sent,
      }));
      const toSend = left.reduce((sum, { size }) => sum + size, 0);
      Object.assign(counts, { toSend, already, sent: left.reduce((sum, { sent }) => sum + sent, 0) });
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

  return {
    ...{ files, refused, state, problem, waiting, asset, label, counts, shipments, bytes },
    ...{ add, remove, clear, pause, go },
  };
});
