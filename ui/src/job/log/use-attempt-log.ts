import { onScopeDispose, reactive, shallowRef, watch, type Ref, type ShallowRef } from 'vue';
import type { Attempt, LogReply } from '../../../../src/shared/contracts/api.ts';
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

type Take = (mine: LogTail, isWanted: () => boolean) => Promise<void>;

/** Somebody may pick another attempt, or another place, meanwhile: then what comes is not taken. */
async function taking(status: LogStatus, mine: LogTail, isWanted: () => boolean, take: Take): Promise<void> {
  status.loading = true;
  try {
    await take(mine, isWanted);
  } catch (error) {
    if (isWanted()) status.problem = sentenceOf(error);
  } finally {
    if (isWanted()) status.loading = false;
  }
}

/** @param add tells whether there is more that is wanted */
async function readBite(
  readFrom: (offset: number) => Promise<LogReply>,
  add: (piece: LogReply) => boolean,
  from: number,
): Promise<void> {
  for (let offset = from; offset < from + BITE_BYTES;) {
    const piece = await readFrom(offset);
    if (!add(piece)) return;
    offset = piece.nextOffset;
  }
}

/** Live, while the attempt runs. @returns what ends it */
function follow(id: string, tail: LogTail, status: LogStatus, changed: () => void): () => void {
  status.loading = true;
  return enterRoom(`log:${id}`, {
    snapshot: ({ log }) => {
      tail.restart(log?.text ?? '', log?.nextOffset ?? 0);
      status.loading = false;
      changed();
    },
    patch: ({ log }) => {
      if (log) tail.add(log);
      changed();
    },
    refused: (_code, message) => Object.assign(status, { loading: false, problem: message }),
  });
}

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

  const ask = (take: Take): Promise<void> => {
    const mine = tail;
    return taking(status, mine, () => mine === tail, take);
  };
  const read = (id: string): Promise<void> =>
    ask((mine, isWanted) =>
      readBite(
        (offset) => farmApi.log(jobId, id, { offset }),
        (piece) => {
          if (!isWanted()) return false;
          status.more = piece.text !== '' && piece.nextOffset > mine.offset;
          mine.add(piece, piece.nextOffset);
          flush.request();
          return status.more;
        },
        mine.offset,
      ),
    );

  // The same attempt comes as a new object with each look at the list: only another one, or its end, matters.
  watch(
    () => attempt.value && `${attempt.value.id} ${attempt.value.endedAt === null ? 'runs' : 'ended'}`,
    () => {
      reset();
      if (attempt.value === null) return;
      if (attempt.value.endedAt === null) leave = follow(attempt.value.id, tail, status, flush.request);
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
    await ask(async (mine, isWanted) => {
      const piece = await farmApi.log(jobId, id, at);
      if (!isWanted()) return;
      mine.openAt(piece.offset, piece.line ?? 0);
      mine.add(piece, piece.nextOffset);
      status.more = !('tail' in at) && piece.text !== '';
      flush.request();
    });
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
