import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { RunState } from '../../src/local/farm-home.ts';
import { CommandLineFarm, answers, stillRunning } from '../support/local-farm.ts';

const pidsOf = (state: RunState): number[] => [state.pid, ...state.processes.map(({ pid }) => pid)];

const pidOf = (state: RunState, name: string): number => {
  const found = state.processes.find((process) => process.name === name);
  if (found === undefined) throw new Error(`The farm has no process ${name}.`);
  return found.pid;
};

/** The tests are one story: each finds the farm as the one before left it. */
describe('a farm on one machine', { timeout: 120_000 }, () => {
  let farm: CommandLineFarm;

  beforeAll(async () => {
    farm = await CommandLineFarm.create();
  });
  afterAll(() => farm.dispose());

  test('before there is one, status and env say so with exit code 3', async () => {
    const status = await farm.run(['status', '--json']);
    expect(status.code).toBe(3);
    expect(JSON.parse(status.stdout)).toEqual({ dashboard: null, processes: [] });
    expect(await farm.run(['env'])).toMatchObject({ code: 3, stdout: '' });
  });

  test('a wrong flag or address starts nothing and exits with 2', async () => {
    for (const args of [['--workers', 'many'], ['--host', 'example.org'], ['--port', '70000'], ['--wrong']])
      expect((await farm.run(['up', '--detach', ...args])).code, args.join(' ')).toBe(2);
    expect(farm.home.running()).toBeUndefined();
  });

  test('a port in use is named with the flag to change, and nothing keeps running', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const outcome = await farm.run(['up', '--detach', '--port', String(port)]);
    server.close();
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain(`Port ${port} on 127.0.0.1 is in use; give another one with --port.`);
    expect(farm.home.running()).toBeUndefined();
    expect(existsSync(farm.home.lockFile)).toBe(false);
  });

  test('up --detach starts every part and prints where the page is', async () => {
    const outcome = await farm.run(['up', '--detach', '--workers', '2', '--slots', '1', '--json']);
    expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
    const { dashboard, processes } = JSON.parse(outcome.stdout) as {
      dashboard: string;
      processes: { name: string; pid: number; state: string }[];
    };
    expect(dashboard).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=[0-9a-f]{48}$/);
    expect(processes.map(({ name, state }) => `${name} ${state}`).sort()).toEqual([
      'coordinator running',
      'gateway running',
      'nats running',
      'postgres running',
      's3 running',
      'worker-1 running',
      'worker-2 running',
    ]);
    const workers = JSON.parse((await farm.run(['workers', '--json'])).stdout) as {
      pid: number;
      slots: number;
    }[];
    const started = processes.filter(({ name }) => name.startsWith('worker')).map(({ pid }) => pid);
    expect(workers.map(({ pid }) => pid).sort()).toEqual(started.sort());
    expect(workers.map(({ slots }) => slots)).toEqual([1, 1]);
  });

  test('every process of ours serves its metrics, and only on the loopback address', async () => {
    const status = await farm.run(['status', '--json']);
    const { processes } = JSON.parse(status.stdout) as { processes: { name: string; metrics?: string }[] };
    const pages = new Map<string, string>();
    for (const { name, metrics } of processes)
      if (metrics !== undefined) {
        expect(metrics).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
        pages.set(name, await (await fetch(metrics)).text());
      }
    expect([...pages.keys()].sort()).toEqual(['coordinator', 'gateway', 'worker-1', 'worker-2']);
    expect(pages.get('coordinator')).toMatch(/^farm_leader 1$/m);
    expect(pages.get('coordinator')).toMatch(/^farm_workers\{state="online"\} 2$/m);
    expect(pages.get('coordinator')).toMatch(/^farm_tasks\{state="queued"\} 0$/m);
    expect(pages.get('gateway')).toMatch(/^farm_realtime_clients 0$/m);
    expect(pages.get('worker-1')).toMatch(/^farm_slots\{state="free"\} 1$/m);
    // No ids as labels, whatever the farm has seen.
    for (const page of pages.values()) expect(page).not.toMatch(/(job|task|worker|attempt)(_?id)?="/i);
  });

  test('credentials are for this user only, and in no process list and no log', async () => {
    expect((await stat(farm.home.folder)).mode & 0o777).toBe(0o700);
    for (const file of [
      'secrets.json',
      'token',
      'run.json',
      'nats/nats-server.conf',
      's3/s3-identities.json',
    ])
      expect((await stat(farm.home.path(file))).mode & 0o777, file).toBe(0o600);
    const { nats, postgres, s3, token } = farm.home.secrets();
    const secrets = [
      ...Object.values(nats),
      postgres,
      s3.farm.secretAccessKey,
      s3.worker.secretAccessKey,
      token,
    ];
    const { pid: own, processes } = farm.state();
    for (const { pid, name } of [{ pid: own, name: 'farm' }, ...processes]) {
      const seen = [
        await readFile(`/proc/${pid}/cmdline`, 'utf8'),
        await readFile(farm.home.logFile(name), 'utf8'),
      ];
      for (const secret of secrets)
        expect(seen.join('\n').includes(secret), `${name} shows a secret`).toBe(false);
    }
  });

  test('a second up says where the first one is and leaves it alone', async () => {
    const before = farm.state();
    const second = await farm.run(['up']);
    expect(second).toMatchObject({ code: 0 });
    expect(second.stdout).toContain(before.url);
    expect(pidsOf(farm.state())).toEqual(pidsOf(before));
  });

  test('a loopback farm invites nobody', async () => {
    const outcome = await farm.run(['invite']);
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toContain('up --host ADDRESS');
  });

  test('a part that dies is started again at the same address', async () => {
    const before = farm.state();
    const killed = ['nats', 'postgres', 's3', 'worker-1'].map((name) => pidOf(before, name));
    for (const pid of killed) process.kill(pid, 'SIGKILL');
    await vi.waitFor(
      () => {
        const { processes } = farm.state();
        expect(processes.every(({ pid, state }) => state === 'running' && !killed.includes(pid))).toBe(true);
      },
      { timeout: 30_000, interval: 100 },
    );
    expect(farm.state().connections).toEqual(before.connections);
    expect(await readFile(farm.home.logFile('farm'), 'utf8')).toContain('worker-1 ended (SIGKILL)');
    await vi.waitFor(async () => expect((await fetch(`${before.url}/readyz`)).status).toBe(200), {
      timeout: 30_000,
      interval: 200,
    });
  });

  test('when the supervisor is killed its processes end, and the next up takes the home over', async () => {
    const before = farm.state();
    process.kill(before.pid, 'SIGKILL');
    await vi.waitFor(() => expect(stillRunning(pidsOf(before))).toEqual([]), {
      timeout: 30_000,
      interval: 100,
    });
    expect(existsSync(farm.home.lockFile)).toBe(true);
    const again = await farm.run(['up', '--detach', '--json']);
    expect(again, again.stderr).toMatchObject({ code: 0 });
    expect(farm.state().url).toBe(before.url);
  });

  test('down leaves no process, port or lock behind, and a second one has nothing to do', async () => {
    const before = farm.state();
    const ports = Object.values(
      JSON.parse(await readFile(farm.home.portsFile, 'utf8')) as Record<string, number>,
    );
    expect(await answers(Number(new URL(before.url ?? '').port))).toBe(true);
    const down = await farm.run(['down', '--json']);
    expect(down, down.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(down.stdout)).toEqual({ stopped: true });
    expect(stillRunning(pidsOf(before))).toEqual([]);
    expect(await Promise.all(ports.map((port) => answers(port)))).not.toContain(true);
    expect(existsSync(farm.home.lockFile)).toBe(false);
    expect(JSON.parse((await farm.run(['down', '--json'])).stdout)).toEqual({ stopped: false });
  });
});
