import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';
import type { HeldTask } from '../support/scripted-worker.ts';

describe('frames and what workers report of them', () => {
  let farm: CoordinatorFarm;
  beforeEach(async () => {
    farm = await createCoordinatorFarm();
  });
  afterEach(() => farm.dispose());

  const frame = (number: number) =>
    farm.context.ledger
      .selectFrom('frames')
      .selectAll()
      .where('number', '=', number)
      .executeTakeFirstOrThrow();

  it('tries a failed frame again with back-off and gives up after its attempts; the rest goes on', async () => {
    const attempts: number[] = [];
    await farm.work({
      handle: async (task) => {
        await task.started();
        if (!task.frames.includes(3)) return task.complete();
        attempts.push(performance.now());
        await task.fail({ message: 'Error: no camera', failedFrame: 3 });
      },
    });
    await submit(farm.context, {
      version: 1,
      id: 'j',
      name: 'x',
      engine: 'null',
      frames: '1-5',
      chunk: 1,
      maxAttempts: 2,
    });
    const job = await jobWhen(farm.context, 'j', 'failed');
    expect(job.frames).toMatchObject({ done: 4, failed: 1 });
    expect(job.error).toBe('Error: no camera');
    expect(await frame(3)).toMatchObject({
      state: 'failed',
      failures: 2,
      error: 'Error: no camera',
      generation: 1,
    });
    expect(attempts).toHaveLength(2);
    expect(attempts[1]! - attempts[0]!).toBeGreaterThan(1_900);
    const rows = await farm.context.ledger.selectFrom('attempts').select(['outcome', 'class']).execute();
    expect(rows.filter((row) => row.outcome === 'failed' && row.class === 'engine-crash')).toHaveLength(2);
  });

  it('blames only the frame that failed, and gives the rest of the chunk out again', async () => {
    let failed = false;
    await farm.work({
      slots: 1,
      handle: async (task) => {
        await task.started();
        if (failed) return task.complete();
        failed = true;
        const [first] = task.task.frames;
        await task.say({ type: 'frames', done: [task.result(first!)] });
        await task.fail({ message: 'crash', failedFrame: 2 });
      },
    });
    await submit(farm.context, { version: 1, id: 'j', name: 'x', engine: 'null', frames: '1-4', chunk: 4 });
    await jobWhen(farm.context, 'j', 'completed');
    const rows = await farm.context.ledger
      .selectFrom('frames')
      .select(['number', 'failures'])
      .orderBy('number')
      .execute();
    expect(rows.map((row) => row.failures)).toEqual([0, 1, 0, 0]);
  });

  it('uses up no attempt when the store failed', async () => {
    let failed = false;
    await farm.work({
      handle: async (task) => {
        await task.started();
        if (failed) return task.complete();
        failed = true;
        await task.fail({ message: 'S3 is away', class: 'storage' });
      },
    });
    await submit(farm.context, {
      version: 1,
      id: 'j',
      name: 'x',
      engine: 'null',
      frames: '1',
      maxAttempts: 1,
    });
    await jobWhen(farm.context, 'j', 'completed');
    expect(await frame(1)).toMatchObject({ failures: 0 });
  });

  it('takes each frame once, from whoever brings it first, in any order and however often', async () => {
    const held: HeldTask[] = [];
    await farm.work({ engines: ['lottie'], handle: async (task) => void held.push(task) });
    await insertTemplate(farm);
    await submit(farm.context, {
      version: 1,
      id: 'j',
      name: 'x',
      engine: 'lottie',
      scene: 'template:card',
      frames: '1',
      data: { title: 'a' },
    });
    await until('the task is with the worker', () => held.length === 1);
    const [task] = held;
    expect(task!.task).toMatchObject({
      data: { headline: 'a' },
      scene: { path: 'card.json' },
      output: { format: 'png' },
    });
    const [first] = task!.task.frames;
    const one = task!.result(first!, { seconds: 1 });
    const other = task!.result(first!, { seconds: 2 });
    await task!.say({ type: 'frames', done: [one] });
    await jobWhen(farm.context, 'j', (job) => job.frames.done === 1);
    await task!.say({ type: 'frames', done: [other] });
    await task!.say({ type: 'completed', done: [other], logKey: null });
    await task!.say({ type: 'started', frames: task!.task.frames });
    await task!.say({ type: 'completed', done: [one], logKey: null });
    task!.end();
    await settled(farm);
    expect(await frame(1)).toMatchObject({ state: 'done', seconds: 1, object_key: one.outputs[0]?.key });
    expect((await jobWhen(farm.context, 'j', 'completed')).frames).toMatchObject({
      done: 1,
      running: 0,
      ready: 0,
    });
  });

  it('refuses results of an older generation, of a foreign key and of frames that are not in the task', async () => {
    const held: HeldTask[] = [];
    await farm.work({ engines: ['lottie'], handle: async (task) => void held.push(task) });
    await insertTemplate(farm);
    await submit(farm.context, {
      version: 1,
      id: 'j',
      name: 'x',
      engine: 'lottie',
      scene: 'template:card',
      frames: '1-2',
      chunk: 1,
      data: { title: 'a' },
    });
    await until('both tasks are with the worker', () => held.length === 2);
    const [task] = held;
    await task!.started();
    const [first] = task!.task.frames;
    const good = task!.result(first!);
    const foreign = {
      ...good,
      outputs: [{ ...good.outputs[0]!, key: 'results/other/render/t1-1-1/main_0001.png' }],
    };
    for (const wrong of [foreign, { ...good, generation: 2 }, { ...good, number: 99 }])
      await task!.say({ type: 'frames', done: [wrong] });
    await settled(farm);
    expect(await frame(first!.number)).toMatchObject({ state: 'running', object_key: null });
    const dead = await (
      await jetstreamManager(await farm.context.connectAs('operator'))
    ).streams.info('DEAD');
    expect(dead.state.messages).toBe(3);
  });

  it('buries reports that cannot be read, or are of tasks that do not exist, and goes on', async () => {
    const publish = jetstream(await farm.context.connectAs('worker'));
    const subject = 'status.task.w9.nojob.t1';
    await publish.publish(subject, new Uint8Array([0xff]));
    await publish.publish(subject, '{"type":"nonsense"}');
    const started = {
      type: 'started',
      version: 1,
      attempt: 't1-1-1',
      feed: 1,
      delivery: 1,
      step: 'render',
      instance: 'i1',
    };
    await publish.publish(subject, JSON.stringify({ ...started, frames: [{ number: 1, generation: 1 }] }));
    await publish.publish(
      subject,
      JSON.stringify({ ...started, attempt: 't2-1-1', frames: [{ number: 1, generation: 1 }] }),
    );
    await settled(farm);
    const manager = await jetstreamManager(await farm.context.connectAs('operator'));
    const dead = await manager.streams.info('DEAD', { subjects_filter: 'dead.status.>' });
    expect(dead.state.subjects).toEqual({ 'dead.status.invalid': 3, 'dead.status.unknown-task': 1 });
    await farm.work();
    await submit(farm.context, { version: 1, id: 'j', name: 'x', engine: 'null', frames: '1' });
    await jobWhen(farm.context, 'j', 'completed');
  });

  it('starts a step when those it waits for are complete, and skips what waits for a failed one', async () => {
    const order: string[] = [];
    await farm.work({
      handle: async (task) => {
        await task.started();
        order.push(task.task.step);
        if (task.task.step === 'bad') return task.fail({ message: 'broken' });
        await task.complete();
      },
    });
    const step = (name: string, dependsOn: string[], frames = '1-3') => ({
      name,
      engine: 'null',
      frames,
      dependsOn,
      maxAttempts: 1,
    });
    await submit(farm.context, {
      version: 1,
      id: 'j',
      name: 'x',
      steps: [
        step('late', ['early']),
        step('early', []),
        step('bad', ['early'], '1'),
        step('never', ['bad']),
        step('ever', ['never']),
      ],
    });
    const job = await jobWhen(farm.context, 'j', 'failed');
    const states = Object.fromEntries(
      job.steps.map((s) => [s.name, [s.state, s.frames.done, s.frames.skipped]]),
    );
    expect(states).toEqual({
      late: ['completed', 3, 0],
      early: ['completed', 3, 0],
      bad: ['failed', 0, 0],
      never: ['failed', 0, 3],
      ever: ['failed', 0, 3],
    });
    expect(order.indexOf('late')).toBeGreaterThan(order.lastIndexOf('early'));
    const skipped = await farm.context.ledger
      .selectFrom('frames')
      .select('error')
      .where('state', '=', 'skipped')
      .execute();
    expect(skipped[0]?.error).toContain('bad');
  });

  it('gives a sequential step out as one task in order', async () => {
    const worker = await farm.work();
    await submit(farm.context, {
      version: 1,
      id: 'j',
      name: 'x',
      engine: 'null',
      frames: '10-1,20',
      chunk: 'sequential',
    });
    await jobWhen(farm.context, 'j', 'completed');
    expect(worker.tasks.map((task) => task.frames.map((f) => f.number))).toEqual([
      [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 20],
    ]);
  });

  it('accepts a million frames at once and writes their rows in slices', async () => {
    const asked = performance.now();
    const reply = await submit(farm.context, {
      version: 1,
      id: 'million',
      name: 'x',
      engine: 'null',
      frames: '1-1000000',
    });
    expect(performance.now() - asked).toBeLessThan(5_000);
    expect(reply).toMatchObject({ job: { frames: { total: 1_000_000 } } });
    const job = await jobWhen(farm.context, 'million', (j) => j.frames.ready === 1_000_000, 60_000);
    expect(job.frames.waiting).toBe(0);
    const { n } = await farm.context.ledger
      .selectFrom('frames')
      .select(({ fn }) => [fn.countAll().as('n')])
      .executeTakeFirstOrThrow();
    expect(Number(n)).toBe(1_000_000);
    const stream = await (
      await jetstreamManager(await farm.context.connectAs('operator'))
    ).streams.info('TASKS');
    expect(stream.state.messages).toBe(0);
  });
});

/** Everything that was reported has been applied. */
async function settled(farm: CoordinatorFarm): Promise<void> {
  const manager = await jetstreamManager(await farm.context.connectAs('operator'));
  await until('all reports are applied', async () => {
    const info = await manager.consumers.info('STATUS', 'ledger');
    return info.num_pending === 0 && info.num_ack_pending === 0;
  });
}

async function insertTemplate(farm: CoordinatorFarm): Promise<void> {
  await farm.context.ledger
    .insertInto('templates')
    .values({
      name: 'card',
      version: 1,
      engine: 'lottie',
      label: 'Card',
      asset: '0'.repeat(64),
      scene_path: 'card.json',
      schema: JSON.stringify({
        type: 'object',
        additionalProperties: false,
        required: ['title'],
        properties: { title: { type: 'string', maxLength: 5 }, size: { type: 'number', minimum: 1 } },
      }),
      slots: JSON.stringify({
        title: { kind: 'text', slot: 'headline' },
        size: { kind: 'number', slot: 'scale' },
      }),
      defaults: JSON.stringify({ frames: '0-23' }),
    })
    .execute();
}
