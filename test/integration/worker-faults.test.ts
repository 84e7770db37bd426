import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TaskMessage, TaskStatus } from '../../src/shared/contracts/messages.ts';
import { reconcileStreams } from '../../src/shared/messaging/reconcile-streams.ts';
import { platform } from '../../src/worker/platform/platform.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { need } from '../support/needs.ts';
import { PlayCoordinator, type TaskOptions } from '../support/play-coordinator.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { SCRIPTED_MAIN, WorkerProcess } from '../support/worker-process.ts';

const tmpfs = need('root', 'mount');
let context: TestContext;
let farm: PlayCoordinator;
let worker: WorkerProcess;
let journal: string;
let natsLink: TcpProxy;
let s3Link: TcpProxy;

async function start(
  options: { ackWaitMs?: number; environment?: Record<string, string> } = {},
): Promise<void> {
  farm = await PlayCoordinator.start(context, 'w1', options.ackWaitMs);
  const environment = {
    FARMHAND_WORKER_ID: 'w1',
    FARMHAND_ENGINES: 'null,scripted',
    NATS_URL: natsLink.through(context.nats.url),
    S3_ENDPOINT: s3Link.through(context.s3Settings.endpoint),
    ...options.environment,
  };
  worker = new WorkerProcess(context, environment, SCRIPTED_MAIN);
  await farm.untilReady();
}

beforeEach(async () => {
  context = await createTestContext();
  natsLink = await TcpProxy.start(context.nats.url);
  s3Link = await TcpProxy.start(context.s3Settings.endpoint);
  journal = join(context.folder, 'journal');
  await writeFile(journal, '');
});

afterEach(async () => {
  await worker.end();
  await natsLink.close();
  await s3Link.close();
  await context.dispose();
});

/** Frames whose rendering began, in order. */
const rendered = async (): Promise<number[]> =>
  (await readFile(journal, 'utf8')).trim().split('\n').map(Number);
const scripted = (settings: TaskMessage['settings'], more: Partial<TaskOptions> = {}): TaskOptions => ({
  engine: 'scripted',
  frames: [1, 2, 3],
  settings: { ...settings, journal },
  ...more,
});
const doneOf = (status: TaskStatus): number[] => ('done' in status ? status.done : []).map((f) => f.number);
const begins = (frame: number): Promise<void> =>
  until(async () => (await rendered()).includes(frame), `frame ${frame} is being rendered`);

/** Process groups whose leader guards an engine of this worker. */
async function engineGroups(): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      const line = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
      return environment.includes(`HOME=${context.folder}/`) && line.includes('engine-guard')
        ? Number(pid)
        : null;
    }),
  );
  return found.filter((pid) => pid !== null);
}

