import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { countStorage } from '../../src/coordinator/retention/count-storage.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { CommandLineFarm, type CommandOutcome } from '../support/local-farm.ts';
import { seedOf } from '../support/retention-seeds.ts';

/** Deleting, keeping and counting from the command line. */

let farm: CoordinatorFarm;
let gateway: TestGateway;
let commandLine: CommandLineFarm;

beforeAll(async () => {
  farm = await createCoordinatorFarm();
  gateway = await startTestGateway(farm.context);
  commandLine = await CommandLineFarm.create();
}, 120_000);

afterAll(async () => {
  await commandLine.dispose();
  await gateway.stop();
  await farm.dispose();
});

const cli = (...args: string[]): Promise<CommandOutcome> =>
  commandLine.run(args, { FARMHAND_URL: gateway.url, FARMHAND_TOKEN: gateway.token });

it('deletes, lists and restores a job', async () => {
  await seedOf(farm.context, { id: 'shot', frames: 2 });
  expect(await cli('delete', 'shot', '--dry-run')).toMatchObject({
    code: 0,
    stdout: 'Deletes the job: 2 files, 200 B.\n',
    stderr: 'Nothing was changed.\n',
  });
  expect((await cli('delete', 'shot')).stdout).toMatch(/^Deleted the job: 2 files, 200 B\. For 14 days /);
  expect((await cli('jobs')).stdout).toBe('No jobs.\n');
  expect((await cli('jobs', '--bin')).stdout).toMatch(/^shot /m);
  expect((await cli('job', 'shot')).stdout).toMatch(/^in the bin until \d{4}-.*, put there by /m);
  expect((await cli('restore', 'shot')).stdout).toBe('Took the job out of the bin: 2 files, 200 B.\n');
  expect((await cli('keep', 'shot')).stdout).toBe('Kept the job for good.\n');
  expect(await cli('delete', 'shot', '--now')).toMatchObject({ code: 1 });
  expect((await cli('job', 'shot')).stdout).toMatch(/^kept +for good$/m);
  expect((await cli('keep', 'shot', '--undo')).code).toBe(0);
});

it('deletes what its options find, and nothing without any', async () => {
  for (let nth = 0; nth < 105; nth++)
    await seedOf(farm.context, {
      id: `old-${nth}`,
      frames: 0,
      owner: 'mia',
      state: nth % 2 ? 'failed' : 'completed',
    });
  await sql`UPDATE jobs SET finished_at = now() - interval '40 days' WHERE id LIKE 'old-%'`.execute(
    farm.context.ledger,
  );
  await seedOf(farm.context, { id: 'young', frames: 0, owner: 'mia' });
  await seedOf(farm.context, { id: 'busy', frames: 1, owner: 'mia', state: 'running' });

  expect(await cli('delete')).toMatchObject({ code: 2 });
  expect(await cli('delete', 'young', '--owner', 'mia')).toMatchObject({ code: 2 });
  expect(await cli('delete', '--owner', 'mia', '--older-than', 'soon')).toMatchObject({ code: 2 });
  expect((await cli('delete', '--owner', 'nobody')).stdout).toBe('No such job.\n');
  const would = await cli('delete', '--owner', 'mia', '--older-than', '30d', '--dry-run');
  expect(would).toMatchObject({ code: 0, stdout: 'Deletes 105 jobs: 0 files, 0 B.\n' });
  expect((await cli('delete', '--owner', 'mia', '--state', 'failed')).stdout).toBe(
    'Deleted 52 jobs: 0 files, 0 B.\n',
  );
  const rest = await cli('delete', '--owner', 'mia', '--older-than', '30d', '--json');
  expect((JSON.parse(rest.stdout) as { jobs: unknown[] }).jobs).toHaveLength(53);
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM jobs WHERE owner = 'mia' AND binned_at IS NULL ORDER BY id`.execute(farm.context.ledger);
  expect(rows).toEqual([{ id: 'busy' }, { id: 'young' }]);
}, 120_000);

it('sets rules and shows what the storage is used for', async () => {
  expect((await cli('retention')).stdout).toMatch(/^bin +all +14 +from the beginning$/m);
  expect((await cli('retention', 'set', 'failed', '90', '--project', 'film')).stdout).toBe(
    'Failed jobs of project film are kept for 90 days; then they go into the bin.\n',
  );
  expect((await cli('retention', 'set', 'assets', 'forever')).stdout).toMatch(/are kept for ever\.\n$/);
  expect((await cli('retention')).stdout).toMatch(/^failed +film +90$/m);
  expect((await cli('retention', 'remove', 'failed', '--project', 'film')).code).toBe(0);
  const wrong = await cli('retention', 'set', 'everything', '3');
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('what') as unknown });
  expect(await cli('retention', 'set', 'bin', '0')).toMatchObject({ code: 1 });

  await seedOf(farm.context, { id: 'counted', frames: 3, project: 'ads' });
  while ((await countStorage(farm.context.ledger, 100)) > 0);
  expect((await cli('storage', '--by', 'project')).stdout).toMatch(/^ads +300 B +3 +1$/m);
  expect((await cli('storage', '--by', 'job', '--limit', '1')).stdout).toMatch(/^counted +300 B +3 +1$/m);
  expect((await cli('job', 'counted')).stdout).toMatch(/^storage +3 files, 300 B$/m);
});
