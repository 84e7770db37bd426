import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { encodeMessage } from '../../src/shared/contracts/decode.ts';
import type { FrameChange, Heartbeat, JobSummary } from '../../src/shared/contracts/messages.ts';
import { FRAME_STATES } from '../../src/shared/domain/states.ts';
import { readJobSummary } from '../../src/shared/database/job-summaries.ts';
import { startNats, type RunningNats } from '../../src/local/servers/nats.ts';
import { PortBook } from '../../src/local/servers/ports.ts';
import { ROLES, type Role } from '../../src/shared/messaging/permissions.ts';
import { reconcileStreams } from '../../src/shared/messaging/reconcile-streams.ts';
import { heartbeatOf } from '../support/heartbeat.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { startTestGateway, type FarmSocket, type TestGateway } from '../support/gateway.ts';
import { RoomWatcher } from '../support/room-watcher.ts';
import { seedAttempt, seedJob } from '../support/ledger-rows.ts';

let context: TestContext;
let gateway: TestGateway;
let coordinator: NatsConnection;
let worker: NatsConnection;
let restarted: RunningNats | undefined;

beforeAll(async () => {
  context = await createTestContext();
  gateway = await startTestGateway(context);
  coordinator = await context.connectAs('coordinator');
  worker = await context.connectAs('worker');
  await vi.waitFor(async () => expect(await isLive(await gateway.connect())).toBe(true), 5_000);
});
afterAll(async () => {
  await gateway.stop();
  await restarted?.stop();
  await context.dispose();
});

function isLive(socket: FarmSocket): Promise<boolean> {
  return new Promise((resolve) => socket.emit('probe', (answer) => resolve(answer.live)));
}

const Watcher = { open: async () => new RoomWatcher(await gateway.connect()) };

const change = (number: number, state: FrameChange['state']): FrameChange => ({
  step: 'render',
  number,
  state,
  generation: 1,
  worker: 'w1',
  seconds: null,
  error: null,
});

async function summary(jobId: string): Promise<JobSummary> {
  const job = await readJobSummary(context.ledger, jobId);
  if (!job) throw new Error(`the test wrote no job ${jobId}`);
  return job;
}

/** What a coordinator says after a commit. */
async function say(job: JobSummary, frames: FrameChange[] | null): Promise<void> {
  await jetstream(coordinator).publish(`status.job.${job.id}`, encodeMessage({ type: 'job', job, frames }));
}

async function setFrames(jobId: string, numbers: number[], state: FrameChange['state']): Promise<void> {
  await context.ledger
    .updateTable('frames')
    .set({ state })
    .where('number', 'in', numbers)
    .where('step_key', 'in', (q) => q.selectFrom('steps').select('key').where('job_id', '=', jobId))
    .execute();
}

