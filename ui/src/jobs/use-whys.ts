import { useIntervalFn } from '@vueuse/core';
import { shallowReactive } from 'vue';
import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import type { Why } from '../../../src/shared/contracts/manage-api.ts';
import { farmApi } from '../api/farm-api.ts';

const ASK_AGAIN_MS = 20_000;
const LOOK_EVERY_MS = 400;
/** Of the jobs in view so many are asked about at a time: a list costs the farm at most five answers a second. */
const AT_ONCE = 2;

export interface ToldWhy {
  why: Why;
  atMs: number;
}

/** Why the jobs in view wait and when they may end, as the farm says; asked one after the other. */
export function useWhys(inView: () => readonly JobSummary[]): ReadonlyMap<string, ToldWhy> {
  const told = shallowReactive(new Map<string, ToldWhy>());
  const askedAt = new Map<string, number>();
  let running = 0;

  async function ask(id: string): Promise<void> {
    running++;
    askedAt.set(id, Date.now());
    try {
      told.set(id, { why: await farmApi.why(id), atMs: Date.now() });
    } catch {
      told.delete(id); // Nobody can say at the moment; it is asked again.
    } finally {
      running--;
    }
  }

  useIntervalFn(() => {
    if (document.hidden) return;
    const due = inView().filter(
      (job) => isOpen(job) && Date.now() - (askedAt.get(job.id) ?? 0) > ASK_AGAIN_MS,
    );
    for (const job of due.slice(0, AT_ONCE - running)) void ask(job.id);
  }, LOOK_EVERY_MS);
  return told;
}

const isOpen = (job: JobSummary): boolean => job.state === 'queued' || job.state === 'running';

/** It is open and nothing of it is being rendered. */
export const isWaiting = (job: JobSummary): boolean => isOpen(job) && job.frames.running === 0;
