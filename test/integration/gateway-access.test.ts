import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { rawRequest, type RawAnswer } from '../support/raw-request.ts';

let context: TestContext;
let gateway: TestGateway;
let host: string;
let origin: string;
let cookie: string;

beforeAll(async () => {
  context = await createTestContext();
  const uiFolder = join(context.folder, 'ui');
  await mkdir(join(uiFolder, 'assets'), { recursive: true });
  await writeFile(join(uiFolder, 'index.html'), '<!doctype html><title>the page</title>');
  await writeFile(join(uiFolder, 'assets', 'app-1a2b.js'), 'export {};');
  gateway = await startTestGateway(context, {
    FARMHAND_UI_DIR: uiFolder,
    FARMHAND_ALLOWED_HOSTS: 'farm.example',
  });
  host = `127.0.0.1:${gateway.port}`;
  origin = `http://${host}`;
  const session = await fetch(`${gateway.url}/api/session`, {
    method: 'POST',
    body: JSON.stringify({ token: gateway.token }),
  });
  expect(session.status).toBe(204);
  cookie = session.headers.get('set-cookie') ?? '';
});
afterAll(async () => {
  await gateway.stop();
  await context.dispose();
});

const ask = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<RawAnswer> =>
  rawRequest(`${gateway.url}${path}`, { method, headers: { host, ...headers } });
const bearer = (): Record<string, string> => ({ authorization: `Bearer ${gateway.token}` });
const withCookie = (): Record<string, string> => ({ cookie: cookie.split(';')[0] ?? '' });

describe('the token', () => {
  const routes: [string, string][] = [
    ['GET', '/api/jobs'],
    ['POST', '/api/jobs'],
    ['GET', '/api/jobs/a'],
    ['GET', '/api/jobs/a/frames'],
    ['GET', '/api/jobs/a/logs'],
    ['GET', '/api/jobs/a/results'],
    ['GET', '/api/jobs/a/history'],
    ['GET', '/api/jobs/a/frames/render/1/image'],
    ['GET', '/api/jobs/a/frames/render/1/thumbnail'],
    ['POST', '/api/jobs/a/cancel'],
    ['GET', '/api/workers'],
    ['GET', '/api/engines'],
    ['PUT', '/api/engines/x'],
    ['DELETE', '/api/engines/x'],
    ['POST', '/api/assets/plan'],
    ['POST', '/api/assets'],
    ['POST', '/api/templates'],
    ['GET', '/api/templates'],
    ['GET', '/api/templates/x'],
    ['GET', '/api/farm'],
    ['GET', '/api/nothing'],
  ];

  it.each(routes)('is asked for at %s %s', async (method, path) => {
    const answer = await ask(path, {}, method);
    expect(answer.status).toBe(401);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(JSON.parse(answer.text)).toMatchObject({ status: 401, code: 'unauthorized' });
  });

  it.each([
    { authorization: 'Bearer wrong' },
    { authorization: 'Bearer ' },
    { authorization: 'Basic abc' },
    { cookie: 'farmhand=wrong' },
  ])('is refused when it is wrong: %j', async (headers) => {
    expect((await ask('/api/jobs', headers)).status).toBe(401);
  });

  it('is not asked for by probes', async () => {
    expect((await ask('/livez')).status).toBe(200);
    const ready = await ask('/readyz');
    expect(JSON.parse(ready.text)).toEqual({
      ok: true,
      checks: { postgres: 'ok', jetstream: 'ok', s3: 'ok' },
    });
  });

  it('opens the API, and a caller with many wrong ones beside it is told to wait', async () => {
    for (let i = 0; i < 40; i++) await ask('/api/jobs', { authorization: `Bearer wrong${i}` });
    const refused = await ask('/api/jobs', { authorization: 'Bearer wrong' });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask('/api/jobs', bearer())).status).toBe(200);
  });
});

describe('the cookie', () => {
  it('is one that scripts and other sites cannot use, and does not hold the token', () => {
    expect(cookie).toMatch(
      new RegExp(`^farmhand_${gateway.port}=[\\w-]+; Path=/; HttpOnly; SameSite=Strict$`),
    );
    expect(cookie).not.toContain(gateway.token);
  });

  it('reads for the page, and writes only for it', async () => {
    const own = { ...withCookie(), 'sec-fetch-site': 'same-origin' };
    expect((await ask('/api/jobs', withCookie())).status).toBe(200);
    expect((await ask('/api/jobs', own)).status).toBe(200);
    expect((await ask('/api/jobs/none/cancel', own, 'POST')).status).toBe(404);
    expect((await ask('/api/jobs/none/cancel', { ...withCookie(), origin }, 'POST')).status).toBe(404);
  });

  it.each([
    ['POST', {}],
    ['POST', { origin: 'http://evil.example' }],
    ['POST', { origin: 'null' }],
    ['POST', { origin: 'http://127.0.0.1:1' }],
    ['POST', { 'sec-fetch-site': 'cross-site' }],
    ['POST', { 'sec-fetch-site': 'same-site' }],
    ['GET', { origin: 'http://evil.example' }],
    ['GET', { 'sec-fetch-site': 'same-site' }],
  ])('is refused for %s with %j', async (method, headers) => {
    const path = method === 'GET' ? '/api/jobs' : '/api/jobs/none/cancel';
    const answer = await ask(path, { ...withCookie(), ...headers }, method);
    expect(answer.status).toBe(403);
  });

  it('is not given to another site, nor for a wrong token, and can be given back', async () => {
    const open = (body: unknown, headers: Record<string, string> = {}): Promise<RawAnswer> =>
      rawRequest(`${gateway.url}/api/session`, {
        method: 'POST',
        headers: { host, ...headers },
        body: JSON.stringify(body),
      });
    const foreign = await open({ token: gateway.token }, { origin: 'http://evil.example' });
    expect([foreign.status, foreign.headers['set-cookie']]).toEqual([403, undefined]);
    const wrong = await open({ token: 'wrong' });
    expect([wrong.status === 401 || wrong.status === 429, wrong.headers['set-cookie']]).toEqual([
      true,
      undefined,
    ]);
    expect((await open({ token: 7, more: 1 })).status).toBe(400);
    const ended = await ask('/api/session', withCookie(), 'DELETE');
    expect(ended.headers['set-cookie']?.[0]).toContain('Expires=Thu, 01 Jan 1970');
  });
});

