import { spawn, type ChildProcess } from 'node:child_process';
import { jetstreamManager } from '@nats-io/jetstream';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCoordinatorFarm, startTestCoordinator, type CoordinatorFarm } from '../support/coordinator.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';
import { ScriptedWorker, type HeldTask } from '../support/scripted-worker.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const document = { version: 1, id: 'j', name: 'x', engine: 'null', frames: '1-20', chunk: 5 };

describe('several coordinators', () => {
  let context: TestContext;
  const processes: ChildProcess[] = [];
  beforeEach(async () => {
    context = await createTestContext();
  });
  afterEach(async () => {
    for (const child of processes.splice(0)) child.kill('SIGKILL');
    await context.dispose();
  });

  const leader = async (): Promise<string | undefined> => {
    const { rows } = await sql<{
      holder: string;
    }>`SELECT holder FROM leases WHERE expires_at > now()`.execute(context.ledger);
    return rows[0]?.holder;
  };

  /** The real process, which leads when this resolves. */
  const startLeader = async (): Promise<ChildProcess> => {
    const child = spawn(process.execPath, ['src/coordinator/main.ts'], {
      env: context.environmentOf('coordinator'),
      stdio: 'ignore',
    });
    processes.push(child);
    await until('it leads', async () => (await leader()) !== undefined);
    return child;
  };

  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'go on within seconds when the leader gets %s in mid-job',
    async (signal) => {
      const first = await startLeader();
      const held = await leader();
      const second = await startTestCoordinator(context);
      const worker = new ScriptedWorker(await context.connectAs('worker'), {
        handle: async (task) => {
          await task.started();
          await new Promise((resolve) => setTimeout(resolve, 20));
          await task.complete();
        },
      }).start();
      try {
        await submit(context, { ...document, frames: '1-400', chunk: 1 });
        await jobWhen(context, 'j', (job) => job.frames.done > 20);
        first.kill(signal);
        const stopped = performance.now();
        await until('the other one leads', async () => ![held, undefined].includes(await leader()));
        expect(performance.now() - stopped).toBeLessThan(6_000);
        const { done } = (await jobWhen(context, 'j', 'running')).frames;
        await jobWhen(context, 'j', (job) => job.frames.done > done + 50);
        expect(performance.now() - stopped).toBeLessThan(12_000);
        if (signal === 'SIGSTOP') first.kill('SIGCONT'); // it wakes up as a leader that is none any more
        await jobWhen(context, 'j', 'completed', 30_000);
        const { rows } = await sql<{ state: string; n: number }>`
        SELECT state::text, count(*)::int AS n FROM frames GROUP BY state`.execute(context.ledger);
        expect(rows).toEqual([{ state: 'done', n: 400 }]);
        expect(await leader()).toBe(second.id);
      } finally {
        await worker.stop();
        await second.stop();
      }
    },
  );

  it('give on what a worker had in hand that died together with the only one', async () => {
    const first = await startLeader();
    const held: HeldTask[] = [];
    const dead = new ScriptedWorker(await context.connectAs('worker'), {
      id: 'dead',
      // One it has begun; what it fetched ahead nobody has heard of but by its heartbeats.
      handle: async (task) => {
        if (held.push(task) === 1) await task.started();
        dead.beat();
      },
    }).start();
    await until('it takes jobs', () =>
      submit(context, { ...document, frames: '1-4', chunk: 1 }).then(
        () => true,
        () => false,
      ),
    );
    await jobWhen(context, 'j', (job) => held.length === 2 && job.frames.running === 1);
    dead.silence();
    first.kill('SIGKILL');
    const second = await startTestCoordinator(context);
    const other = new ScriptedWorker(await context.connectAs('worker'), { id: 'other' }).start();
    // Sooner than the server would deliver them again, by far.
    await jobWhen(context, 'j', 'completed', 40_000);
    expect(other.tasks.length).toBe(4);
    await Promise.all([dead.stop(), other.stop()]);
    await second.stop();
  });
});