describe('a job’s room', () => {
  it('begins with all frames as bytes, and goes on with what changes', async () => {
    await seedJob(context.ledger, {
      id: 'grid',
      steps: [
        { name: 'render', frames: ['done', 'failed', 'ready'], first: -1 },
        { name: 'encode', frames: ['waiting'], first: 0 },
      ],
    });
    const watcher = await Watcher.open();
    const snapshot = await watcher.join('job:grid');
    expect(snapshot.job).toMatchObject({ id: 'grid', frames: { total: 4 } });
    const grids = snapshot.grids?.map((grid) => ({
      step: grid.step,
      runs: grid.runs,
      states: [...grid.states].map((byte) => FRAME_STATES[byte]),
    }));
    expect(grids).toEqual([
      { step: 'render', runs: [{ start: -1, step: 1, count: 3 }], states: ['done', 'failed', 'ready'] },
      { step: 'encode', runs: [{ start: 0, step: 1, count: 1 }], states: ['waiting'] },
    ]);

    await setFrames('grid', [1], 'running');
    await say(await summary('grid'), [change(1, 'running')]);
    await vi.waitFor(() => expect(watcher.frames()).toEqual(new Map([[1, 'running']])));
    const first = watcher.patches[0];
    expect(first).toMatchObject({ room: 'job:grid', epoch: snapshot.epoch, from: snapshot.seq });
    expect(first?.job?.id).toBe('grid');
  });

  it('tells one step after another without a gap', async () => {
    await seedJob(context.ledger, {
      id: 'steps',
      steps: [{ name: 'render', frames: new Array<'ready'>(50).fill('ready') }],
    });
    const watcher = await Watcher.open();
    const { seq, epoch } = await watcher.join('job:steps');
    const job = await summary('steps');
    for (let number = 1; number <= 50; number++) {
      await say(job, [change(number, 'running')]);
      if (number % 10 === 0) await delay(60);
    }
    await vi.waitFor(() => expect(watcher.frames().size).toBe(50), 3_000);
    const ends = watcher.patches.map((patch) => patch.seq);
    expect(watcher.patches.map((patch) => patch.from)).toEqual([seq, ...ends.slice(0, -1)]);
    expect(new Set(watcher.patches.map((patch) => patch.epoch))).toEqual(new Set([epoch]));
  });

  it('merges for a slow client, one batch at a time, and leaves it with the newest states', async () => {
    await seedJob(context.ledger, {
      id: 'slow',
      steps: [{ name: 'render', frames: new Array<'ready'>(300).fill('ready') }],
    });
    const [slow, quick] = [await Watcher.open(), await Watcher.open()];
    await slow.join('job:slow');
    await quick.join('job:slow');
    slow.slow = true;
    const numbers = Array.from({ length: 300 }, (_, i) => i + 1);
    await setFrames('slow', numbers, 'done');
    const job = await summary('slow');
    for (const state of ['running', 'done'] as const) {
      for (let at = 0; at < 300; at += 50) {
        await say(
          job,
          numbers.slice(at, at + 50).map((number) => change(number, state)),
        );
        await delay(30);
      }
    }
    await vi.waitFor(() => expect([...quick.frames().values()]).toEqual(new Array(300).fill('done')), 5_000);
    expect(slow.batches).toBe(1);
    slow.speedUp();
    await vi.waitFor(() => expect([...slow.frames().values()]).toEqual(new Array(300).fill('done')), 5_000);
    expect(slow.batches).toBeLessThan(quick.batches);
  });

  it('asks for a new snapshot when too much changed to list it', async () => {
    await seedJob(context.ledger, { id: 'much', steps: [{ name: 'render', frames: ['ready'] }] });
    const watcher = await Watcher.open();
    await watcher.join('job:much');
    await say(await summary('much'), null);
    await vi.waitFor(() => expect(watcher.patches.at(0)).toMatchObject({ resync: true }));
    expect((await watcher.join('job:much')).seq).toBeGreaterThanOrEqual(watcher.patches.at(-1)?.seq ?? 0);
  });

  it('ends at what the ledger says even when messages came in the wrong order', async () => {
    await seedJob(context.ledger, { id: 'order', steps: [{ name: 'render', frames: ['ready'] }] });
    const early = await summary('order');
    await setFrames('order', [1], 'done');
    const watcher = await Watcher.open();
    await watcher.join('job:order');
    await say(await summary('order'), [change(1, 'done')]);
    await say(early, [change(1, 'running')]);
    await vi.waitFor(() => expect(watcher.frames().get(1)).toBe('running'));
    await vi.waitFor(() => expect(watcher.frames().get(1)).toBe('done'), 5_000);
  });

  it('goes on from where a client was that was cut off, and from a snapshot where that is not known', async () => {
    await seedJob(context.ledger, {
      id: 'cut',
      steps: [{ name: 'render', frames: ['ready', 'ready', 'ready'] }],
    });
    const before = await Watcher.open();
    await before.join('job:cut');
    await setFrames('cut', [1], 'running');
    await say(await summary('cut'), [change(1, 'running')]);
    await vi.waitFor(() => expect(before.frames().get(1)).toBe('running'));
    const { epoch, seq } = before.patches.at(-1)!;
    before.socket.close();
    await setFrames('cut', [1, 2], 'done');
    await say(await summary('cut'), [change(1, 'done'), change(2, 'done')]);

    const after = await Watcher.open();
    expect(await after.ask('job:cut', { epoch, seq })).toEqual({ ok: true, resumed: true });
    const known = new Map([
      [1, 'done'],
      [2, 'done'],
    ]);
    await vi.waitFor(() => expect(after.frames()).toEqual(known));
    expect(after.patches[0]?.from).toBe(seq);

    const stranger = await Watcher.open();
    for (const place of [
      { epoch: 'another', seq },
      { epoch, seq: seq + 1_000_000 },
    ])
      expect(await stranger.ask('job:cut', place)).toMatchObject({ snapshot: { room: 'job:cut' } });
  });

  it('shows progress, the newest of each task', async () => {
    await seedJob(context.ledger, { id: 'prog', steps: [{ name: 'render', frames: ['running'] }] });
    const watcher = await Watcher.open();
    await watcher.join('job:prog');
    for (const fraction of [0.1, 0.2, 0.3]) {
      worker.publish(
        'status.progress.w1',
        encodeMessage({ version: 1, jobId: 'prog', taskId: 't1', step: 'render', frame: 1, fraction }),
      );
    }
    await vi.waitFor(() => expect(watcher.patches.at(-1)?.progress?.at(-1)?.fraction).toBe(0.3));
  });
});