describe('a worker and its engines', () => {
  it('leaves no engine behind when it is killed', async () => {
    await start();
    await farm.feed(scripted({ behaviour: 'hang' }));
    await begins(1);
    await until(async () => (await engineGroups()).length > 0, 'the engine runs');
    const groups = await engineGroups();
    await worker.end('SIGKILL');
    for (const group of groups)
      await until(async () => !(await platform.isGroupAlive(group)), 'the engine is gone', 3_000);
  });

  it('ends a hung engine within three seconds of a stop, and acks', async () => {
    await start();
    const task = await farm.feed(scripted({ behaviour: 'hang' }));
    await begins(1);
    const before = Date.now();
    farm.stopJob(task.jobId, 'stop');
    expect(await farm.end(task)).toMatchObject({ type: 'released', reason: 'the job was cancelled' });
    expect(Date.now() - before).toBeLessThan(3_000);
    expect(await engineGroups()).toEqual([]);
    await until(async () => (await farm.tasksLeft()) === 0, 'the task is acked');
  });

  it('finishes the frame under way on a release and gives the rest back', async () => {
    await start();
    const task = await farm.feed(scripted({ ms: 400 }));
    await begins(1);
    farm.stopJob(task.jobId, 'release');
    const end = await farm.end(task);
    expect(end).toMatchObject({ type: 'released' });
    expect(doneOf(end)).toEqual([1]);
  });

  it('leaves out frames that others have taken, the one under way too', async () => {
    await start();
    const task = await farm.feed(scripted({ ms: 1_500 }));
    await begins(1);
    await until(() => farm.of(task).length > 0, 'the start is told');
    const { attempt } = farm.of(task)[0]!;
    farm.control({ type: 'drop', attempt, frames: [1, 2] });
    const end = await farm.end(task);
    expect(end.type).toBe('completed');
    expect(doneOf(end)).toEqual([3]);
    expect(await rendered()).toEqual([1, 3]);
  });

  it('drains: finishes what it has and takes nothing more', async () => {
    await start();
    const first = await farm.feed(scripted({ ms: 200 }));
    await begins(1);
    farm.control({ type: 'drain' });
    await until(() => farm.heartbeats.at(-1)?.state === 'draining', 'the worker drains');
    const second = await farm.feed({ frames: [1] });
    expect(doneOf(await farm.end(first))).toEqual([1, 2, 3]);
    await sleep(500);
    expect(farm.of(second)).toEqual([]);
    expect(farm.heartbeats.at(-1)?.lanes).toEqual([]);
  });

  it('ends in order on SIGTERM: the frame under way is delivered, the rest given back', async () => {
    await start();
    const task = await farm.feed(scripted({ ms: 500 }));
    await begins(1);
    await worker.end('SIGTERM');
    expect(worker.exitCode).toBe(0);
    const end = await farm.end(task);
    expect(end).toMatchObject({ type: 'released', reason: 'the worker ends' });
    expect(doneOf(end)).toEqual([1]);
    expect(farm.heartbeats.at(-1)).toMatchObject({ state: 'stopping', attempts: [] });
    expect(await farm.tasksLeft()).toBe(0);
  });

  it('does not wait for ever on SIGTERM', async () => {
    await start({ environment: { FARMHAND_DRAIN_SECONDS: '0.3' } });
    const task = await farm.feed(scripted({ behaviour: 'hang' }));
    await begins(1);
    await worker.end('SIGTERM');
    expect(await farm.end(task)).toMatchObject({ type: 'released', done: [] });
    expect(await engineGroups()).toEqual([]);
  });

  it('takes no task while its disk has too little room', async () => {
    await start({ environment: { FARMHAND_MIN_FREE_DISK_BYTES: String(Number.MAX_SAFE_INTEGER) } });
    expect(farm.heartbeats.at(-1)?.problems.join()).toContain('MB of disk are free');
    const task = await farm.feed({ frames: [1] });
    await sleep(700);
    expect(farm.of(task)).toEqual([]);
  });
});

