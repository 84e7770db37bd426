import { useIntervalFn } from '@vueuse/core';
import { shallowRef, type ShallowRef } from 'vue';
import type { Worker } from '../../../src/shared/contracts/api.ts';
import { HISTORY_STEP_SECONDS, type WorkersHistory } from '../../../src/shared/contracts/worker-api.ts';
import { farmApi } from '../api/farm-api.ts';
import { useFreshness } from '../realtime/use-farm-socket.ts';
import { addToGauge, gapAfter } from './gauges.ts';
import { isGone, usedMemory, usedSlots } from './worker-filter.ts';

export type Gauges = WorkersHistory['workers'][string];

/**
 * Gauges of the last ten minutes by worker: what the farm remembers, and from then on what the live list says.
 * While nothing is heard, and where the browser stopped the page, there is a gap until the farm is asked what it was.
 * @param only of this worker alone.
 */
export function useGauges(workers: () => readonly Worker[], only?: string): ShallowRef<Map<string, Gauges>> {
  const gauges = shallowRef(new Map<string, Gauges>());
  const freshness = useFreshness();
  let lastMs = Date.now();
  let wasAway = false;

  async function load(): Promise<void> {
    try {
      gauges.value = new Map(Object.entries((await farmApi.workerHistory(only)).workers));
    } catch {
      // Without the past the lines begin now; that the farm is away is said by the page's status.
    }
  }

  function add(): void {
    const next = new Map<string, Gauges>();
    const isLive = freshness.value.kind === 'live';
    const gap = gapAfter(Date.now() - lastMs);
    lastMs = Date.now();
    for (const worker of workers()) {
      const past = gauges.value.get(worker.id) ?? { cpu: '', memory: '', slots: '' };
      const here = isLive && !isGone(worker.state);
      next.set(worker.id, {
        cpu: addToGauge(past.cpu + gap, here ? worker.load / worker.cores : null),
        memory: addToGauge(past.memory + gap, here ? usedMemory(worker) : null),
        slots: addToGauge(past.slots + gap, here ? usedSlots(worker) / worker.slots : null),
      });
    }
    gauges.value = next;
    if (isLive && (wasAway || gap !== '')) void load();
    wasAway = !isLive;
  }

  void load();
  useIntervalFn(add, HISTORY_STEP_SECONDS * 1_000);
  return gauges;
}
