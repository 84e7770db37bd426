import { jetstreamManager } from '@nats-io/jetstream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FrameRef } from '../../src/shared/contracts/messages.ts';
import type { FrameQuality, QualityPolicy } from '../../src/shared/contracts/quality.ts';
import { storeAsset } from '../support/assets.ts';
import { control } from '../support/control.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';
import { why } from '../support/manage.ts';
import type { HeldTask } from '../support/scripted-worker.ts';
import { completeLookedAt, finding, qualityOf, thumbnailOf } from '../support/qualities.ts';
import { stepsWithWrongCounts } from '../support/wrong-counts.ts';

type Look = (frame: FrameRef, worker: string) => FrameQuality | undefined | Promise<FrameQuality | undefined>;

describe('the quality gate', () => {
  let farm: CoordinatorFarm;
  let scene: string;
  /** Who rendered what, in order. */
  let rendered: { worker: string; number: number; generation: number }[];
  beforeEach(async () => {
    farm = await createCoordinatorFarm();
    scene = `asset:${await storeAsset(farm.context, 'shot.pov')}/shot.pov`;
    rendered = [];
  });
  afterEach(() => farm.dispose());

  const work = (id: string, look: Look) =>
    farm.work({
      id,
      slots: 1,
      engines: ['povray'],
      handle: (task) =>
        completeLookedAt(task, (frame) => {
          rendered.push({ worker: id, ...frame });
          return look(frame, id);
        }),
    });
  const render = (changes: object = {}, quality: QualityPolicy = { mode: 'gate' }) =>
    submit(farm.context, {
      version: 1,
      id: 'j',
      name: 'x',
      engine: 'povray',
      scene,
      frames: '1-6',
      chunk: 1,
      quality,
      ...changes,
    });
  const frame = (number: number) =>
    farm.context.ledger
      .selectFrom('frames')
      .selectAll()
      .where('number', '=', number)
      .executeTakeFirstOrThrow();
  const history = (number: number) =>
    farm.context.ledger
      .selectFrom('judged_attempts')
      .select([
        'worker',
        'generation',
        'verdict',
        'decision',
        'decided_by',
        'note',
        'object_key',
        'differs_worker',
      ])
      .where('number', '=', number)
      .orderBy('key')
      .execute();
  const good = ({ number }: FrameRef): FrameQuality => qualityOf(`picture ${number}`);
  const ended = async (): Promise<void> => {
    expect(await stepsWithWrongCounts(farm.context.ledger)).toEqual([]);
    const frames = await farm.context.ledger.selectFrom('frames').select('number').execute();
    expect(frames.map(({ number }) => number).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6]);
  };

  it('has a frame that fails rendered again by another worker, delivers it, and keeps the history', async () => {
    let first: string | undefined;
    const look: Look = (one, worker) => {
      if (one.number !== 3) return good(one);
      first ??= worker;
      return worker === first ? qualityOf('black', [finding('fail')]) : good(one);
    };
    await Promise.all([work('w1', look), work('w2', look)]);
    await render();
    const job = await jobWhen(farm.context, 'j', 'completed', 40_000);
    expect(job).toMatchObject({ frames: { done: 6, held: 0 }, error: null });
    expect(job.deliveredAt).not.toBeNull();
    const of3 = rendered.filter(({ number }) => number === 3);
    expect(of3.map(({ generation }) => generation)).toEqual([1, 2]);
    expect(new Set(of3.map(({ worker }) => worker)).size).toBe(2);
    expect(await frame(3)).toMatchObject({
      verdict: 'pass',
      generation: 2,
      worker: of3[1]!.worker,
      findings: null,
    });
    const [judged, ...more] = await history(3);
    expect(more).toEqual([]);
    expect(judged).toMatchObject({
      worker: first,
      generation: 1,
      verdict: 'fail',
      decision: 'rendered-again',
    });
    expect(judged!.object_key).toContain('results/j/');
    await ended();
  });

  it('says why such a frame waits: the other worker is busy', async () => {
    const held: HeldTask[] = [];
    await farm.work({
      id: 'w1',
      slots: 1,
      engines: ['povray'],
      handle: async (task) => {
        held.push(task);
        await task.started();
      },
    });
    await render({ id: 'other', frames: '1' });
    await until('w1 has its hands full', () => held.length === 1);
    await work('rn2', () => qualityOf('black', [finding('fail')]));
    await render({ frames: '1' });
    let text: string | undefined;
    await until('it says so', async () => {
      const { reasons } = await why(farm.context, 'j');
      text = reasons.find(({ cause }) => cause === 'another-worker')?.text;
      return text !== undefined;
    });
    expect(text).toBe(
      '1 frame waits for another worker than rn2, whose result did not pass its checks; 1 other worker can render it and is busy (w1).',
    );
  });

  it('takes the same pixels a second time for how the scene looks, and never renders a third time', async () => {
    const look: Look = (one) => (one.number === 1 ? qualityOf('black', [finding('fail')]) : good(one));
    await Promise.all([work('w1', look), work('w2', look)]);
    await render({}, { mode: 'gate', rerenders: 5 });
    const job = await jobWhen(farm.context, 'j', 'completed', 40_000);
    expect(job.deliveredAt).not.toBeNull();
    expect(rendered.filter(({ number }) => number === 1)).toHaveLength(2);
    const { verdict, findings } = await frame(1);
    expect(verdict).toBe('warn');
    expect(findings!.map(({ message }) => message).join(' ')).toContain('this is how the scene looks');
    expect((await history(1)).map(({ decision }) => decision)).toEqual(['rendered-again', 'settled']);
    await ended();
  });

  it('asks a person after the re-renders of the policy, and takes what they accept, once', async () => {
    let times = 0;
    const look: Look = (one) =>
      one.number === 2 ? qualityOf(`noise ${times++}`, [finding('fail', 'It has 40 fireflies.')]) : good(one);
    await Promise.all([work('w1', look), work('w2', look)]);
    await render({}, { mode: 'gate', rerenders: 2 });
    const held = await jobWhen(farm.context, 'j', 'held', 40_000);
    expect(held).toMatchObject({ frames: { done: 5, held: 1 }, deliveredAt: null });
    expect(held.error).toContain('It has 40 fireflies.');
    expect(times).toBe(3);
    expect(await frame(2)).toMatchObject({
      state: 'held',
      verdict: 'fail',
      error: 'Waits for a decision: It has 40 fireflies.',
    });
    expect(await control(farm.context, 'j', { verb: 'resume' })).toMatchObject({ ok: false });
    expect(await control(farm.context, 'j', { verb: 'accept', dryRun: true })).toMatchObject({
      ok: true,
      changed: false,
      message: 'Accepts 1 frame as it is.',
    });
    const message = { verb: 'accept', frames: '2', by: 'ann', note: 'sparks are wanted' } as const;
    const outcome = await control(farm.context, 'j', message, 'r1');
    expect(outcome).toMatchObject({ ok: true, changed: true, figures: { accepted: 1 } });
    await control(farm.context, 'j', message, 'r1');
    expect(await control(farm.context, 'j', message)).toMatchObject({ ok: true, changed: false });
    const job = await jobWhen(farm.context, 'j', 'completed');
    expect(job).toMatchObject({ frames: { done: 6, held: 0 }, error: null });
    expect(job.deliveredAt).not.toBeNull();
    expect(await frame(2)).toMatchObject({ state: 'done', verdict: 'warn', error: null });
    expect((await history(2)).at(-1)).toMatchObject({
      decision: 'accepted',
      decided_by: 'ann',
      note: 'sparks are wanted',
    });
    await ended();
  });

  it('holds at once what is to be held; a person has it rendered again or left out', async () => {
    let mended = false;
    const look: Look = (one) =>
      !mended && one.number > 4 ? qualityOf(`odd ${one.number}`, [finding('hold')]) : good(one);
    await work('w1', look);
    await render();
    await jobWhen(farm.context, 'j', 'held', 40_000);
    expect(rendered).toHaveLength(6);
    mended = true;
    const retried = await control(farm.context, 'j', {
      verb: 'retry',
      frames: '5',
      by: 'bob',
      note: 'driver mended',
    });
    expect(retried).toMatchObject({ ok: true, figures: { again: 1 } });
    await jobWhen(farm.context, 'j', (job) => job.frames.done === 5);
    expect(await frame(5)).toMatchObject({ state: 'done', generation: 2, verdict: 'pass' });
    expect((await history(5)).at(-1)).toMatchObject({
      decision: 'retried',
      decided_by: 'bob',
      note: 'driver mended',
    });
    const skipped = await control(farm.context, 'j', { verb: 'skip', by: 'bob' });
    expect(skipped).toMatchObject({ ok: true, figures: { held: 1 } });
    const job = await jobWhen(farm.context, 'j', 'completed');
    expect(job.frames).toMatchObject({ done: 5, skipped: 1 });
    expect((await history(6)).at(-1)).toMatchObject({ decision: 'skipped', decided_by: 'bob' });
    await ended();
  });

  it('says what it finds and stops nothing in mode "warn"', async () => {
    await work('w1', (one) => (one.number < 3 ? qualityOf(`b${one.number}`, [finding('hold')]) : good(one)));
    await render({}, { mode: 'warn' });
    const job = await jobWhen(farm.context, 'j', 'completed', 40_000);
    expect(job.deliveredAt).not.toBeNull();
    expect(await frame(1)).toMatchObject({
      verdict: 'warn',
      findings: [expect.objectContaining({ verdict: 'warn' })],
    });
    expect(rendered).toHaveLength(6);
  });

  it('says when two workers make good, but different pictures of one frame', async () => {
    await work('w1', async (one) => ({ ...good(one), thumbnail: await thumbnailOf(20, 60, 90) }));
    await render();
    await jobWhen(farm.context, 'j', 'completed', 40_000);
    await control(farm.context, 'j', { verb: 'pause' });
    const green = await thumbnailOf(20, 160, 90);
    await work('w2', ({ number }) => ({ ...qualityOf(`other ${number}`), thumbnail: green }));
    await control(farm.context, 'j', { verb: 'retry', frames: '2', by: 'ann' });
    // Until the other worker has it.
    for (let again = 0; again < 20; again++) {
      await jobWhen(
        farm.context,
        'j',
        ({ state, frames }) => frames.done === 6 && state === 'completed',
        40_000,
      );
      if ((await frame(2)).worker === 'w2') break;
      await control(farm.context, 'j', { verb: 'retry', frames: '2', by: 'ann' });
    }
    const { worker, warnings, generation } = await frame(2);
    expect(worker).toBe('w2');
    expect(warnings).toEqual([expect.stringMatching(/^Workers w1 and w2 render frame 2 differently/)]);
    expect((await history(2)).find((one) => one.generation === generation - 1)).toMatchObject({
      worker: 'w1',
      decision: 'retried',
      differs_worker: 'w2',
    });
    const events = await farm.context.ledger.selectFrom('job_events').selectAll().execute();
    expect(events.filter(({ kind }) => kind === 'disagreement').map(({ message }) => message)).toEqual([
      expect.stringContaining('Workers w1 and w2'),
    ]);
  });

  it('compares frames with each other before the job is complete, and has the odd one rendered again', async () => {
    const look: Look = async (one) => {
      const odd = one.number === 4 && one.generation === 1;
      const thumbnail = odd
        ? await thumbnailOf(250, 250, 30)
        : await thumbnailOf(40 + one.number * 2, 90, 120);
      return { ...qualityOf(`${odd ? 'odd' : 'even'} ${one.number}`), thumbnail };
    };
    await Promise.all([work('w1', look), work('w2', look)]);
    await render();
    const job = await jobWhen(farm.context, 'j', 'completed', 40_000);
    expect(job.deliveredAt).not.toBeNull();
    const of4 = rendered.filter(({ number }) => number === 4);
    expect(of4.map(({ generation }) => generation)).toEqual([1, 2]);
    expect(of4[0]!.worker).not.toBe(of4[1]!.worker);
    expect((await history(4)).map(({ decision, verdict }) => [decision, verdict])).toEqual([
      ['rendered-again', 'fail'],
    ]);
    expect(await frame(4)).toMatchObject({ verdict: 'pass', generation: 2 });
    await ended();
  });

  it('brings nothing of a cancelled job back, however odd its frames are', async () => {
    const reached = Promise.withResolvers<undefined>();
    const cancelled = Promise.withResolvers<undefined>();
    const look: Look = async (one) => {
      if (one.number === 5) {
        reached.resolve(undefined);
        await cancelled.promise;
      }
      const thumbnail =
        one.number === 3 ? await thumbnailOf(250, 250, 30) : await thumbnailOf(40 + one.number * 2, 90, 120);
      return { ...qualityOf(`picture ${one.number}`), thumbnail };
    };
    await work('w1', look);
    await render();
    await reached.promise;
    await control(farm.context, 'j', { verb: 'cancel' });
    cancelled.resolve(undefined);
    await until('the step has come to its end', async () => {
      const step = await farm.context.ledger
        .selectFrom('steps')
        .select(['judge_due', 'running', 'queued', 'cancelled'])
        .executeTakeFirstOrThrow();
      return step.judge_due === 0 && step.running + step.queued === 0 && step.cancelled > 0;
    });
    await jobWhen(farm.context, 'j', 'cancelled', 40_000);
    expect(await frame(3)).toMatchObject({ state: 'done', generation: 1 });
    expect((await frame(3)).object_key).not.toBeNull();
    expect(await history(3)).toEqual([]);
    await ended();
  });

  it('holds an odd frame for a person where the policy says so, until it is accepted', async () => {
    await work('w1', async (one) => {
      const odd = one.number === 3;
      const thumbnail = odd
        ? await thumbnailOf(250, 250, 30)
        : await thumbnailOf(40 + one.number * 2, 90, 120);
      return { ...good(one), thumbnail };
    });
    await render({}, { mode: 'gate', checks: { outlier: { verdict: 'hold' } } });
    const held = await jobWhen(farm.context, 'j', 'held', 40_000);
    expect(held).toMatchObject({ frames: { done: 5, held: 1 }, deliveredAt: null });
    await ended();
    await control(farm.context, 'j', { verb: 'accept', by: 'ann' });
    const job = await jobWhen(farm.context, 'j', 'completed');
    expect(job.frames).toMatchObject({ done: 6, held: 0 });
    expect(rendered).toHaveLength(6);
    // Another frame is rendered again: the accepted one is not asked about a second time.
    await control(farm.context, 'j', { verb: 'retry', frames: '1' });
    const again = await jobWhen(
      farm.context,
      'j',
      (one) => one.state === 'completed' && rendered.length === 7,
      40_000,
    );
    expect(again.frames).toMatchObject({ done: 6, held: 0 });
    await ended();
  });

  it('loses no frame and takes none twice, whatever workers say of them', async () => {
    const say = (one: FrameRef): FrameQuality | undefined => {
      const chance = Math.sin(one.number * 97 + one.generation * 31) * 1_000;
      const draw = chance - Math.floor(chance);
      if (draw < 0.2) return undefined;
      if (draw < 0.4) return qualityOf(`bad ${one.number} ${one.generation}`, [finding('fail')]);
      if (draw < 0.5) return qualityOf(`same ${one.number}`, [finding('fail')]);
      if (draw < 0.6) return qualityOf(`odd ${one.number}`, [finding('hold')]);
      return good(one);
    };
    await Promise.all([work('w1', say), work('w2', say)]);
    await render({ frames: '1-120', chunk: 7 });
    const held = await jobWhen(farm.context, 'j', 'held', 60_000);
    expect(held.frames.done + held.frames.held).toBe(120);
    expect(held.frames.held).toBeGreaterThan(5);
    expect(held.decisions?.frames).toBe(held.frames.held);
    await Promise.all([
      control(farm.context, 'j', { verb: 'accept', frames: '1-60' }),
      control(farm.context, 'j', { verb: 'accept', frames: '30-90' }),
      control(farm.context, 'j', { verb: 'skip', frames: '91-120' }),
    ]);
    const job = await jobWhen(farm.context, 'j', 'completed', 40_000);
    expect(job.frames.done + job.frames.skipped).toBe(120);
    expect(await stepsWithWrongCounts(farm.context.ledger)).toEqual([]);
    const times = Map.groupBy(rendered, ({ number, generation }) => `${number}/${generation}`);
    expect([...times.values()].filter((all) => all.length > 1)).toEqual([]);
  });

  it('refuses what is too long, and what is said of an older generation changes nothing', async () => {
    let task: HeldTask | undefined;
    await farm.work({
      id: 'w1',
      slots: 2,
      engines: ['povray'],
      handle: async (held) => {
        task ??= held;
        await completeLookedAt(held, good);
      },
    });
    await render({ frames: '1-3', chunk: 3 });
    await jobWhen(farm.context, 'j', 'completed', 40_000);
    await control(farm.context, 'j', { verb: 'retry', frames: '1' });
    await jobWhen(farm.context, 'j', 'completed', 40_000);
    const late = (message: string) =>
      task!.say({
        type: 'frames',
        done: [
          task!.result(
            { number: 1, generation: 1 },
            { quality: qualityOf('black', [finding('hold', message)]) },
          ),
        ],
      });
    await late('It is blank.');
    await late('x'.repeat(100_000));
    const { streams } = await jetstreamManager(await farm.context.connectAs('operator'));
    await until('what is too long is put aside', async () => (await streams.info('DEAD')).state.messages > 0);
    expect(await jobWhen(farm.context, 'j', 'completed')).toMatchObject({ frames: { done: 3, held: 0 } });
    expect(await frame(1)).toMatchObject({ generation: 2, verdict: 'pass' });
    expect((await history(1)).map(({ decision }) => decision)).toEqual(['retried']);
  });
});
