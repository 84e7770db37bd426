import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  EndedEarlyError,
  startProcess,
  waitUntilReady,
  type ManagedProcess,
} from '../../src/local/processes/managed-process.ts';
import { Supervisor } from '../../src/local/processes/supervisor.ts';
import { stillRunning } from '../support/local-farm.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farmhand-process-'));
});
afterEach(() => rm(folder, { recursive: true }));

const shell = (script: string, more: { stopTimeoutMs?: number } = {}): Promise<ManagedProcess> =>
  startProcess({
    name: 'sample',
    command: '/bin/sh',
    args: ['-c', script],
    env: { PATH: '/usr/bin:/bin' },
    cwd: folder,
    logFile: join(folder, 'sample.log'),
    ...more,
  });

test('stopping asks first, and kills the whole group of one that does not listen', async () => {
  const polite = await shell('trap "echo bye; exit 0" TERM; while :; do sleep 0.05; done');
  await new Promise((resolve) => setTimeout(resolve, 200));
  await polite.stop();
  expect(polite.exit).toEqual({ code: 0, signal: null });
  expect(await readFile(polite.logFile, 'utf8')).toBe('bye\n');

  const deaf = await shell('trap "" TERM; sleep 300 & echo $! > child; wait; sleep 300', {
    stopTimeoutMs: 200,
  });
  const child = await vi.waitFor(async () => {
    const pid = Number(await readFile(join(folder, 'child'), 'utf8'));
    expect(pid).toBeGreaterThan(0);
    return pid;
  });
  await deaf.stop();
  expect(deaf.exit).toEqual({ code: null, signal: 'SIGKILL' });
  await vi.waitFor(() => expect(stillRunning([deaf.identity.pid, child])).toEqual([]));
});

test('one that ends before it is ready is reported with the end of its log', async () => {
  const broken = await shell('echo the port is taken; exit 7');
  const ready = waitUntilReady(broken, () => Promise.reject(new Error('not yet')));
  await expect(ready).rejects.toThrow(EndedEarlyError);
  await expect(ready).rejects.toThrow(/sample ended while starting \(exit code 7\)[^]*the port is taken/);
});

test('one that never becomes ready is given up with the last answer', async () => {
  const slow = await shell('sleep 300');
  const ready = waitUntilReady(slow, () => Promise.reject(new Error('connection refused')), 100);
  await expect(ready).rejects.toThrow('did not become ready within 0.1 s (connection refused)');
  await slow.stop();
});

test('children end when the process that started them is killed', async () => {
  const script = join(folder, 'parent.ts');
  const module = join(import.meta.dirname, '..', '..', 'src', 'local', 'processes', 'managed-process.ts');
  await writeFile(
    script,
    `import { startProcess } from ${JSON.stringify(module)};
     const child = await startProcess({ name: 'child', command: 'sleep', args: ['300'], env: process.env,
       cwd: '/', logFile: ${JSON.stringify(join(folder, 'child.log'))} });
     console.log(child.identity.pid);
     setInterval(() => undefined, 1000);`,
  );
  const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output] = (await once(parent.stdout, 'data')) as [Buffer];
  const child = Number(output.toString());
  expect(stillRunning([child])).toEqual([child]);
  parent.kill('SIGKILL');
  await vi.waitFor(() => expect(stillRunning([child])).toEqual([]), { timeout: 15_000 });
});

test('a service that fails again and again is tried with growing delays, and stops at once when asked', async () => {
  const said: string[] = [];
  const supervisor = new Supervisor(
    (line) => said.push(line),
    () => undefined,
  );
  let starts = 0;
  await supervisor.add({
    name: 'flaky',
    start: async () => {
      starts++;
      if (starts === 2) throw new Error('flaky cannot bind');
      const process = await shell(starts === 1 ? 'exit 3' : 'sleep 300');
      return { process, stop: process.stop };
    },
  });
  await vi.waitFor(() => expect(said).toHaveLength(3), { timeout: 5_000 });
  expect(said).toEqual([
    'flaky ended (exit code 3); starting it again in 0.5 s',
    'flaky cannot bind; starting it again in 1 s',
    'flaky runs again',
  ]);
  const { pid, state } = supervisor.reports[0] ?? { pid: 0, state: 'none' };
  expect(state).toBe('running');
  await supervisor.stop([['flaky']]);
  expect(stillRunning([pid])).toEqual([]);
  expect(supervisor.reports).toMatchObject([{ name: 'flaky', state: 'stopped' }]);
});