describe('rooms', () => {
  it.each([
    'job:',
    'job:a.b',
    'job:*',
    'log:',
    'log:../x',
    'farms',
    '',
    'jobs ',
    '__proto__',
    null,
    7,
    { a: 1 },
  ])('are not %j', async (room) => {
    const watcher = await Watcher.open();
    expect(await watcher.ask(room)).toMatchObject({ ok: false, code: 'invalid' });
    expect(await isLive(watcher.socket)).toBe(true);
  });

  it('are refused for what is not there', async () => {
    const watcher = await Watcher.open();
    expect(await watcher.ask('job:nothing')).toMatchObject({ ok: false, code: 'not-found' });
    expect(await watcher.ask('log:t1-1-1x')).toMatchObject({ ok: false, code: 'not-found' });
  });

  it('of one socket are limited', async () => {
    const watcher = await Watcher.open();
    await seedJob(context.ledger, { id: 'many' });
    for (let i = 0; i < 70; i++) await seedJob(context.ledger, { id: `many-${i}` });
    const answers = await Promise.all(Array.from({ length: 70 }, (_, i) => watcher.ask(`job:many-${i}`)));
    expect(answers.filter((answer) => !answer.ok)).toHaveLength(6);
    const joined = answers.findIndex((answer) => answer.ok);
    expect(await watcher.ask(`job:many-${joined}`), 'a room that it is in already').toMatchObject({
      ok: true,
    });
  });

  it('tell nothing more after they were left', async () => {
    await seedJob(context.ledger, { id: 'left', steps: [{ name: 'render', frames: ['ready'] }] });
    const [gone, stays] = [await Watcher.open(), await Watcher.open()];
    await gone.join('job:left');
    await stays.join('job:left');
    gone.socket.emit('leave', { room: 'job:left' });
    await isLive(gone.socket);
    await say(await summary('left'), [change(1, 'running')]);
    await vi.waitFor(() => expect(stays.frames().size).toBe(1));
    expect(gone.patches).toEqual([]);
  });
});

describe('the list of jobs', () => {
  it('begins with the newest and learns of changes, hostile names unchanged', async () => {
    const watcher = await Watcher.open();
    const name = '<img src=x onerror=alert(1)>';
    await seedJob(context.ledger, { id: 'listed', name, steps: [{ name: 'render', frames: ['ready'] }] });
    const snapshot = await watcher.join('jobs');
    expect(snapshot.jobs?.[0]).toMatchObject({ id: 'listed', name });
    await say({ ...(await summary('listed')), state: 'paused' }, []);
    await vi.waitFor(() =>
      expect(watcher.patches.at(0)?.jobs).toMatchObject([{ id: 'listed', name, state: 'paused' }]),
    );
  });
});

describe('workers', () => {
  const heartbeat = (workerId: string, state: Heartbeat['state']): Heartbeat =>
    heartbeatOf({
      workerId,
      host: 'node',
      pid: 7,
      platform: 'linux-x64',
      slots: 4,
      cores: 4,
      load: 0.5,
      state,
      engines: [{ id: 'povray', version: '3.7.0', features: [] }],
      lanes: ['lane-1'],
    });

  const offered = async (): Promise<{ workers: number }[]> => {
    const { engines } = await gateway.json<{ engines: { workers: number }[] }>('/api/engines');
    return engines.filter(({ workers }) => workers > 0);
  };

  it('are shown as they say, and as lost when they say nothing', async () => {
    const watcher = await Watcher.open();
    await watcher.join('workers');
    worker.publish('status.worker.w9', encodeMessage(heartbeat('w9', 'idle')));
    worker.publish('status.worker.w9', encodeMessage(heartbeat('liar', 'idle')));
    worker.publish('status.worker.w9', 'not JSON');
    const shown = (): unknown[] =>
      watcher.patches.flatMap((patch) => patch.workers ?? []).map(({ id, state }) => [id, state]);
    await vi.waitFor(() => expect(shown()).toEqual([['w9', 'idle']]));
    expect(await gateway.json('/api/workers')).toMatchObject({
      workers: [
        { id: 'w9', pid: 7, lanes: ['lane-1'], slots: 4, engines: [{ id: 'povray', version: '3.7.0' }] },
      ],
    });
    expect(await offered()).toEqual([
      expect.objectContaining({
        id: 'povray',
        label: 'POV-Ray',
        versions: [{ version: '3.7.0', workers: 1 }],
        workers: 1,
        slots: 4,
        status: 'run-here',
        given: null,
      }),
    ]);
    await vi.waitFor(() => expect(shown().at(-1)).toEqual(['w9', 'lost']), {
      timeout: 12_000,
      interval: 200,
    });
    expect(await offered()).toEqual([]);
  });
});

