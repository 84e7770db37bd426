import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobSummary } from '../../src/shared/contracts/messages.ts';
import { blenderEngine } from '../../src/worker/engines/blender/engine.ts';
import { startTestCoordinator, type TestCoordinator } from '../support/coordinator.ts';
import { engineHere } from '../support/engine-needs.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';
import { CommandLineFarm, type CommandOutcome } from '../support/local-farm.ts';
import { manage } from '../support/manage.ts';
import { WorkerProcess } from '../support/worker-process.ts';

const here = await engineHere(blenderEngine, 'blender');
const MAKE = join(import.meta.dirname, '../fixtures/blend/make-shared-blend.py');

/** Two workers, of which one has the storage mounted, at another place than whoever submits. */
describe.skipIf(here.skip)(`shared storage${here.note}`, { timeout: 120_000 }, () => {
  let context: TestContext;
  let coordinator: TestCoordinator;
  let gateway: TestGateway;
  let commandLine: CommandLineFarm;
  let workers: WorkerProcess[];
  /** The same folder by two names: as the worker has it mounted, and as the artist has. */
  let mounted: string;
  let desk: string;

  beforeAll(async () => {
    context = await createTestContext();
    coordinator = await startTestCoordinator(context);
    gateway = await startTestGateway(context);
    commandLine = await CommandLineFarm.create();
    mounted = join(context.folder, 'mount');
    desk = join(context.folder, 'desk');
    await mkdir(join(mounted, 'shots'), { recursive: true });
    await mkdir(join(mounted, 'tex'));
    await symlink(mounted, desk);
    const green = { width: 4, height: 4, channels: 3, background: '#00ff00' } as const;
    await sharp({ create: green }).png().toFile(join(mounted, 'tex/green.png'));
    await mkdir(join(context.folder, 'secret'));
    await copyFile(join(mounted, 'tex/green.png'), join(context.folder, 'secret/green.png'));
    const args = [join(mounted, 'shots'), join(mounted, 'tex/green.png')];
    await promisify(execFile)(
      here.detected.program,
      basename(here.detected.program).startsWith('python')
        ? [MAKE, ...args]
        : ['-b', '--factory-startup', '--python-exit-code', '64', '--python', MAKE, '--', ...args],
    );
    await manage(context, {
      ...{ verb: 'put-root', root: 'show', linux: '/mnt/farmhand-test-show', mac: '/Volumes/show' },
      ...{ windows: 'S:\\show', unc: '\\\\nas\\show' },
    });
    const start = (id: string, more: Record<string, string> = {}): WorkerProcess =>
      new WorkerProcess(context, {
        FARMHAND_WORKER_ID: id,
        FARMHAND_WORKER_DIR: join(context.folder, id),
        FARMHAND_ENGINES: 'blender',
        ...more,
      });
    workers = [start('without'), start('having', { FARMHAND_ROOTS: `show=${mounted}` })];
    await until(
      'both workers have lanes, and one the storage',
      async () => {
        const rows = await context.ledger.selectFrom('workers').select(['id', 'heartbeat']).execute();
        return (
          rows.filter(({ heartbeat }) => heartbeat.lanes.length > 0).length === 2 &&
          rows.some(({ id, heartbeat }) => id === 'having' && heartbeat.roots.includes('show'))
        );
      },
      60_000,
    );
  }, 180_000);
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.end()));
    await commandLine.dispose();
    await gateway.stop();
    await coordinator.stop();
    await context.dispose();
  });

  const cli = (...args: string[]): Promise<CommandOutcome> =>
    commandLine.run(args, {
      FARMHAND_URL: gateway.url,
      FARMHAND_TOKEN: gateway.token,
      FARMHAND_ROOTS: `show=${desk}`,
    });
  const assets = async (): Promise<number> =>
    (await context.ledger.selectFrom('assets').select('sha256').execute()).length;
  const workersOf = async (id: string): Promise<(string | null)[]> => {
    const rows = await context.ledger
      .selectFrom('frames')
      .innerJoin('steps', 'steps.key', 'frames.step_key')
      .select('frames.worker')
      .where('steps.job_id', '=', id)
      .execute();
    return rows.map(({ worker }) => worker);
  };
  const isGreen = async (file: string): Promise<boolean> => {
    const { data } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const [red = 255, green = 0, blue = 255] = data.subarray(data.length / 2);
    return red < 5 && green > 250 && blue < 5;
  };
  const failureOf = async (scene: string, more: Record<string, unknown> = {}): Promise<string> => {
    const reply = await submit(context, {
      ...{ version: 1, name: 'x', engine: 'blender', frames: '1', maxAttempts: 1, scene },
      ...more,
    });
    if (!('id' in reply)) throw new Error(JSON.stringify(reply));
    await jobWhen(context, reply.id, ({ state }) => state === 'failed' || state === 'held', 90_000);
    const { error } = await context.ledger
      .selectFrom('frames')
      .innerJoin('steps', 'steps.key', 'frames.step_key')
      .select('frames.error')
      .where('steps.job_id', '=', reply.id)
      .executeTakeFirstOrThrow();
    return error ?? '';
  };

  it.each(['windows', 'unc', 'mac'])(
    'renders a scene of %s in place, where it is mounted, and uploads nothing',
    async (system) => {
      const before = await assets();
      const listing = await readdir(join(mounted, 'shots'));
      const out = join(context.folder, `out-${system}`);
      const scene = join(desk, 'shots', `${system}.blend`);
      const sent = await cli('submit', scene, '--frames', '1-2', '--download', out, '--json');
      expect(sent, sent.stderr).toMatchObject({ code: 0 });
      expect(sent.stderr).toContain(
        `root:show/shots/${system}.blend is on shared storage; nothing is uploaded`,
      );
      const job = JSON.parse(sent.stdout) as JobSummary;
      expect(await workersOf(job.id)).toEqual(['having', 'having']);
      expect(await isGreen(join(out, 'render_0001.png'))).toBe(true);
      expect(await assets()).toBe(before);
      expect(await readdir(join(mounted, 'shots')), 'nothing was written there').toEqual(listing);
    },
  );

  it('leaves files on shared storage there when the scene itself is uploaded', async () => {
    const home = join(context.folder, 'home');
    await mkdir(home);
    await copyFile(join(mounted, 'shots/windows.blend'), join(home, 'own.blend'));
    const before = await assets();
    const out = join(context.folder, 'out-own');
    const sent = await cli('submit', join(home, 'own.blend'), '--frames', '1', '--download', out, '--json');
    expect(sent, sent.stderr).toMatchObject({ code: 0 });
    expect(sent.stderr).toMatch(/own\.blend: blender.*; 1 file, /);
    expect(sent.stderr).toContain('with files on shared storage: show');
    const job = JSON.parse(sent.stdout) as JobSummary;
    expect(await workersOf(job.id)).toEqual(['having']);
    expect(await isGreen(join(out, 'render_0001.png'))).toBe(true);
    expect(await assets()).toBe(before + 1);
  });

  it('uploads what lies there when that is asked for', async () => {
    const before = await assets();
    await copyFile(join(mounted, 'shots/mac.blend'), join(mounted, 'shots/plain.blend'));
    const refused = await cli('submit', join(desk, 'shots/plain.blend'), '--upload');
    expect(refused.code, 'the texture of another system is not there then').toBe(2);
    expect(refused.stderr).toContain('/Volumes/show/tex/green.png');
    expect(await assets()).toBe(before);
  });

  it('names what is missing before anything is sent', async () => {
    const lost = await cli('submit', join(desk, 'shots/lost.blend'));
    expect(lost).toMatchObject({ code: 2 });
    expect(lost.stderr).toContain('S:\\show\\tex\\lost.png (named in lost.blend; not on storage root show)');
  });

  it('says root, path and worker where a scene is not there, or leads out', async () => {
    expect(await failureOf('root:show/shots/gone.blend')).toContain(
      `root:show/shots/gone.blend is not there, or cannot be read: worker having looked for ${join(mounted, 'shots/gone.blend')}`,
    );
    await copyFile(join(mounted, 'shots/mac.blend'), join(context.folder, 'secret/out.blend'));
    await symlink(join(context.folder, 'secret/out.blend'), join(mounted, 'shots/link.blend'));
    expect(await failureOf('root:show/shots/link.blend')).toContain('leads out of its storage root');
    expect(await failureOf('root:show/shots/climbs.blend')).toContain('needs files that are not there');
  });

  it('takes a scene anew that was written since, though a session has it loaded', async () => {
    const scene = join(mounted, 'shots/changing.blend');
    const render = async (out: string): Promise<string> => {
      const sent = await cli('submit', scene.replace(mounted, desk), '--frames', '1', '--download', out);
      expect(sent, sent.stderr).toMatchObject({ code: 0 });
      return join(out, 'render_0001.png');
    };
    await copyFile(join(mounted, 'shots/mac.blend'), scene);
    expect(await isGreen(await render(join(context.folder, 'out-green')))).toBe(true);
    const script =
      `import bpy; bpy.ops.wm.open_mainfile(filepath=${JSON.stringify(scene)}); ` +
      'bpy.data.materials["Picture"].node_tree.links.clear(); bpy.ops.wm.save_mainfile()';
    if (!basename(here.detected.program).startsWith('python'))
      await promisify(execFile)(here.detected.program, ['-b', '--factory-startup', '--python-expr', script]);
    else await promisify(execFile)(here.detected.program, ['-c', script]);
    await utimes(scene, new Date(), new Date());
    expect(await isGreen(await render(join(context.folder, 'out-black')))).toBe(false);
  });

  it('gives no more work to a worker whose mount is gone, until it is back', async () => {
    const rootsNow = async (): Promise<string[]> => {
      const row = await context.ledger
        .selectFrom('workers')
        .select('heartbeat')
        .where('id', '=', 'having')
        .executeTakeFirstOrThrow();
      return row.heartbeat.roots;
    };
    const away = `${mounted}-away`;
    await rename(mounted, away);
    await mkdir(mounted); // an empty mount point
    await until('it is seen', async () => (await rootsNow()).length === 0, 60_000);
    const reply = await submit(context, {
      ...{ version: 1, name: 'x', engine: 'blender', frames: '1', scene: 'root:show/shots/mac.blend' },
    });
    if (!('id' in reply)) throw new Error(JSON.stringify(reply));
    await rm(mounted, { recursive: true });
    await rename(away, mounted);
    const job = await jobWhen(context, reply.id, 'completed', 90_000);
    expect(job.frames.failed).toBe(0);
    expect(await rootsNow()).toEqual(['show']);
    await writeFile(join(mounted, 'end'), '');
  });
});