describe('the host', () => {
  it.each(['evil.example', 'evil.example:80', '10.0.0.1', 'localhost.evil.example'])(
    'may not be %s, even with the token (DNS rebinding)',
    async (name) => {
      for (const path of ['/api/jobs', '/', '/api/session']) {
        const answer = await ask(path, { ...bearer(), host: name, accept: 'text/html' });
        expect(answer.status).toBe(421);
        expect(answer.text).toContain('FARMHAND_ALLOWED_HOSTS');
      }
    },
  );

  it.each(['localhost', 'farm.example', '[::1]:99'])('may be %s', async (name) => {
    expect((await ask('/api/jobs', { ...bearer(), host: name })).status).toBe(200);
  });

  it('answers no preflight of another site', async () => {
    const answer = await ask(
      '/api/jobs',
      { origin: 'http://evil.example', 'access-control-request-method': 'POST' },
      'OPTIONS',
    );
    expect(answer.status).toBe(401);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

describe('the page', () => {
  it('comes with headers that keep everything foreign out', async () => {
    const { headers } = await ask('/', { accept: 'text/html' });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe-inline');
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    });
    expect(headers['x-powered-by']).toBeUndefined();
  });

  it('answers addresses inside the page, but not what only looks like a file of it', async () => {
    expect((await ask('/jobs/abc', { accept: 'text/html' })).text).toContain('the page');
    expect((await ask('/jobs/abc', { accept: 'application/json' })).status).toBe(404);
    expect((await ask('/assets/old-9f.js', { accept: 'text/html' })).status).toBe(404);
    expect((await ask('/jobs/abc', { accept: 'text/html' }, 'POST')).status).toBe(404);
  });

  it('lets browsers keep what never changes', async () => {
    const script = await ask('/assets/app-1a2b.js');
    expect(script.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  });

  it.each(['/../../package.json', '/%2e%2e/%2e%2e/etc/passwd', '/assets/..%2f..%2ftoken', '/.git/config'])(
    'gives no file outside of it: %s',
    async (path) => {
      const answer = await ask(path);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
    },
  );

  it('says how to build it when it is missing', async () => {
    const bare = await startTestGateway(context, { FARMHAND_UI_DIR: join(context.folder, 'nowhere') });
    const answer = await fetch(bare.url, { headers: { accept: 'text/html' } });
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain('npm run build:ui');
    await bare.stop();
  });
});

describe('sockets', () => {
  const tryToConnect = (options: Parameters<typeof io>[1]): Promise<string> =>
    new Promise((resolve) => {
      const socket = io(gateway.url, {
        transports: ['websocket'],
        reconnection: false,
        forceNew: true,
        ...options,
      });
      const end = (result: string): void => {
        socket.close();
        resolve(result);
      };
      socket.once('connect', () => end('connected'));
      socket.once('connect_error', (error) => end(error.message));
    });

  it('open with the token, or with the cookie from our own page', async () => {
    expect(await tryToConnect({ auth: { token: gateway.token } })).toBe('connected');
    expect(await tryToConnect({ extraHeaders: { ...withCookie(), origin } })).toBe('connected');
    expect(
      await tryToConnect({
        transports: ['polling'],
        extraHeaders: { ...withCookie(), 'sec-fetch-site': 'same-origin' },
      }),
    ).toBe('connected');
  });

  it('stay closed to everybody else', async () => {
    expect(await tryToConnect({})).toContain("needs the farm's token");
    expect(await tryToConnect({ auth: { token: 'wrong' } })).not.toBe('connected');
    expect(await tryToConnect({ auth: { token: { $ne: '' } } })).not.toBe('connected');
    expect(await tryToConnect({ extraHeaders: withCookie() })).not.toBe('connected');
    expect(await tryToConnect({ extraHeaders: { ...withCookie(), origin: 'http://evil.example' } })).not.toBe(
      'connected',
    );
    expect(
      await tryToConnect({ auth: { token: gateway.token }, extraHeaders: { origin: 'http://evil.example' } }),
    ).not.toBe('connected');
    expect(
      await tryToConnect({ auth: { token: gateway.token }, extraHeaders: { host: 'evil.example' } }),
    ).not.toBe('connected');
  });
});
