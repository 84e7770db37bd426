import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { control } from '../support/control.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit } from '../support/jobs.ts';
import { stepsWithWrongCounts } from '../support/wrong-counts.ts';

const document = { version: 1, id: 'j', name: 'x', engine: 'null', frames: '1-12', chunk: 3, maxAttempts: 1 };

describe('a scene whose scripts were not run', () => {
  let farm: CoordinatorFarm;
  /** What each task's settings said of scripts. */
  let trusted: unknown[];
  beforeEach(async () => {
    farm = await createCoordinatorFarm();
    trusted = [];
  });
  afterEach(() => farm.dispose());

  const step = () => farm.context.ledger.selectFrom('steps').selectAll().executeTakeFirstOrThrow();
  /** Workers that do as Blender does: without an answer they ask before the first frame. */
  const work = async (id: string, after?: string): Promise<void> => {
    await farm.work({
      id,
      slots: 2,
      handle: async (task) => {
        const { trustScripts } = task.task.settings;
        trusted.push(trustScripts);
        await task.started();
        if (trustScripts === undefined)
          await task.fail({ message: 'Scripts were not run: Driver "f(frame)"', class: 'untrusted-scripts' });
        else if (after === undefined) await task.complete();
        else {
          await sleep(20);
          await task.fail({ message: after, class: 'scene' });
        }
      },
    });
  };
  const held = async () => {
    const job = await jobWhen(farm.context, 'j', 'held');
    expect(await stepsWithWrongCounts(farm.context.ledger)).toEqual([]);
    return job;
  };

  it('is held before its first frame with the question, and runs them once somebody trusts it', async () => {
    await Promise.all([work('w1'), work('w2')]);
    await submit(farm.context, document);
    const job = await held();
    expect(job.error).toEqual(
      expect.stringMatching(
        /^Held: trust this project's scripts\? .*Driver "f\(frame\)".*resume j --trust-scripts/,
      ),
    );
    // The question costs no attempt, though the job has but one.
    expect(job.frames).toMatchObject({ held: 12, done: 0, failed: 0 });
    const asked = trusted.splice(0);
    expect(new Set(asked)).toEqual(new Set([undefined]));
    const outcome = await control(farm.context, 'j', { verb: 'resume', trustScripts: true, by: 'ann' });
    expect(outcome).toMatchObject({ ok: true, changed: true });
    expect(outcome.message).toContain('12 held frames are let go; scripts in its scenes are trusted.');
    expect((await jobWhen(farm.context, 'j', 'completed')).frames).toMatchObject({ done: 12 });
    expect(new Set(trusted)).toEqual(new Set([true]));
    expect(await step()).toMatchObject({ trust_scripts: true, hold_reason: null });
  });

  it('is rendered without them when it is resumed without trust', async () => {
    await work('w1');
    await submit(farm.context, document);
    await held();
    trusted = [];
    await control(farm.context, 'j', { verb: 'resume' });
    await jobWhen(farm.context, 'j', 'completed');
    expect(new Set(trusted)).toEqual(new Set([false]));
  });

  it('is held for other reasons all the same, and trust is given to no step that did not ask', async () => {
    await work('w1', 'no camera');
    await submit(farm.context, { ...document, frames: '1-100', chunk: 1 });
    await held();
    await control(farm.context, 'j', { verb: 'resume', trustScripts: true });
    const job = await jobWhen(farm.context, 'j', ({ error }) => error?.includes('no camera') === true);
    expect((await held()).error).toEqual(expect.stringContaining('failed alike'));
    expect(job.frames.done).toBe(0);
    const other = { ...document, id: 'k', settings: {} };
    await submit(farm.context, other);
    await jobWhen(farm.context, 'k', 'held');
    const rows = await farm.context.ledger.selectFrom('steps').select(['job_id', 'trust_scripts']).execute();
    expect(rows.sort((a, b) => a.job_id.localeCompare(b.job_id))).toEqual([
      { job_id: 'j', trust_scripts: true },
      { job_id: 'k', trust_scripts: null },
    ]);
  });

  it('takes the answer with no other verb', async () => {
    await work('w1');
    await submit(farm.context, document);
    await held();
    const refused = await control(farm.context, 'j', { verb: 'retry', trustScripts: true });
    expect(refused.ok).toBe(false);
    expect(refused.message).toEqual(expect.stringContaining('trustScripts'));
  });
});
