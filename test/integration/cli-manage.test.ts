import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '../../src/shared/contracts/api.ts';
import type { WorkerDetails, WorkerEvents, Why } from '../../src/shared/contracts/manage-api.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { submit, until } from '../support/jobs.ts';
import { CommandLineFarm, type CommandOutcome } from '../support/local-farm.ts';
import type { ScriptedWorker } from '../support/scripted-worker.ts';

/** The wrangler's commands and routes against a gateway, a coordinator and a scripted worker. */
describe('managing the farm', () => {
  let farm: CoordinatorFarm;
  let gateway: TestGateway;
  let commandLine: CommandLineFarm;
  let worker: ScriptedWorker;

  beforeAll(async () => {
    farm = await createCoordinatorFarm();
    gateway = await startTestGateway(farm.context);
    commandLine = await CommandLineFarm.create();
    worker = await farm.work();
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

  const cli = (...args: string[]): Promise<CommandOutcome> =>
    commandLine.run(args, { FARMHAND_URL: gateway.url, FARMHAND_TOKEN: gateway.token });
  const put = <T>(path: string, body: unknown, status = 200) =>
    gateway.json<T>(path, status, { method: 'PUT', body: JSON.stringify(body) });
  const remove = <T>(path: string, status = 200) => gateway.json<T>(path, status, { method: 'DELETE' });

  it('asks workers by command, and shows what was done with them', async () => {
    expect(await cli('workers', 'w1', 'pause', '--reason', 'new driver', '--dry-run')).toMatchObject({
      code: 0,
      stdout: 'Pauses w1.\n',
      stderr: 'Nothing was changed.\n',
    });
    expect((await cli('workers', 'w1', 'pause', '--reason', 'new driver')).stdout).toBe('Paused w1.\n');
    const shown = await cli('workers', 'w1');
    expect(shown.stdout).toMatch(/^kept away {2}by wrangler: new driver$/m);
    expect(shown.stdout).toMatch(/: Paused w1\.$/m);
    expect((await cli('workers', 'w1', 'resume')).stdout).toBe('w1 works again (w1: it was paused).\n');
    expect((await cli('workers', 'w1', 'timetable', '19:00-08:00', 'and', 'weekends')).stdout).toBe(
      'w1 works at "19:00-08:00 and weekends" by its own clock.\n',
    );
    expect((await cli('workers', 'w1', 'timetable', 'own')).stdout).toBe(
      'w1 works as its own settings say.\n',
    );
  });

  it('says what is wrong with a command', async () => {
    expect(await cli('workers', 'pause')).toMatchObject({ code: 2 });
    expect(await cli('workers', 'ghost', 'pause')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/There is no worker ghost\./) as unknown,
    });
    expect(await cli('workers', 'w1', 'timetable', 'sometimes')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/timetable: got "sometimes", expected times such as/) as unknown,
    });
    expect(await cli('limits', 'set', 'project', 'film')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/Expected: farmhand limits \[set <project\|owner/) as unknown,
    });
    expect(await cli('limits', 'set', 'project', 'film', 'many')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/running: got "many"/) as unknown,
    });
    expect(await cli('limits', 'set', 'planet', 'film', '4')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/kind: got "planet"/) as unknown,
    });
  });

  it('sets, lists and removes settings by command', async () => {
    const run = (...commands: string[]) => Promise.all(commands.map((command) => cli(...command.split(' '))));
    await run(
      'limits set project film 4',
      'shares set owner ann 2.5',
      'guarantees set film * 8',
      'engine-versions set blender >=4.2 --project film',
    );
    const lists = ['limits', 'shares', 'guarantees', 'engine-versions'];
    expect((await run(...lists)).map(({ stdout }) => stdout.split('\n')[1])).toEqual([
      'project  film  4      0',
      'owner  ann   2.5',
      'film     all      8',
      'blender  film     >=4.2',
    ]);
    const [removed] = await run(
      'limits remove project film',
      'shares remove owner ann',
      'guarantees remove film *',
      'engine-versions remove blender --project film',
    );
    expect(removed?.stdout).toBe('There is no limit for project film any more.\n');
    for (const { stdout } of await run(...lists)) expect(stdout).toMatch(/^No /);
  });

  it('does the same by HTTP, with problem documents for what is wrong', async () => {
    expect(await put('/api/limits/project/a%2Fb', { running: 2 })).toMatchObject({ ok: true });
    expect(await gateway.json('/api/limits')).toEqual({
      limits: [{ kind: 'project', name: 'a/b', running: 2, inUse: 0, lowered: null }],
    });
    await remove('/api/limits/project/a%2Fb');
    expect(await gateway.json('/api/limits')).toEqual({ limits: [] });
    expect(await put<Problem>('/api/limits/planet/x', { running: 2 }, 400)).toMatchObject({
      errors: [{ path: 'kind' }],
    });
    expect(await put<Problem>('/api/limits/project/x', { running: -1 }, 400)).toMatchObject({
      errors: [{ path: 'running', value: '-1' }],
    });
    expect(await put<Problem>('/api/limits/project/x', { running: 1, more: 1 }, 400)).toMatchObject({
      errors: [{ path: 'more' }],
    });
    await put('/api/engine-versions/blender?project=film', { range: '5' });
    expect(await gateway.json('/api/engine-versions')).toEqual({
      engineVersions: [{ engine: 'blender', project: 'film', range: '5' }],
    });
    await remove('/api/engine-versions/blender?project=film');

    const asked = { requestId: 'mine', reason: 'cleaning', by: 'wanda' };
    const first = await gateway.post('/api/workers/w1/pause', 200, asked);
    expect(await gateway.post('/api/workers/w1/pause', 200, asked)).toEqual(first);
    expect(await gateway.json<WorkerDetails>('/api/workers/w1')).toMatchObject({
      id: 'w1',
      orders: { pause: { by: 'wrangler', reason: 'cleaning' } },
    });
    await gateway.post('/api/workers/control', 200, { verb: 'resume', ids: ['w1'] });
    const { events } = await gateway.json<WorkerEvents>('/api/workers/w1/events?limit=2');
    expect(events).toMatchObject([
      { verb: 'worker-resume', actor: 'api' },
      { verb: 'worker-pause', actor: 'wanda', message: 'Paused w1.' },
    ]);
    expect(await gateway.post<Problem>('/api/workers/w1/resume', 400, { timetable: 'always' })).toMatchObject(
      {
        errors: [{ path: 'timetable' }],
      },
    );
    await gateway.json('/api/workers/ghost', 404);
    await gateway.post('/api/workers/ghost/pause', 404, {});
    await gateway.json('/api/workers/ghost/events', 404);
  });

  it('says why a job waits', async () => {
    await submit(farm.context, {
      version: 1,
      id: 'big',
      name: 'big',
      engine: 'null',
      frames: '1-3',
      requires: { cores: 64 },
    });
    const why = await gateway.json<Why>('/api/jobs/big/why');
    expect(why).toMatchObject({
      jobId: 'big',
      state: 'queued',
      reasons: [{ cause: 'cores', step: 'render' }],
    });
    const said = await cli('why', 'big');
    expect(said.stdout).toBe(
      'big is queued. It needs 64 cores for each task; the only worker with null has 2. It starts when such a worker joins, or resubmit with requires.cores=2.\n',
    );
    expect(JSON.parse((await cli('why', 'big', '--json')).stdout)).toEqual(why);
    await gateway.json('/api/jobs/nowhere/why', 404);
    expect(worker.tasks).toEqual([]);
  });
});
