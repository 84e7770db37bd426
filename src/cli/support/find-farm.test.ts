import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FarmHome } from '../../local/farm-home.ts';
import { identityOf } from '../../shared/lifecycle/process-identity.ts';
import { exitCodeOf } from './exit-codes.ts';
import { connectToFarm, farmUrl } from './find-farm.ts';

const { signal } = new AbortController();
let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'farmhand-find-'));
});
afterEach(() => rmSync(home, { recursive: true }));

function runHere(url: string): void {
  writeFileSync(join(home, 'token'), 'own-token\n');
  new FarmHome(home).writeRunState({ ...identityOf(process.pid), url, processes: [] });
}

async function failure(
  options: Parameters<typeof connectToFarm>[0],
): Promise<{ code: number; text: string }> {
  const error: unknown = await connectToFarm(options).catch((thrown: unknown) => thrown);
  if (!(error instanceof Error)) throw new Error('it connected');
  return { code: exitCodeOf(error), text: error.message };
}

describe('connectToFarm', () => {
  it('takes the farm that runs from this home', async () => {
    runHere('http://127.0.0.1:7781');
    const client = await connectToFarm({ url: undefined, env: { FARMHAND_HOME: home }, signal });
    expect(client.url).toBe('http://127.0.0.1:7781');
  });

  it('says that no farm runs, with exit 3', async () => {
    const { code, text } = await failure({ url: undefined, env: { FARMHAND_HOME: home }, signal });
    expect(code).toBe(3);
    expect(text).toContain('./farmhand up');
  });

  it("sends the home's own token to the home's own farm only", async () => {
    runHere('http://127.0.0.1:7781');
    const env = { FARMHAND_HOME: home };
    await expect(connectToFarm({ url: 'http://localhost:7781', env, signal })).resolves.toBeDefined();
    const sent: IncomingHttpHeaders[] = [];
    const other = createServer((request, response) => {
      sent.push(request.headers);
      response.end();
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, text } = await failure({ url: `http://127.0.0.1:${port}`, env, signal });
    expect(code).toBe(2);
    expect(text).toContain('FARMHAND_TOKEN');
    expect(sent.map((headers) => headers.authorization)).toEqual([undefined]);
    other.close();
    await once(other, 'close');
    const gone = await failure({ url: `http://127.0.0.1:${port}`, env, signal });
    expect(gone.text).toContain(`No farm answers at http://127.0.0.1:${port}`);
    expect(gone.code).toBe(3);
  });

  it('prefers --farm to FARMHAND_URL', async () => {
    const env = { FARMHAND_HOME: home, FARMHAND_URL: 'http://10.0.0.1:1234', FARMHAND_TOKEN: 'x' };
    expect((await connectToFarm({ url: undefined, env, signal })).url).toBe('http://10.0.0.1:1234');
    expect((await connectToFarm({ url: 'http://10.0.0.2:80/', env, signal })).url).toBe('http://10.0.0.2');
  });

  it('names a token file that cannot be read', async () => {
    const env = { FARMHAND_HOME: home, FARMHAND_TOKEN_FILE: join(home, 'none') };
    const { code, text } = await failure({ url: 'http://10.0.0.2', env, signal });
    expect(code).toBe(2);
    expect(text).toContain('FARMHAND_TOKEN_FILE');
  });
});

describe('farmUrl', () => {
  it.each(['nonsense', 'ftp://farm', '127.0.0.1:7780', 'http://farm/page'])('refuses %s', (text) => {
    expect(() => farmUrl(text, '--farm')).toThrow('--farm');
  });

  it('refuses a token on the command line, which other users could read', () => {
    expect(() => farmUrl('http://127.0.0.1:7780/#token=abc', '--farm')).toThrow('FARMHAND_TOKEN');
    expect(() => farmUrl('http://u:p@farm', '--farm')).toThrow('FARMHAND_TOKEN');
  });
});
