import { onScopeDispose, reactive, shallowRef, watch, type Ref, type ShallowRef } from 'vue';
import type { Attempt } from '../../../../src/shared/contracts/api.ts';
import { farmApi } from '../../api/farm-api.ts';
import { sentenceOf } from '../../api/problem.ts';
import type { LogLine } from './log-text.ts';
import { onceAFrame } from '../../realtime/frame-flush.ts';
import { LogTail } from './log-tail.ts';
import { enterRoom } from '../../realtime/use-farm-socket.ts';

/** Read in one go before the reader is asked whether more is wanted. */
const BITE_BYTES = 4 * 1024 * 1024;

const MOST_LINES = 250_000;

interface LogStatus {
  loading: boolean;
  /** Why there is nothing to read; empty while all is well. */
  problem: string;
  /** Bytes before the first line that are not kept; null when all is here. */
  cutAt: number | null;
  /** There is more of an ended attempt's log. */
  more: boolean;
}

interface AttemptLog {
  lines: ShallowRef<LogLine[]>;
  status: LogStatus;
  loadMore: () => Promise<void>;
  /** Reads from a byte on, at which a line begins; of an ended attempt. */
  openAt: (offset: number) => Promise<void>;
  /** Reads its end; of an ended attempt. */
  openEnd: () => Promise<void>;
}

const START: LogStatus = { loading: false, problem: '', cutAt: null, more: false };

/** The log of one attempt: live while it runs, from storage once it has ended. */
export function useAttemptLog(jobId: string, attempt: Ref<Attempt | null>): AttemptLog {
  const lines = shallowRef<LogLine[]>([]);
  const status = reactive<LogStatus>({ ...START });
  let tail = new LogTail();
  let leave = (): void => undefined;

  const flush = onceAFrame(() => {
    lines.value = tail.lines();
    status.cutAt = tail.cutAt;
  });

  function reset(): void {
    leave();
    leave = () => undefined;
    tail = new LogTail();
    Object.assign(status, START);
    flush.request();
  }

  async function read(id: string): Promise<void> {
    const mine = tail;
    const stopAt = mine.offset + BITE_BYTES;
    status.loading = true;
    try {
      do {
        const piece = await farmApi.log(jobId, id, { offset: mine.offset });
        if (mine !== tail) return; // Somebody picked another attempt meanwhile.
        status.more = piece.text !== '' && piece.nextOffset > mine.offset;
        mine.add(piece, piece.nextOffset);
        flush.request();
      } while (status.more && mine.offset < stopAt);
    } catch (error) {
      if (mine === tail) status.problem = sentenceOf(error);
    } finally {
      if (mine === tail) status.loading = false;
    }
  }

  function follow(id: string): void {
    status.loading = true;
    leave = enterRoom(`log:${id}`, {
      snapshot: ({ log }) => {
        tail.restart(log?.text ?? '', log?.nextOffset ?? 0);
        status.loading = false;
        flush.request();
      },
      patch: ({ log }) => {
        if (log) tail.add(log);
        flush.request();
      },
      refused: (_code, message) => Object.assign(status, { loading: false, problem: message }),
    });
  }

  // The same attempt comes as a new object with each look at the list: only another one, or its end, matters.
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

  async function open(at: { offset: number } | { tail: 'true' }): Promise<void> {
    const { id, endedAt } = attempt.value ?? {};
    if (id === undefined || endedAt === null) return;
    reset();
    const mine = tail;
    status.loading = true;
    try {
      const piece = await farmApi.log(jobId, id, at);
      if (mine !== tail) return;
      mine.openAt(piece.offset, piece.line ?? 0);
      mine.add(piece, piece.nextOffset);
      status.more = !('tail' in at) && piece.text !== '';
      flush.request();
    } catch (error) {
      if (mine === tail) status.problem = sentenceOf(error);
    } finally {
      if (mine === tail) status.loading = false;
    }
  }

  return {
    lines,
    status,
    // What a page can hold is bounded: beyond that what was read first makes room.
    loadMore: async () => {
      if (!attempt.value) return;
      if (tail.lines().length > MOST_LINES) await open({ offset: tail.offset });
      else await read(attempt.value.id);
    },
    openAt: (offset) => open({ offset }),
    openEnd: () => open({ tail: 'true' }),
  };
}
