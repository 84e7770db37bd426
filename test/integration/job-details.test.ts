import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { workersSchema } from '../../src/shared/contracts/api.ts';
import { jobDetailsSchema, type JobDetails } from '../../src/shared/contracts/job-details.ts';
import type { RoomPatch, RoomSnapshot } from '../../src/shared/contracts/realtime.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { jobWhen, until } from '../support/jobs.ts';
import { CommandLineFarm } from '../support/local-farm.ts';

const LATER = '2999-01-01T00:00:00.000Z';

/** What the gateway, its rooms and the command line tell, beside a coordinator and a scripted worker. */
describe('what is told', () => {
  let farm: CoordinatorFarm;
  let gateway: TestGateway;
  let commandLine: CommandLineFarm;

  beforeAll(async () => {
    farm = await createCoordinatorFarm();
    gateway = await startTestGateway(farm.context);
    commandLine = await CommandLineFarm.create();
    await farm.work({
      facts: { site: 'berlin', tags: ['ssd', 'night'], sessionHits: 358, sessionMisses: 54 },
      handle: async (task) => {
        await task.started();
        await task.fail({ message: 'No camera', failedFrame: task.frames[0] ?? null, class: 'scene' });
      },
    });
    await until('the ledger knows the worker', async () => {
      const rows = await farm.context.ledger.selectFrom('workers').select('id').execute();
      return rows.length === 1;
    });
  });
  afterAll(async () => {
    await commandLine.dispose();
    await gateway.stop();
    await farm.dispose();
  });

  const cli = async (...args: string[]): Promise<string> => {
    const farmOfTest = { FARMHAND_URL: gateway.url, FARMHAND_TOKEN: gateway.token };
    const outcome = await commandLine.run(args, farmOfTest);
    expect(outcome).toMatchObject({ code: 0 });
    return outcome.stdout;
  };
  const submit = (document: Record<string, unknown>) =>
    gateway.post('/api/jobs', 201, { version: 1, name: 'n', ...document });
  const details = async (id: string): Promise<JobDetails> =>
    jobDetailsSchema.strict().parse(await gateway.json(`/api/jobs/${id}`));
  const asUsual = {
    dependsOn: [],
    requires: {
      engineVersion: null,
      cores: null,
      memoryBytes: null,
      gpus: 0,
      tags: [],
      site: null,
      preferSite: null,
      roots: [],
    },
    chunk: 'auto',
    targetSeconds: 30,
    licences: [],
    holdReason: null,
  };

  describe('of a job that says little', () => {
    it('is what stands in its place', async () => {
      await submit({ id: 'plain', engine: 'null', frames: '1-3', notBefore: LATER });
      expect(await details('plain')).toMatchObject({
        preempt: false,
        preview: null,
        notBefore: LATER,
        limits: { running: null },
        dependsOn: [],
        steps: [{ ...asUsual, engineVersion: '1' }],
      });
      expect((await cli('job', 'plain')).split('\n\n').slice(1)).toEqual([
        'STEP    ENGINE  STATE   FRAMES\nrender  null 1  queued  0/3 done\n',
      ]);
    });
  });

  describe('of a job that says much', () => {
    beforeAll(async () => {
      const limit = JSON.stringify({ running: 4 });
      await gateway.json('/api/limits/licence/karma', 200, { method: 'PUT', body: limit });
      await submit({ id: 'sim', name: 'Simulation', engine: 'null', frames: '1-8', notBefore: LATER });
      await submit({
        id: 'shot',
        dependsOn: [{ job: 'sim' }],
        preempt: true,
        preview: 'first-middle-last',
        limits: { running: 5 },
        steps: [
          {
            name: 'render',
            engine: 'null',
            frames: '1-8',
            chunk: 3,
            licences: ['karma'],
            requires: { engineVersion: '<2', cores: 2, tags: ['ssd'], site: 'berlin' },
          },
          {
            name: 'comp',
            engine: 'null',
            frames: '1-8',
            targetSeconds: 12.5,
            dependsOn: [
              { step: 'render', kind: 'frame', window: 1 },
              { job: 'sim', kind: 'frame', offset: -1 },
            ],
            requires: { memory: '8 GiB', gpus: 1, preferSite: 'berlin' },
          },
        ],
      });
    });

    it('is in the answer of the API', async () => {
      const { state, ...job } = await details('shot');
      expect(state).toBe('queued');
      expect(job).toMatchObject({
        preempt: true,
        preview: 'first-middle-last',
        notBefore: null,
        limits: { running: 5 },
        dependsOn: [{ job: 'sim', name: 'Simulation', state: 'queued' }],
        steps: [
          {
            ...asUsual,
            name: 'render',
            frames: { total: 8, waiting: 8 },
            engineVersion: '1',
            chunk: 3,
            licences: ['karma'],
            requires: { ...asUsual.requires, engineVersion: '<2', cores: 2, tags: ['ssd'], site: 'berlin' },
          },
          {
            ...asUsual,
            name: 'comp',
            // No worker has a GPU: which version it will be is not known yet.
            engineVersion: null,
            targetSeconds: 12.5,
            requires: { ...asUsual.requires, memoryBytes: 8 * 2 ** 30, gpus: 1, preferSite: 'berlin' },
            dependsOn: [
              { job: 'sim', step: 'render', kind: 'frame', offset: -1, window: 0 },
              { job: null, step: 'render', kind: 'frame', offset: 0, window: 1 },
            ],
          },
        ],
      });
    });

    it('is in the words of the command line', async () => {
      const [facts, ...rest] = (await cli('job', 'shot')).trimEnd().split('\n\n');
      expect(facts?.split('\n')).toEqual(
        expect.arrayContaining([
          'after      job sim (Simulation), queued',
          'limit      5 frames at once',
          'preempts   lower priorities make room',
          'preview    first, middle and last frames first',
        ]),
      );
      expect(rest).toEqual([
        'STEP    ENGINE  STATE   FRAMES\nrender  null 1  queued  0/8 done\ncomp    null    queued  0/8 done',
        'render\n  needs      null <2 · 2 cores · tag ssd · site berlin\n  licences   karma\n  chunk      3 frames a task',
        'comp\n  after      step render of job sim, frame n−1 for frame n; render, frames n−1 to n+1 for frame n\n  needs      8 GiB of memory · 1 GPU · site berlin if it has room\n  chunk      tasks of about 12.5 s',
      ]);
      expect(JSON.parse(await cli('job', 'shot', '--json'))).toMatchObject({ limits: { running: 5 } });
    });
  });

  describe('in the room of a job', () => {
    async function watch(id: string): Promise<{ snapshot: RoomSnapshot; told: JobDetails[] }> {
      const socket = await gateway.connect();
      const told: JobDetails[] = [];
      socket.on('patches', (patches: RoomPatch[]) => {
        for (const patch of patches) if (patch.details) told.push(patch.details);
        socket.emit('applied');
      });
      const snapshot = await new Promise<RoomSnapshot>((resolve, reject) =>
        socket.emit('join', { room: `job:${id}` }, (answer) =>
          answer.ok && 'snapshot' in answer
            ? resolve(answer.snapshot)
            : reject(new Error(JSON.stringify(answer))),
        ),
      );
      return { snapshot, told };
    }

    it('is what is set now, and what is set later', async () => {
      await submit({ id: 'watched', engine: 'null', frames: '1-8', notBefore: LATER });
      const { snapshot, told } = await watch('watched');
      expect(snapshot.job?.steps).toMatchObject([{ chunk: 'auto', targetSeconds: 30 }]);
      await gateway.post('/api/jobs/watched/chunk', 200, { chunk: 5 });
      await vi.waitFor(() => expect(told.at(-1)?.steps).toMatchObject([{ chunk: 5 }]), 8_000);
      await gateway.post('/api/jobs/watched/limits', 200, { running: 2 });
      await vi.waitFor(() => expect(told.at(-1)?.limits).toEqual({ running: 2 }), 8_000);
      // What only counts is told by summaries alone.
      const before = told.length;
      await gateway.post('/api/jobs/watched/cancel', 200);
      await vi.waitFor(async () => expect((await details('watched')).state).toBe('cancelled'), 8_000);
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      expect(told).toHaveLength(before);
    });

    it('is why it is held', async () => {
      await submit({ id: 'broken', engine: 'null', frames: '1-40', chunk: 1, maxAttempts: 1 });
      const { told } = await watch('broken');
      const { error } = await jobWhen(farm.context, 'broken', 'held');
      await vi.waitFor(() => expect(told.at(-1)?.steps[0]?.holdReason).toBe(error), 12_000);
      expect(error).toEqual(expect.stringMatching(/^Held: .*No camera/));
      expect((await details('broken')).steps[0]?.holdReason).toBe(error);
      expect(await cli('job', 'broken')).toContain(`\nerror      ${error ?? ''}\n`);
    });
  });

  it('of workers is where they stand, what they are called, and how often their scenes were loaded', async () => {
    const { workers } = workersSchema.parse(await gateway.json('/api/workers'));
    expect(workers).toMatchObject([
      { id: 'w1', site: 'berlin', tags: ['ssd', 'night'], sessions: { warm: 358, cold: 54 } },
    ]);
    expect((await cli('workers')).split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['ID', 'HOST', 'SITE', 'TAGS', 'STATE', 'SLOTS', 'LOAD', 'WARM', 'ENGINES', 'TROUBLE'],
      ['w1', 'test', 'berlin', 'ssd, night', 'idle', '0/2 busy', '0.00', '86 %', 'null 1'],
      [''],
    ]);
    const one = await cli('workers', 'w1');
    expect(one).toMatch(/^site {7}berlin$/m);
    expect(one).toMatch(/^tags {7}ssd, night$/m);
    expect(one).toMatch(/^warm {7}86 % of 412 tasks$/m);
  });
});
