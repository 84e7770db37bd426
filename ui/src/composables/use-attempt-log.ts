import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue';
import type { Attempt } from '../../../src/shared/contracts/api.ts';
import { farmApi } from '../api/farm-api.ts';
import { sentenceOf } from '../api/problem.ts';
import { LogBuffer, type LogLine } from '../format/log-text.ts';
import { onceAFrame } from '../realtime/frame-flush.ts';
import { enterRoom } from './use-farm-socket.ts';

/** Read in one go before the reader is asked whether more is wanted. */
const BITE_BYTES = 4 * 1024 * 1024;

interface AttemptLog {
  lines: ShallowRef<LogLine[]>;
  loading: Ref<boolean>;
  problem: Ref<string>;
  /** Bytes before the first line that are not shown; null when all is. */
  cutAt: Ref<number | null>;
  /** There is more of an ended attempt's log. */
  more: Ref<boolean>;
  loadMore: () => Promise<void>;
}

const bytesOf = (text: string): number => new TextEncoder().encode(text).byteLength;

/** The log of one attempt: live while it runs, from storage once it has ended. */
export function useAttemptLog(jobId: string, attempt: Ref<Attempt | null>): AttemptLog {
  const lines = shallowRef<LogLine[]>([]);
  const loading = ref(false);
  const problem = ref('');
  const cutAt = ref<number | null>(null);
  const more = ref(false);
  let buffer = new LogBuffer();
  let offset = 0;
  let leave = (): void => undefined;
  let opened = 0;

  const flush = onceAFrame(() => (lines.value = buffer.lines()));

  function reset(): void {
    leave();
    leave = () => undefined;
    opened++;
    buffer = new LogBuffer();
    offset = 0;
    more.value = false;
    cutAt.value = null;
    problem.value = '';
    flush.request();
  }

  async function read(id: string): Promise<void> {
    const mine = opened;
    const stopAt = offset + BITE_BYTES;
    loading.value = true;
    try {
      for (;;) {
        const piece = await farmApi.log(jobId, id, offset);
        if (mine !== opened) return;
        if (offset === 0 && piece.offset > 0) cutAt.value = piece.offset;
        buffer.append(piece.text);
        flush.request();
        const finished = piece.nextOffset <= offset || piece.text === '';
        offset = piece.nextOffset;
        more.value = !finished;
        if (finished || offset >= stopAt) return;
      }
    } catch (error) {
      if (mine === opened) problem.value = sentenceOf(error);
    } finally {
      if (mine === opened) loading.value = false;
    }
  }

  function follow(id: string): void {
    loading.value = true;
    leave = enterRoom(`log:${id}`, {
      snapshot: ({ log }) => {
        buffer = new LogBuffer();
        buffer.append(log?.text ?? '');
        offset = log?.nextOffset ?? 0;
        const start = offset - bytesOf(log?.text ?? '');
        cutAt.value = start > 0 ? start : null;
        loading.value = false;
        flush.request();
      },
      patch: ({ log }) => {
        if (!log || log.offset < offset) return; // A piece that came twice.
        buffer.append(log.text);
        offset = log.offset + bytesOf(log.text);
        flush.request();
      },
      refused: (_code, message) => {
        loading.value = false;
        problem.value = message;
      },
    });
  }

  // The same attempt object comes anew with each look at the list: only another attempt, or its end, matters.
  watch(
    () => attempt.value && `${attempt.value.id} ${attempt.value.endedAt === null ? 'runs' : 'ended'}`,
    () => {
      reset();
      if (attempt.value === null) return;
      if (attempt.value.endedAt === null) follow(attempt.value.id);
      else void read(attempt.value.id);
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    reset();
    flush.cancel();
  });

  return {
    lines,
    loading,
    problem,
    cutAt,
    more,
    loadMore: async () => {
      if (attempt.value) await read(attempt.value.id);
    },
  };
}
