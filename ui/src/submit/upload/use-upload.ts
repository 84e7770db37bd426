import { createGlobalState } from '@vueuse/core';
import { computed, reactive, ref, shallowRef } from 'vue';
import { sentenceOf } from '../../api/problem.ts';
import { folderAround, gather, type DroppedFile } from './dropped-files.ts';
import type { HashedFile } from './hash-files.ts';
import { shipFiles, type Shipment, type UploadCounts, type UploadState } from './ship-files.ts';

const NONE: UploadCounts = { hashed: 0, bytes: 0, sent: 0, toSend: 0, already: 0 };

/** The files that were added, on their way to the farm. There is one for the page, so that it outlives a look elsewhere. */
export const useUpload = createGlobalState(() => {
  const files = shallowRef<DroppedFile[]>([]);
  const refused = ref<string[]>([]);
  /** What was dropped over something else of the same name. */
  const notes = ref<string[]>([]);
  const state = ref<UploadState>('empty');
  /** Why it failed, or what is waited for. */
  const problem = ref('');
  const waiting = ref(false);
  /** The manifest's hash, once all files are at the farm. */
  const asset = ref<string | null>(null);
  /** The name of the folder or file that was added first. */
  const label = ref('');
  const counts = reactive({ ...NONE });
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
    notes.value = gathered.notes;
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
    notes.value = [];
    shipments.value = [];
    Object.assign(counts, NONE);
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
      const onWait = (reason: string | null): void => {
        waiting.value = reason !== null;
        problem.value = reason ?? '';
      };
      const tell = { signal: mine.signal, counts, shipments, state, onWait };
      const found = await shipFiles(files.value, known, tell);
      mine.signal.throwIfAborted();
      asset.value = found;
      state.value = 'stored';
    } catch (error) {
      if (mine.signal.aborted) return; // somebody paused it, or added files
      problem.value = sentenceOf(error);
      state.value = 'failed';
    }
  }

  return {
    ...{ files, refused, notes, state, problem, waiting, asset, label, counts, shipments, bytes },
    ...{ add, remove, clear, pause, go },
  };
});
