import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage } from '../../src/shared/contracts/decode.ts';
import { rootsReplySchema } from '../../src/shared/contracts/messages.ts';
import type { Roots } from '../../src/shared/contracts/storage-roots.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';
import { CommandLineFarm, type CommandOutcome } from '../support/local-farm.ts';
import { why } from '../support/manage.ts';
import type { ScriptedWorker } from '../support/scripted-worker.ts';

/** Shared storage as the farm keeps it: commands, routes, jobs and workers of which one has it mounted. */
describe('storage roots', { timeout: 120_000 }, () => {
  let farm: CoordinatorFarm;
  let gateway: TestGateway;
  let commandLine: CommandLineFarm;
  let without: ScriptedWorker;

  beforeAll(async () => {
    farm = await createCoordinatorFarm();
    gateway = await startTestGateway(farm.context);
    commandLine = await CommandLineFarm.create();
    without = await farm.work({ id: 'without', engines: ['blender'] });
    await until('the worker pulls', () => without.controls.some(({ type }) => type === 'lanes'));
  });
  afterAll(async () => {
    await commandLine.dispose();
    await gateway.stop();
    await farm.dispose();
  });

  const cli = (...args: string[]): Promise<CommandOutcome> =>
    commandLine.run(args, { FARMHAND_URL: gateway.url, FARMHAND_TOKEN: gateway.token });
  const list = async (): Promise<Roots['roots']> => (await gateway.json<Roots>('/api/roots')).roots;
  const job = (id: string, scene: string, more: Record<string, unknown> = {}) =>
    submit(farm.context, { version: 1, id, name: id, engine: 'blender', frames: '1-2', scene, ...more });

  it('makes storage known, tells workers, and gives them the table', async () => {
    expect((await cli('roots')).stdout).toContain('No shared storage is known.');
    const dry = await cli('roots', 'add', 'show', '--linux', '/mnt/show', '--dry-run');
    expect(dry).toMatchObject({ code: 0, stdout: 'Makes /mnt/show known as storage root show.\n' });
    expect(await list()).toEqual([]);
    const told = without.controls.length;
    const added = await cli('roots', 'add', 'show', '--linux', '/mnt/show', '--windows', 'S:\\show');
    expect(added).toMatchObject({ code: 0, stderr: '' });
    const root = { name: 'show', linux: '/mnt/show', mac: null, windows: 'S:\\show', unc: null };
    expect(await list()).toEqual([{ ...root, workers: 0 }]);
    expect((await cli('roots')).stdout).toMatch(/^show +\/mnt\/show +- +S:\\show +- +0$/m);
    await until('the worker is told', () =>
      without.controls.slice(told).some(({ type }) => type === 'roots'),
    );
    const connection = await farm.context.connectAs('worker');
    const answer = await connection.request('ask.without.roots', encodeMessage({ version: 1 }));
    expect(decodeMessage(rootsReplySchema, answer.data, 'The answer')).toEqual({ roots: [root] });
    expect((await cli('roots', 'add', 'show', '--linux', '/mnt/show', '--windows', 'S:\\show')).stdout).toBe(
      'Storage root show is /mnt/show, S:\\show already.\n',
    );
  });

  it.each([
    [['add', 'x', '--linux', 'mnt/x'], 'linux: got "mnt/x", expected an absolute path'],
    [['add', 'x', '--windows', 'S:/x'], 'windows: got "S:/x", expected an absolute path'],
    [['add', 'x', '--linux', '/mnt/../x'], 'expected an absolute path'],
    [['add', 'x'], 'at least one of linux, mac, windows, unc'],
    [['add', 'a.b', '--linux', '/mnt/x'], 'is not an id'],
    [['add', 'x', '--windows', 's:\\SHOW'], 's:\\SHOW is storage root show already'],
    [['remove', 'x'], 'There is no storage root "x"'],
  ])('refuses %j', async (args, message) => {
    const before = await list();
    const { code, stderr } = await cli('roots', ...args);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(escaped(message)) as string });
    expect(await list()).toEqual(before);
  });

  it('refuses jobs that name storage nobody knows, or climb out of one', async () => {
    expect(await job('unknown', 'root:nowhere/a.blend')).toMatchObject({
      errors: [{ path: 'scene', value: '"nowhere"', expected: expect.stringContaining('(show)') as string }],
    });
    expect(await job('asked', 'root:show/a.blend', { requires: { roots: ['lib'] } })).toMatchObject({
      errors: [{ path: 'requires.roots[0]', value: '"lib"' }],
    });
    for (const path of ['../a.blend', 'x/../../a.blend', 'x\\..\\a.blend', '/etc/passwd'])
      expect(await job('climbs', `root:show/${path}`), path).toMatchObject({
        errors: [{ path: 'scene', expected: expect.stringContaining('below the root') as string }],
      });
  });

  it('waits for a worker that has it mounted, says so, and goes there alone', async () => {
    expect(await job('waits', 'root:show/shots/a.blend')).toMatchObject({ id: 'waits' });
    await until('it is said', async () =>
      (await why(farm.context, 'waits')).reasons.some(({ cause }) => cause === 'root'),
    );
    const { summary, reasons } = await why(farm.context, 'waits');
    expect(summary).toContain('needs storage root show; no worker has it mounted');
    expect(reasons.find(({ cause }) => cause === 'root')?.figures).toEqual({ wanted: 'show', workers: 0 });
    expect(await cli('roots', 'remove', 'show')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('1 job that has not ended needs it: waits') as string,
    });
    const having = await farm.work({ id: 'having', engines: ['blender'], facts: { roots: ['show'] } });
    await jobWhen(farm.context, 'waits', 'completed', 30_000);
    expect(having.tasks.map(({ scene }) => scene)).toContainEqual({ root: 'show', path: 'shots/a.blend' });
    expect(without.tasks).toEqual([]);
    expect(await list()).toMatchObject([{ name: 'show', workers: 1 }]);
    expect((await cli('workers')).stdout).toMatch(/^having .* show /m);
  });

  it('says how many have it where they cannot do the rest', async () => {
    await job('gpu', 'root:show/a.blend', { requires: { gpus: 1 } });
    let text = '';
    await until('it is said', async () => {
      text = (await why(farm.context, 'gpu')).reasons.map((reason) => reason.text).join();
      return text.includes('1 GPU');
    });
    expect(text).toContain('needs 1 GPU');
  });

  it('forgets storage that jobs need only when that is forced', async () => {
    expect((await cli('roots', 'remove', 'show')).code).toBe(1);
    const forced = await cli('roots', 'remove', 'show', '--force');
    expect(forced).toMatchObject({ code: 0, stdout: expect.stringContaining('is forgotten') as string });
    expect(await list()).toEqual([]);
  });
});

const escaped = (text: string): RegExp => new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
