import { ref, shallowRef, type Ref, type ShallowRef } from 'vue';
import type { ControlManyReply } from '../../../src/shared/contracts/api.ts';
import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import { farmApi } from '../api/farm-api.ts';
import { sentenceOf } from '../api/problem.ts';
import { plural } from '../common/units.ts';
import { useNotices } from '../common/use-notices.ts';
import type { PendingConfirm } from '../controls/use-job-controls.ts';
import { inverseOf, type BulkChoice } from './bulk-text.ts';
import { controlInSlices, jobsFound, type ManyIds } from './control-slices.ts';

/** The jobs that are meant: these, or all that a query finds; an empty query finds all. */
export type BulkTarget = { ids: string[] } | { query: string };

/** Fewer are asked so quickly that nobody reads how far it is. */
const WORTH_TELLING = 500;

export interface Refusal {
  id: string;
  name: string;
  message: string;
}

interface Bulk {
  busy: Ref<boolean>;
  /** How far it is with very many jobs; empty: nothing to tell. */
  progress: Ref<string>;
  /** Jobs that refused what was asked last. */
  refusals: ShallowRef<Refusal[]>;
  /** Asks the farm what it would do and has it confirmed; what was confirmed is what is done. */
  ask: (choice: BulkChoice, target: BulkTarget) => Promise<void>;
}

/** One verb for many jobs, with the way back. */
export function useBulk(
  pending: Ref<PendingConfirm | null>,
  jobs: () => readonly JobSummary[],
  done: () => void,
): Bulk {
  const { say } = useNotices();
  const busy = ref(false);
  const progress = ref('');
  const refusals = shallowRef<Refusal[]>([]);
  const refusalsIn = (reply: ControlManyReply): Refusal[] => {
    const names = new Map(jobs().map((job) => [job.id, job.name.slice(0, 200)]));
    return reply.jobs.flatMap(({ id, ok, message }) =>
      ok ? [] : [{ id, name: names.get(id) ?? id, message }],
    );
  };

  async function ask(choice: BulkChoice, target: BulkTarget): Promise<void> {
    busy.value = true;
    try {
      const { verb, priority } = choice;
      const fields = { verb, ...(priority === undefined ? {} : { priority }) };
      const others =
        'query' in target
          ? await jobsFound(target.query, (n) => (progress.value = `Found ${plural(n, 'job')} so far`))
          : [];
      const ids = 'query' in target ? others.map((job) => job.id) : target.ids;
      if (ids.length === 0) {
        say('No job matches any more.', false);
        return;
      }
      const would = await controlInSlices(
        farmApi.controlMany,
        { ...fields, ids, dryRun: true },
        (n) => (progress.value = howFar('Looked at', n, ids.length)),
      );
      const able = would.jobs.filter((job) => job.ok).map((job) => job.id);
      const refused = refusalsIn(would);
      refusals.value = able.length === 0 ? refused : [];
      if (able.length === 0) {
        say(would.message, false);
        return;
      }
      pending.value = {
        title: `${choice.label}: ${plural(able.length, 'job')}`,
        text: would.message,
        yes: `${choice.label} · ${plural(able.length, 'job')}`,
        ...(choice.harmless ? { harmless: true } : {}),
        run: () => carryOut({ ...fields, ids: able }, refused, others),
      };
    } catch (error) {
      say(sentenceOf(error), false);
    } finally {
      busy.value = false;
      progress.value = '';
    }
  }

  async function carryOut(body: ManyIds, refused: Refusal[], others: readonly JobSummary[]): Promise<void> {
    const before = new Map([...others, ...jobs()].map((job) => [job.id, job]));
    try {
      const reply = await controlInSlices(
        farmApi.controlMany,
        body,
        (n) => (progress.value = howFar('Asked', n, body.ids.length)),
      );
      refusals.value = [...refused, ...refusalsIn(reply)];
      const changed = reply.jobs.filter((job) => job.ok && job.changed).map((job) => job.id);
      const back = inverseOf(body.verb, changed, before);
      say(
        reply.message,
        reply.ok,
        back.length === 0 ? undefined : { label: 'Undo', run: () => void undo(back, say) },
      );
      done();
    } catch (error) {
      say(sentenceOf(error), false);
    } finally {
      progress.value = '';
    }
  }

  return { busy, progress, refusals, ask };
}

type Say = ReturnType<typeof useNotices>['say'];

async function undo(back: readonly ManyIds[], say: Say): Promise<void> {
  try {
    for (const body of back) {
      const reply = await controlInSlices(farmApi.controlMany, body);
      say(reply.message, reply.ok);
    }
  } catch (error) {
    say(sentenceOf(error), false);
  }
}

function howFar(verb: string, asked: number, of: number): string {
  return of > WORTH_TELLING && asked < of
    ? `${verb} ${asked.toLocaleString('en-US')} of ${plural(of, 'job')}`
    : '';
}
