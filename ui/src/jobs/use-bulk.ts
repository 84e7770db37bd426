import { ref, shallowRef, type Ref, type ShallowRef } from 'vue';
import type { ControlManyBody, ControlManyReply } from '../../../src/shared/contracts/api.ts';
import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import { farmApi } from '../api/farm-api.ts';
import { sentenceOf } from '../api/problem.ts';
import { plural } from '../common/units.ts';
import { useNotices } from '../common/use-notices.ts';
import type { PendingConfirm } from '../controls/use-job-controls.ts';
import { inverseOf, type BulkChoice } from './bulk-text.ts';

/** The jobs that are meant: these, or all that a query finds. */
export type BulkTarget = { ids: string[] } | { filter: NonNullable<ControlManyBody['filter']> };

export interface Refusal {
  id: string;
  name: string;
  message: string;
}

interface Bulk {
  busy: Ref<boolean>;
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
  const refusals = shallowRef<Refusal[]>([]);
  const nameOf = (id: string): string =>
    jobs()
      .find((job) => job.id === id)
      ?.name.slice(0, 200) ?? id;

  const refusalsIn = (reply: ControlManyReply): Refusal[] =>
    reply.jobs.flatMap(({ id, ok, message }) => (ok ? [] : [{ id, name: nameOf(id), message }]));

  async function ask(choice: BulkChoice, target: BulkTarget): Promise<void> {
    busy.value = true;
    try {
      const { verb, priority } = choice;
      const fields = { verb, ...(priority === undefined ? {} : { priority }) };
      const would = await farmApi.controlMany({ ...fields, ...target, dryRun: true });
      const able = would.jobs.filter((job) => job.ok).map((job) => job.id);
      const refused = refusalsIn(would);
      refusals.value = [];
      if (able.length === 0) {
        refusals.value = refused;
        say(would.jobs.length === 0 ? 'No job matches any more.' : would.message, false);
        return;
      }
      pending.value = {
        title: `${choice.label}: ${plural(able.length, 'job')}`,
        text: would.message,
        yes: `${choice.label} · ${plural(able.length, 'job')}`,
        ...(choice.harmless ? { harmless: true } : {}),
        run: () => carryOut({ ...fields, ids: able }, refused),
      };
    } catch (error) {
      say(sentenceOf(error), false);
    } finally {
      busy.value = false;
    }
  }

  async function carryOut(body: ControlManyBody & { ids: string[] }, refused: Refusal[]): Promise<void> {
    const before = new Map(jobs().map((job) => [job.id, job]));
    try {
      const reply = await farmApi.controlMany(body);
      refusals.value = [...refused, ...refusalsIn(reply)];
      const changed = reply.jobs.filter((job) => job.ok && job.changed).map((job) => job.id);
      const back = inverseOf(body.verb, changed, before);
      say(
        reply.message,
        reply.ok,
        back.length === 0 ? undefined : { label: 'Undo', run: () => void undo(back) },
      );
      done();
    } catch (error) {
      say(sentenceOf(error), false);
    }
  }

  async function undo(back: readonly ControlManyBody[]): Promise<void> {
    try {
      for (const body of back) {
        const reply = await farmApi.controlMany(body);
        say(reply.message, reply.ok);
      }
    } catch (error) {
      say(sentenceOf(error), false);
    }
  }

  return { busy, refusals, ask };
}
