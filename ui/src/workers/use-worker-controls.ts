import { ref, type Ref } from 'vue';
import type { Worker } from '../../../src/shared/contracts/api.ts';
import type { WorkerVerb } from '../../../src/shared/contracts/manage-api.ts';
import { farmApi } from '../api/farm-api.ts';
import { sentenceOf } from '../api/problem.ts';
import { useNotices } from '../common/use-notices.ts';
import type { PendingConfirm } from '../controls/use-job-controls.ts';
import { verbTitle, verbYes } from './worker-verbs.ts';

type Fields = Parameters<typeof farmApi.controlWorkers>[2];
/** What of a worker decides on the way back. */
type Asked = Pick<Worker, 'id' | 'pause'>;

interface WorkerControls {
  /** What waits for a yes; a `ConfirmDialog` shows it. */
  pending: Ref<PendingConfirm | null>;
  /** Asks the farm what a verb would do and shows its sentence; done only after a yes. */
  ask: (workers: readonly Asked[], verb: WorkerVerb, fields?: Fields) => Promise<void>;
}

/** Verbs for workers: each says first what it will do, and the way back is offered where there is one. */
export function useWorkerControls(): WorkerControls {
  const { say } = useNotices();
  const pending = ref<PendingConfirm | null>(null);

  async function send(workers: readonly Asked[], verb: WorkerVerb, fields: Fields = {}): Promise<void> {
    const ids = workers.map(({ id }) => id);
    const { verb: back, ids: changed } = wayBack(workers, verb);
    try {
      const { message, ok } = await farmApi.controlWorkers(ids, verb, fields);
      const asked = changed.map((id) => ({ id, pause: null }));
      const undo = { label: 'Undo', run: () => void send(asked, back ?? verb) };
      say(message, ok, back !== undefined && changed.length > 0 ? undo : undefined);
    } catch (error) {
      say(sentenceOf(error), false);
    }
  }

  async function ask(workers: readonly Asked[], verb: WorkerVerb, fields: Fields = {}): Promise<void> {
    try {
      const ids = workers.map(({ id }) => id);
      const { message } = await farmApi.controlWorkers(ids, verb, { ...fields, dryRun: true });
      pending.value = {
        title: verbTitle(verb, ids),
        text: message,
        yes: verbYes(verb, ids.length),
        harmless: verb === 'resume' || verb === 'timetable',
        run: () => send(workers, verb, fields),
      };
    } catch (error) {
      say(sentenceOf(error), false);
    }
  }

  return { pending, ask };
}

/** Only what a verb changes is taken back: who was paused before stays so. */
function wayBack(workers: readonly Asked[], verb: WorkerVerb): { verb?: WorkerVerb; ids: string[] } {
  const paused = workers.filter(({ pause }) => pause !== null && pause.by !== 'timetable');
  const free = workers.filter((worker) => !paused.includes(worker));
  if (verb === 'pause' || verb === 'give-back') return { verb: 'resume', ids: free.map(({ id }) => id) };
  if (verb === 'resume') return { verb: 'pause', ids: paused.map(({ id }) => id) };
  return { ids: [] };
}