describe.skipIf(tmpfs.skip)(`a worker on a small disk${tmpfs.note}`, () => {
  it('blames its disk, not the scene, and goes on when there is room again', async () => {
    const disk = join(context.folder, 'small');
    await mkdir(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', disk]);
    try {
      await start({
        environment: { FARMHAND_WORKER_DIR: disk, FARMHAND_MIN_FREE_DISK_BYTES: '10000000' },
      });
      const task = await farm.feed(scripted({ behaviour: 'fill' }));
      expect(await farm.end(task)).toMatchObject({ type: 'failed', class: 'host', failedFrame: null });
      await until(() => farm.heartbeats.at(-1)?.problems.length === 0, 'there is room again');
      expect((await farm.end(await farm.feed(scripted({})))).type).toBe('completed');
      await worker.end('SIGTERM');
    } finally {
      await worker.end();
      execFileSync('umount', [disk]);
    }
  });
});

describe('a worker and the farm', () => {
  it.each(['cut', 'hole'] as const)(
    'renders on while the link is a %s, and delivers on return',
    async (state) => {
      await start();
      const task = await farm.feed(scripted({ ms: 700 }));
      await begins(1);
      natsLink.set(state);
      await begins(3);
      await sleep(1_000);
      expect(farm.of(task).some(({ type }) => type === 'completed')).toBe(false);
      natsLink.set(state === 'cut' ? 'open' : 'cut');
      natsLink.set('open');
      const end = await farm.end(task, 40_000);
      expect(end.type).toBe('completed');
      expect(doneOf(end)).toEqual([1, 2, 3]);
      expect(await rendered()).toEqual([1, 2, 3]);
      await until(async () => (await farm.tasksLeft()) === 0, 'the task is acked');
    },
  );

  it('asks after a cut what is still wanted, and leaves out the rest', async () => {
    await start();
    const task = await farm.feed(scripted({ ms: 2_500 }, { frames: [1, 2, 3, 4] }));
    await begins(1);
    farm.answerResume = ({ frames }) => frames.map((f) => f.number).filter((n) => n !== 3);
    natsLink.set('cut');
    await sleep(800);
    natsLink.set('open');
    const end = await farm.end(task, 40_000);
    expect(farm.resumes[0]).toMatchObject({ taskId: task.taskId, current: 1, attempt: end.attempt });
    expect(doneOf(end)).toEqual([1, 2, 4]);
    expect(await rendered()).toEqual([1, 2, 4]);
  });

  it('asks before it renders a task that may be done elsewhere, until it is answered', async () => {
    await start();
    let asked = 0;
    farm.answerResume = () => (++asked < 2 ? null : [2]);
    const task = await farm.feed(scripted({}, { resume: true }));
    const end = await farm.end(task);
    expect(end.type).toBe('completed');
    expect(doneOf(end)).toEqual([2]);
    expect(await rendered()).toEqual([2]);
  });

  it('does not begin a task twice that is delivered again while it is in hand', async () => {
    await start({ ackWaitMs: 1_000, environment: { FARMHAND_WORKER_SLOTS: '2' } });
    const task = await farm.feed(scripted({ ms: 1_200 }, { frames: [1, 2] }));
    const end = await farm.end(task);
    expect(doneOf(end)).toEqual([1, 2]);
    expect(await rendered()).toEqual([1, 2]);
    expect(farm.of(task).filter(({ type }) => type === 'started')).toHaveLength(1);
    expect(worker.output.join('')).toContain('a task in hand was delivered again');
    await until(async () => (await farm.tasksLeft()) === 0, 'every delivery is acked');
  });

  it('asks on a redelivery from a worker that died', async () => {
    await start({ ackWaitMs: 1_000 });
    const task = await farm.feed(scripted({ ms: 300 }, { frames: [1, 2, 3] }));
    await begins(2);
    await worker.end('SIGKILL');
    farm.answerResume = () => [3];
    worker = new WorkerProcess(
      context,
      { FARMHAND_WORKER_ID: 'w1', FARMHAND_ENGINES: 'null,scripted' },
      SCRIPTED_MAIN,
    );
    const end = await farm.end(task, 40_000);
    expect(end).toMatchObject({ type: 'completed', delivery: 2 });
    expect(doneOf(end)).toEqual([3]);
    expect(farm.resumes.at(-1)).toMatchObject({ current: null, attempt: `${task.taskId}-1-2` });
  });

  it('goes on when the streams were deleted and are there again', async () => {
    await start();
    const nats = await context.connectAs('operator');
    const manager = await jetstreamManager(nats);
    for (const name of ['TASKS', 'STATUS']) await manager.streams.delete(name);
    await sleep(1_000);
    await reconcileStreams(nats);
    const laneBefore = farm.lane;
    farm = await PlayCoordinator.start(context, 'w1');
    farm.tellLanes([{ lane: farm.lane, slots: 1, kind: 'shared' }]);
    expect(farm.lane).not.toBe(laneBefore);
    await farm.untilReady();
    expect((await farm.end(await farm.feed({ frames: [1] }))).type).toBe('completed');
  });
});

describe('a worker and the storage', () => {
  it.each(['cut', 'hole'] as const)(
    'waits while S3 is a %s and then delivers, without rendering again',
    async (state) => {
      await start();
      s3Link.set(state);
      const task = await farm.feed(scripted({}));
      await begins(3);
      await sleep(1_500);
      expect(farm.of(task).map(({ type }) => type)).toEqual(['started']);
      if (state === 'cut') {
        const problems = (): string => farm.heartbeats.at(-1)?.problems.join() ?? '';
        await until(() => problems().includes('The storage does not answer'), 'the heartbeat says so');
      }
      s3Link.set('open');
      const end = await farm.end(task, 30_000);
      expect(end).toMatchObject({ type: 'completed', delivery: 1 });
      expect(doneOf(end)).toEqual([1, 2, 3]);
      expect(await rendered()).toEqual([1, 2, 3]);
      await until(() => farm.heartbeats.at(-1)?.problems.length === 0, 'the problem is over');
    },
  );
});