describe('the log of a running attempt', () => {
  it('begins with what is there and goes on, each byte once', async () => {
    const steps = await seedJob(context.ledger, {
      id: 'logs',
      steps: [{ name: 'render', frames: ['running'] }],
    });
    const attempt = await seedAttempt(context.ledger, {
      jobId: 'logs',
      stepKey: steps.get('render') ?? '',
      frames: [1],
    });
    const taskId = attempt.slice(0, -4);
    const send = async (offset: number, text: string): Promise<void> => {
      await jetstream(worker).publish(
        `logs.logs.${taskId}`,
        encodeMessage({ version: 1, attempt, offset, text }),
      );
    };
    await send(0, 'one ü\n');
    const watcher = await Watcher.open();
    const snapshot = await watcher.join(`log:${attempt}`);
    expect(snapshot.log).toEqual({ text: 'one ü\n', nextOffset: 7 });
    await send(7, 'two\n');
    await send(7, 'two\n');
    await send(11, 'three\n');
    const text = (): string => watcher.patches.map((patch) => patch.log?.text ?? '').join('');
    await vi.waitFor(() => expect(text()).toBe('two\nthree\n'));
    expect(watcher.patches.some((patch) => patch.resync)).toBe(false);
    await send(99, 'after a gap\n');
    await vi.waitFor(() => expect(watcher.patches.at(-1)?.resync).toBe(true));
  });
});

describe('when NATS was away', () => {
  async function restartNats(): Promise<void> {
    await context.nats.stop();
    const passwords = Object.fromEntries(ROLES.map((role) => [role, context.natsSettings(role).password]));
    const ports = new PortBook();
    await ports.takeExactly('nats', Number(new URL(context.nats.url).port), '127.0.0.1');
    restarted = await startNats({
      folder: join(context.folder, 'nats'),
      logFile: join(context.folder, 'nats.log'),
      cache: inject('servers').cache,
      ports,
      passwords: passwords as Record<Role, string>,
    });
  }

  it('begins a new epoch after it and hears everything again', async () => {
    await seedJob(context.ledger, { id: 'away', steps: [{ name: 'render', frames: ['ready'] }] });
    const watcher = await Watcher.open();
    const before = await watcher.join('job:away');
    await restartNats();
    await vi.waitFor(() => expect(watcher.patches.some((patch) => patch.resync)).toBe(true), 15_000);
    const after = await watcher.join('job:away');
    expect(after.epoch).not.toBe(before.epoch);
    expect(await isLive(watcher.socket)).toBe(true);
    await say(await summary('away'), [change(1, 'running')]);
    await vi.waitFor(() => expect(watcher.frames().get(1)).toBe('running'), 5_000);
  });

  it('goes on after the stream was lost and made anew', async () => {
    await seedJob(context.ledger, { id: 'anew', steps: [{ name: 'render', frames: ['ready'] }] });
    const watcher = await Watcher.open();
    await watcher.join('job:anew');
    await say(await summary('anew'), []);
    const manager = await jetstreamManager(coordinator);
    await manager.streams.delete('STATUS');
    await vi.waitFor(async () => expect(await isLive(watcher.socket)).toBe(false), 15_000);
    await reconcileStreams(coordinator);
    await vi.waitFor(async () => expect(await isLive(watcher.socket)).toBe(true), 15_000);
    await say(await summary('anew'), [change(1, 'running')]);
    await vi.waitFor(() => expect(watcher.frames().get(1)).toBe('running'), 5_000);
  });
});