describe('what the coordinator survives', () => {
  let farm: CoordinatorFarm;
  let database: TcpProxy;
  beforeEach(async () => {
    farm = await createCoordinatorFarm(async (context) => {
      database = await TcpProxy.start(context.databaseUrl);
      return { databaseUrl: database.through(context.databaseUrl) };
    });
  });
  afterEach(async () => {
    await farm.dispose();
    await database.close();
  });

  const acceptedOnce = async (frames: number): Promise<void> => {
    const { rows } = await sql<{ state: string; n: number }>`
      SELECT state::text, count(*)::int AS n FROM frames GROUP BY state`.execute(farm.context.ledger);
    expect(rows).toEqual([{ state: 'done', n: frames }]);
  };
  const manager = async () => jetstreamManager(await farm.context.connectAs('operator'));

  it('a database that forgot, with its last half second, which tasks were cut', async () => {
    const { ledger } = farm.context;
    await submit(farm.context, document);
    await jobWhen(farm.context, 'j', 'queued');
    await sql`CREATE TABLE old_steps AS TABLE steps; CREATE TABLE old_frames AS TABLE frames`.execute(ledger);
    const held: HeldTask[] = [];
    const worker = await farm.work({
      slots: 2,
      handle: async (task) => {
        if (held.length < 2) held.push(task);
        else await task.complete();
      },
    });
    await until('tasks are cut and taken', () => held.length === 2);
    await ledger.transaction().execute(async (trx) => {
      await sql`SET LOCAL session_replication_role = replica; DELETE FROM tasks; DELETE FROM frames; DELETE FROM steps;
        INSERT INTO steps OVERRIDING SYSTEM VALUE TABLE old_steps; INSERT INTO frames TABLE old_frames`.execute(
        trx,
      );
    });
    for (const task of held.splice(0, 2, ...held)) await task.complete();
    await jobWhen(farm.context, 'j', 'completed', 30_000);
    await acceptedOnce(20);
    expect(worker.tasks.length).toBeGreaterThan(4);
  });

  it('gives the frames of a silent worker to another, which asks first; finished ones are not given again', async () => {
    const held: HeldTask[] = [];
    const lost = await farm.work({ id: 'w1', slots: 1, handle: async (task) => void held.push(task) });
    await submit(farm.context, { ...document, chunk: 20 });
    await until('the task is held', () => held.length === 1);
    const [task] = held;
    await task!.started();
    await task!.say({
      type: 'frames',
      done: task!.task.frames.slice(0, 7).map((frame) => task!.result(frame)),
    });
    await jobWhen(farm.context, 'j', (job) => job.frames.done === 7 && job.frames.running === 1);
    lost.silence();
    const silent = performance.now();
    const wanted: number[][] = [];
    const other = await farm.work({
      id: 'w2',
      handle: async (mine) => {
        const reply = await other.ask(mine, null);
        if ('wanted' in reply) wanted.push(reply.wanted);
        await mine.complete();
      },
    });
    await jobWhen(farm.context, 'j', 'completed');
    expect(performance.now() - silent).toBeLessThan(10_000);
    expect(other.tasks.every((given) => given.resume)).toBe(true);
    expect(wanted.flat().sort((a, b) => a - b)).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
    await acceptedOnce(20);
    const attempt = await farm.context.ledger
      .selectFrom('attempts')
      .select('outcome')
      .where('worker', '=', 'w1')
      .executeTakeFirstOrThrow();
    expect(attempt.outcome).toBe('lost');
    await until('the ledger calls the worker lost', async () => {
      const worker = await farm.context.ledger
        .selectFrom('workers')
        .select('state')
        .where('id', '=', 'w1')
        .executeTakeFirst();
      return worker?.state === 'lost';
    });
    expect((await (await manager()).streams.info('TASKS')).state.messages).toBe(0);
    expect(await lost.ask(task!, 8)).toEqual({ wanted: [] });
  });

  it('lets a worker that was cut off keep the frame under way when nobody else could take it', async () => {
    const held: HeldTask[] = [];
    const worker = await farm.work({
      slots: 1,
      handle: async (task) => {
        held.push(task);
        if (held.length === 1) return; // this one stays under way
        const reply = await worker.ask(task, null);
        const wanted = 'wanted' in reply ? reply.wanted : [];
        await task.say({
          type: 'completed',
          done: task.task.frames
            .filter((frame) => wanted.includes(frame.number))
            .map((frame) => task.result(frame)),
          logKey: null,
        });
        task.end();
      },
    });
    await submit(farm.context, { ...document, frames: '1-3', chunk: 3 });
    await until('the task is held', () => held.length === 1);
    const [task] = held;
    await task!.started();
    await jobWhen(farm.context, 'j', (job) => job.frames.running === 1 && job.frames.queued === 2);
    worker.silence();
    await jobWhen(farm.context, 'j', (job) => job.frames.ready === 3);
    worker.speak();
    const reply = await worker.ask(task!, 1);
    expect(reply).toEqual({ wanted: [1, 2, 3] });
    await task!.complete();
    await jobWhen(farm.context, 'j', 'completed');
    const rows = await farm.context.ledger.selectFrom('frames').select('attempt').execute();
    expect(rows.every((row) => row.attempt === task!.attempt)).toBe(true);
    await acceptedOnce(3);
  });

  it('takes the frame under way back from a task that waits, and only that one', async () => {
    const held: HeldTask[] = [];
    const worker = await farm.work({ slots: 1, handle: async (task) => void held.push(task) });
    await submit(farm.context, { ...document, frames: '1-3', chunk: 3 });
    await until('the task is held', () => held.length === 1);
    const [task] = held;
    await task!.started();
    await jobWhen(farm.context, 'j', (job) => job.frames.running === 1 && job.frames.queued === 2);
    worker.silence();
    await jobWhen(farm.context, 'j', (job) => job.frames.ready === 3);
    worker.beat();
    worker.speak();
    // It asks only after its frames have been cut anew.
    await jobWhen(farm.context, 'j', (job) => job.frames.queued === 3);
    expect(await worker.ask(task!, 2)).toEqual({ wanted: [2] });
    expect((await jobWhen(farm.context, 'j', (job) => job.frames.running === 1)).frames.queued).toBe(2);
  });

  it('gives the tasks of a worker process that was started again to others at once', async () => {
    const held: HeldTask[] = [];
    const first = await farm.work({ id: 'w1', handle: async (task) => void held.push(task) });
    await submit(farm.context, document);
    await until('tasks are held', () => held.length === 2);
    for (const task of held) await task.started();
    await jobWhen(farm.context, 'j', (job) => job.frames.running === 2);
    await first.stop();
    first.silence();
    const started = performance.now();
    await farm.work({ id: 'w1' });
    await jobWhen(farm.context, 'j', 'completed');
    expect(performance.now() - started).toBeLessThan(5_000);
    await acceptedOnce(20);
  });

  it('gives on what a worker was handed that died before it spoke of it', async () => {
    const dead = await farm.work({
      id: 'w1',
      handle: (): Promise<void> => {
        dead.silence();
        return Promise.resolve();
      },
    });
    await submit(farm.context, { ...document, chunk: 20 });
    await until('it was handed the task', () => dead.tasks.length === 1);
    await dead.stop();
    await farm.work({ id: 'w2' });
    // Sooner than the server would deliver it again, by far.
    await jobWhen(farm.context, 'j', 'completed', 40_000);
    await acceptedOnce(20);
  });

  it('refills TASKS and goes on when every stream is deleted in mid-job', async () => {
    let open = false;
    await farm.work({
      slots: 1,
      handle: async (task) => {
        await until('the test lets go', () => open);
        // A worker publishes again until the stream takes it.
        for (;;) {
          try {
            await task.complete();
            return;
          } catch {
            await new Promise((resolve) => setTimeout(resolve, 100));
          }
        }
      },
    });
    await submit(farm.context, { ...document, chunk: 1 });
    await jobWhen(farm.context, 'j', (job) => job.frames.queued > 0);
    const streams = (await manager()).streams;
    for (const name of ['TASKS', 'JOBS', 'STATUS', 'STATUS_LIVE', 'LOGS', 'DEAD', 'ADVISORIES'])
      await streams.delete(name);
    open = true;
    await jobWhen(farm.context, 'j', 'completed', 30_000);
    await acceptedOnce(20);
    const { rows } = await sql<{ feed: number }>`SELECT max(feed)::int AS feed FROM tasks`.execute(
      farm.context.ledger,
    );
    expect(rows[0]?.feed).toBeGreaterThan(1);
    expect(await submit(farm.context, { ...document, id: 'after' })).toMatchObject({ existing: false });
  });

  it('makes the consumer of a lane again when somebody deleted it; what is in hand is not given out twice', async () => {
    const held: HeldTask[] = [];
    const frames: number[] = [];
    await farm.work({
      slots: 2,
      handle: async (task) => {
        frames.push(...task.frames);
        await task.started();
        if (held.length < 2) held.push(task);
        else await task.complete();
      },
    });
    await submit(farm.context, document);
    await until('two tasks are held', () => held.length === 2);
    const { consumers } = await manager();
    for await (const consumer of consumers.list('TASKS')) await consumers.delete('TASKS', consumer.name);
    await held[1]!.complete();
    await jobWhen(farm.context, 'j', (job) => job.frames.done === 20 - held[0]!.frames.length, 30_000);
    await held[0]!.complete();
    await jobWhen(farm.context, 'j', 'completed');
    await acceptedOnce(20);
    expect(frames.filter((frame) => held[0]!.frames.includes(frame))).toEqual(held[0]!.frames);
  });

  it('waits while Postgres is away: reports stay in the stream, and nothing is lost', async () => {
    const held: HeldTask[] = [];
    let taking = true;
    await farm.work({
      slots: 2,
      handle: async (task) => {
        if (taking) held.push(task);
        else await task.complete();
      },
    });
    await submit(farm.context, document);
    await until('tasks are held', () => held.length === 2);
    database.set('cut');
    taking = false;
    for (const task of held) await task.complete();
    const refused = await submit(farm.context, { ...document, id: 'meanwhile' });
    expect(refused).toMatchObject({ code: 'unavailable' });
    await new Promise((resolve) => setTimeout(resolve, 4_000)); // longer than the lease
    database.set('open');
    await jobWhen(farm.context, 'j', 'completed');
    await acceptedOnce(20);
  });

  it('feeds tasks again whose messages have vanished', async () => {
    let open = false;
    await farm.work({
      slots: 1,
      handle: async (task) => {
        await task.started();
        await until('the test lets go', () => open);
        await task.complete();
      },
    });
    await submit(farm.context, { ...document, chunk: 1 });
    await jobWhen(farm.context, 'j', (job) => job.frames.running === 1 && job.frames.queued > 0);
    await (await manager()).streams.purge('TASKS');
    open = true;
    await jobWhen(farm.context, 'j', 'completed', 40_000);
    await acceptedOnce(20);
    const { rows } = await sql<{ feed: number }>`SELECT max(feed)::int AS feed FROM tasks`.execute(
      farm.context.ledger,
    );
    expect(rows[0]?.feed).toBe(2);
  });

  it('cuts anew what waits in a lane that nobody serves any more, and closes the lane', async () => {
    const first = await farm.work({ id: 'w1', slots: 1, handle: async (task) => task.started() });
    await submit(farm.context, { ...document, chunk: 1 });
    await jobWhen(farm.context, 'j', (job) => job.frames.running === 1 && job.frames.queued > 0);
    await first.stop();
    first.silence();
    await farm.work({ id: 'w2', engines: ['null', 'lottie'] });
    await jobWhen(farm.context, 'j', 'completed', 40_000);
    await acceptedOnce(20);
    await until('only the lane of the other worker is left', async () => {
      const lanes = await farm.context.ledger.selectFrom('lanes').select('id').execute();
      return lanes.length === 1 && lanes[0]!.id.startsWith('lottie-null');
    });
  });

  it('hands the lease over at once when it stops', async () => {
    const second = await startTestCoordinator(farm.context);
    try {
      await farm.coordinator.stop();
      const stopped = performance.now();
      await until('the other one leads', async () => {
        const { rows } = await sql<{ holder: string }>`SELECT holder FROM leases`.execute(
          farm.context.ledger,
        );
        return rows[0]?.holder === second.id;
      });
      expect(performance.now() - stopped).toBeLessThan(1_600);
    } finally {
      await second.stop();
    }
  });
});
