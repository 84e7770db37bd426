import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { spawnEngine, type EngineProcess, type SpawnEngineOptions } from './engine-process.ts';
import { platform } from '../platform/platform.ts';

let dir: string;
let engines: EngineProcess[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'farmhand-engine-'));
});

afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.stop({ graceMs: 0 })));
  engines = [];
  rmSync(dir, { recursive: true });
});

function start(script: string, options: Partial<SpawnEngineOptions> = {}): EngineProcess {
  const engine = spawnEngine({
    argv: ['sh', '-c', script],
    cwd: dir,
    workDir: dir,
    memoryLimitBytes: 1_000_000_000,
    log: () => undefined,
    ...options,
  });
  engines.push(engine);
  return engine;
}

async function until(condition: () => boolean | Promise<boolean>, ms = 5_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('It did not happen in time');
    await sleep(20);
  }
}

describe('spawnEngine', () => {
  it('gives lines, exit code and only the minimal environment', async () => {
    const lines: string[] = [];
    process.env['AWS_SECRET_ACCESS_KEY'] = 'canary';
    const exit = await start('env; printf "50%%\\r100%%\\n" >&2; exit 3', { log: (l) => lines.push(l) })
      .exited;
    delete process.env['AWS_SECRET_ACCESS_KEY'];
    expect(exit).toMatchObject({ code: 3, signal: null, failure: null });
    expect(lines).toEqual(expect.arrayContaining(['50%', '100%', `HOME=${dir}`, `TMPDIR=${dir}`]));
    expect(lines.join('\n')).not.toContain('canary');
  });

  it('talks with a session on stdin and fd 3', async () => {
    const replies: string[] = [];
    const engine = start('while read -r line; do echo "got $line" >&3; done; echo bye', {
      stdin: 'pipe',
      replies: [(line) => replies.push(line)],
    });
    engine.stdin.write('{"a":1}\n');
    await until(() => replies.length === 1);
    engine.stdin.end();
    expect(await engine.exited).toMatchObject({ code: 0, lastLines: ['bye'] });
    expect(replies).toEqual(['got {"a":1}']);
  });

  it('runs niced', async () => {
    // By ten more than this process, which may be niced itself; 19 is the most there is.
    const expected = Math.min(19, getPriority() + 10);
    expect((await start('nice').exited).lastLines).toEqual([String(expected)]);
  });

  it('says which signal ended the engine', async () => {
    expect(await start('kill -SEGV $$').exited).toMatchObject({
      code: null,
      signal: 'SIGSEGV',
      failure: null,
    });
  });

  it('says that a program is missing', async () => {
    const exit = await start('', { argv: ['/no/such/program'] }).exited;
    expect(exit.failure).toMatchObject({ failure: 'host' });
    expect(exit.failure?.message).toContain('/no/such/program');
  });

  it('says that it could not start at all', async () => {
    const exit = await start('', { cwd: '/no/such/folder' }).exited;
    expect(exit.failure).toMatchObject({ failure: 'host' });
  });

  it('stops an engine cleanly by SIGINT where it listens', async () => {
    const lines: string[] = [];
    const script = 'trap "echo clean; exit 1" INT; echo up; while :; do sleep 0.05; done';
    const engine = start(script, { log: (l) => lines.push(l) });
    await until(() => lines.includes('up'));
    expect(await engine.stop({ graceMs: 4_000 })).toMatchObject({ code: 1, lastLines: ['up', 'clean'] });
  });

  it('kills the whole group of an engine that ignores signals', async () => {
    const lines: string[] = [];
    const engine = start('trap "" INT TERM; echo up; sleep 1000 & sleep 1000', { log: (l) => lines.push(l) });
    await until(() => lines.includes('up'));
    expect(await engine.stop({ graceMs: 200 })).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(await platform.isGroupAlive(engine.group ?? 0)).toBe(false);
  });

  it('leaves nothing of an engine that ends and forgets its children', async () => {
    const engine = start('sleep 1000 & echo done');
    expect(await engine.exited).toMatchObject({ code: 0 });
    expect(await platform.isGroupAlive(engine.group ?? 0)).toBe(false);
  });

  it('gives up on silence, but only while there is work', async () => {
    const engine = start('sleep 1000', { silenceSeconds: 0.3 });
    await sleep(500);
    expect(engine.hasEnded).toBe(false);
    engine.beginWork();
    expect((await engine.exited).failure).toMatchObject({ failure: 'timeout' });
  });

  it('is patient with an engine that prints', async () => {
    const engine = start('for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.1; done', { silenceSeconds: 0.5 });
    engine.beginWork();
    expect(await engine.exited).toMatchObject({ code: 0, failure: null });
  });

  it('gives up on a start or a frame that takes too long', async () => {
    const slow = start('sleep 1000', { startTimeoutSeconds: 0.2 });
    expect((await slow.exited).failure?.message).toContain('not ready within 0.2 s');
    const frame = start('sleep 1000');
    frame.beginWork({ frameSeconds: 0.2 });
    expect((await frame.exited).failure?.message).toContain('did not finish the frame within 0.2 s');
  });

  it('ends an engine that takes too much memory, children counted', async () => {
    const hungry = `${process.execPath} -e "const a = Buffer.alloc(300e6, 1); setTimeout(() => a, 60000)" & wait`;
    const exit = await start(hungry, { memoryLimitBytes: 200_000_000 }).exited;
    expect(exit.failure).toMatchObject({ failure: 'out-of-memory' });
    expect(exit.peakMemoryBytes).toBeGreaterThan(200_000_000);
  });

  it('ends with its worker, even after kill -9 and when it ignores signals', async () => {
    const module = new URL('./engine-process.ts', import.meta.url).pathname;
    const program = `
      const { spawnEngine } = await import(${JSON.stringify(module)});
      const engine = spawnEngine({ argv: ['sh', '-c', 'trap "" INT TERM HUP; echo up; sleep 1000 & sleep 1000'], cwd: ${JSON.stringify(dir)},
        workDir: ${JSON.stringify(dir)}, memoryLimitBytes: 1e9, log: () => console.log(engine.group) });`;
    const worker = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const group = await new Promise<number>((resolve) => {
      worker.stdout.once('data', (chunk: Buffer) => {
        resolve(Number(chunk.toString()));
      });
    });
    expect(await platform.isGroupAlive(group)).toBe(true);
    worker.kill('SIGKILL');
    await until(async () => !(await platform.isGroupAlive(group)), 3_000);
  });
});
