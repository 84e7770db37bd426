import type { Queue } from '../../../src/shared/contracts/queue-api.ts';
import { wranglerApi } from '../api/wrangler-api.ts';
import { useAnswer, type Answer } from '../common/use-answer.ts';

const LOOK_EVERY_MS = 2_000;

/** What waits and why, every two seconds. */
export const useQueue = (): Answer<Queue> => useAnswer(wranglerApi.queue, LOOK_EVERY_MS);
