import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Join } from '../../src/shared/contracts/join.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { PlayCoordinator } from '../support/play-coordinator.ts';

const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
let context: TestContext;
let invitation: Join;

beforeAll(async () => {
  context = await createTestContext();
  const { url, user, password } = context.natsSettings('worker');
  invitation = {
    version: 1,
    farm: 'test farm',
    natsUrl: url,
    natsUser: user,
    natsPassword: password,
    s3: context.workerS3Settings,
  };
});
afterAll(() => context.dispose());

interface Run {
  child: ChildProcess;
  out: string[];
  err: string[];
}

async function joinWith(content: unknown): Promise<Run> {
  const file = join(context.folder, 'join.json');
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  const child = spawn(process.execPath, [CLI, 'worker', '--join', file, '--slots', '3', '--json'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: context.folder,
      FARMHAND_WORKER_ID: 'joined',
      FARMHAND_ENGINES: 'null',
    },
  });
  const run: Run = { child, out: [], err: [] };
  child.stdout.on('data', (chunk: Buffer) => void run.out.push(chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => void run.err.push(chunk.toString()));
  return run;
}

async function exitOf(content: unknown): Promise<{ code: number | null; err: string }> {
  const run = await joinWith(content);
  await once(run.child, 'close');
  return { code: run.child.exitCode, err: run.err.join('') };
}

describe('farmhand worker --join', () => {
  it('renders for the farm and ends on Ctrl-C', async () => {
    const farm = await PlayCoordinator.start(context, 'joined');
    const run = await joinWith(invitation);
    await farm.untilReady();
    expect(farm.heartbeats[0]).toMatchObject({
      slots: 3,
      pid: run.child.pid,
      host: expect.any(String) as string,
    });
    expect(JSON.parse(run.out.join(''))).toMatchObject({ farm: 'test farm', pid: run.child.pid });
    expect((await farm.end(await farm.feed({ frames: [1] }))).type).toBe('completed');
    run.child.kill('SIGINT');
    await once(run.child, 'close');
    expect(run.child.exitCode).toBe(0);
    expect([...run.out, ...run.err].join('')).not.toContain(invitation.natsPassword);
  });

  it('says what is wrong with the invitation, the farm or the credentials', async () => {
    expect(await exitOf('{"version": 1}')).toMatchObject({
      code: 2,
      err: expect.stringContaining('natsUrl') as string,
    });
    expect(await exitOf({ ...invitation, natsUrl: 'nats://127.0.0.1:1' })).toMatchObject({ code: 3 });
    const refused = await exitOf({ ...invitation, natsPassword: 'wrong' });
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringContaining('does not take this invitation') as string,
    });
  });
});
