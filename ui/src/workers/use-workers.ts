import { ref, shallowRef, type Ref, type ShallowRef } from 'vue';
import type { Worker } from '../../../src/shared/contracts/api.ts';
import { useRoom } from '../realtime/use-farm-socket.ts';

/** The farm's workers by id, live. */
export function useWorkers(): { workers: ShallowRef<Worker[]>; loaded: Ref<boolean>; problem: Ref<string> } {
  const byId = new Map<string, Worker>();
  const workers = shallowRef<Worker[]>([]);
  const loaded = ref(false);
  const problem = ref('');
  const publish = (): void => {
    workers.value = [...byId.values()].sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
  };
  useRoom('workers', {
    snapshot: (snapshot) => {
      byId.clear();
      for (const worker of snapshot.workers ?? []) byId.set(worker.id, worker);
      loaded.value = true;
      problem.value = '';
      publish();
    },
    patch: (patch) => {
      for (const worker of patch.workers ?? []) byId.set(worker.id, worker);
      publish();
    },
    refused: (_code, message) => (problem.value = message),
  });
  return { workers, loaded, problem };
}
