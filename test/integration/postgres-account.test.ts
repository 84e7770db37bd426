import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { runStatement, startPostgres } from '../../src/local/servers/postgres.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farmhand-account-'));
});
afterEach(() => rm(folder, { recursive: true }));

const options = () => ({
  folder: join(folder, 'postgres'),
  logFile: join(folder, 'postgres.log'),
  cache: inject('servers').cache,
  password: "it's a 'pass/word'",
  throwaway: true,
});

test('the database asks for its password and keeps its data over a restart', async () => {
  const first = await startPostgres(options());
  await runStatement(first.url, 'create table kept (id int)');
  const wrong = new URL(first.url);
  wrong.password = 'wrong';
  await expect(runStatement(wrong.href, 'select 1')).rejects.toThrow('password authentication failed');
  await first.stop();
  const second = await startPostgres(options());
  expect(await runStatement(second.url, 'select * from kept')).toBe(0);
  await second.stop();
});

const SHARED_STATE = '/var/lib/farmhand';
const isRoot = process.getuid?.() === 0;

// Needs root: only root has to become somebody else.
test.runIf(isRoot)(
  'where user namespaces are refused, an unprivileged user runs it outside of the home',
  async () => {
    const hadSharedState = existsSync(SHARED_STATE);
    const said: string[] = [];
    const progress = (line: string): void => void said.push(line);
    const postgres = await startPostgres({ ...options(), account: 'unprivileged-user', progress });
    try {
      expect(await runStatement(postgres.url, 'select 1')).toBe(1);
      const owner = /^Uid:\s+(\d+)/m.exec(
        await readFile(`/proc/${postgres.process.identity.pid}/status`, 'utf8'),
      )?.[1];
      expect(Number(owner)).not.toBe(0);
      expect(postgres.dataFolder).toMatch(/^\/var\/lib\/farmhand\//);
      expect((await stat(postgres.dataFolder)).mode & 0o777).toBe(0o700);
      expect(said.join('\n')).toContain(postgres.dataFolder);
    } finally {
      await postgres.stop();
      await rm(hadSharedState ? postgres.dataFolder : SHARED_STATE, { recursive: true });
    }
    expect(existsSync(postgres.dataFolder)).toBe(false);
  },
);
