import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { isSignedWith, startHookReceiver, type HookReceiver } from '../support/hook-receiver.ts';
import { submit } from '../support/jobs.ts';
import { CommandLineFarm, type CommandOutcome } from '../support/local-farm.ts';
import { until } from '../support/until.ts';

const ROOT = join(import.meta.dirname, '..', '..');

let farm: CoordinatorFarm;
let gateway: TestGateway;
let commandLine: CommandLineFarm;
let target: HookReceiver;
const running: ChildProcess[] = [];

beforeAll(async () => {
  farm = await createCoordinatorFarm();
  gateway = await startTestGateway(farm.context, { FARMHAND_WEBHOOK_ALLOW: '127.0.0.0/8' });
  commandLine = await CommandLineFarm.create();
  target = await startHookReceiver();
  await farm.work();
});
afterEach(async () => {
  for (const child of running.splice(0)) {
    child.kill('SIGKILL');
    if (child.exitCode === null) await once(child, 'exit');
  }
});
afterAll(async () => {
  await target.close();
  await commandLine.dispose();
  await gateway.stop();
  await farm.dispose();
});

const ofFarm = () => ({ FARMHAND_URL: gateway.url, FARMHAND_TOKEN: gateway.token });
const cli = (...args: string[]): Promise<CommandOutcome> => commandLine.run(args, ofFarm());

/** A program that runs until the test ends, and what it has printed. */
function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv): { text: () => string } {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  return { text: () => text };
}

const job = (id: string, more = {}) => ({ version: 1, id, name: id, engine: 'null', frames: '1-2', ...more });

describe('./farmhand webhooks', () => {
  it('adds, tests, shows, sends again, rotates and removes one', async () => {
    expect((await cli('webhooks')).stdout).toBe('No webhooks.\n');
    const added = await cli(
      'webhooks',
      'add',
      target.url,
      '--id',
      'bot',
      '--named',
      '--event',
      'job.completed',
    );
    expect(added).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^bot {2}whsec_\S{44}\n$/) as unknown,
    });
    const secret = added.stdout.trim().split('  ')[1] ?? '';

    const tested = await cli('webhooks', 'test', 'bot');
    expect(tested).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^It answered 204 within/) as unknown,
    });
    expect(target.heard.at(-1)?.event.type).toBe('ping');

    expect(await submit(farm.context, job('c1', { webhooks: ['bot'] }))).toMatchObject({ id: 'c1' });
    expect(await submit(farm.context, job('c2'))).toMatchObject({ id: 'c2' });
    await until(() => target.heard.length === 2, 'the job that names it was told');
    const [, hook] = target.heard;
    expect(hook?.event).toMatchObject({ type: 'job.completed', data: { job: { id: 'c1' } } });
    expect(hook && isSignedWith(hook, secret)).toBe(true);

    const log = await cli('webhooks', 'log', 'bot', '--json', '--state', 'delivered');
    const [newest] = JSON.parse(log.stdout) as { id: string; type: string; event: string }[];
    expect(newest).toMatchObject({ type: 'job.completed', event: hook?.id });
    expect((await cli('webhooks', 'redeliver', 'bot', newest?.id ?? '')).stdout).toMatch(/is sent again/);
    await until(() => target.heard.length === 3, 'it was sent again');
    expect(target.heard[2]?.id).toBe(hook?.id);

    const rotated = await cli('webhooks', 'rotate', 'bot', '--keep', '60');
    expect(rotated.stdout).toMatch(/^bot {2}whsec_/);
    expect(rotated.stdout).not.toContain(secret);
    const listed = await cli('webhooks', 'list');
    expect(listed.stdout).toMatch(/bot +jobs that name it +ok +0 +0 +job\.completed +http:\/\/127/);
    expect(listed.stdout + (await cli('webhooks', '--json')).stdout).not.toContain('whsec_');
    expect((await cli('webhooks', 'remove', 'bot')).stdout).toBe('bot is told nothing more.\n');
    expect((await cli('webhooks')).stdout).toBe('No webhooks.\n');
  });

  it('says what is wrong', async () => {
    expect(await cli('webhooks', 'test', 'ghost')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/There is no webhook ghost/) as unknown,
    });
    expect(await cli('webhooks', 'add', 'http://169.254.169.254/')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no public address.*FARMHAND_WEBHOOK_ALLOW/s) as unknown,
    });
    expect(await cli('webhooks', 'add', 'https://a.example', '--named', '--job', 'x')).toMatchObject({
      code: 2,
    });
    expect(await cli('webhooks', 'add', 'https://a.example', '--event', 'x')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/events\[0\]: got "x"/) as unknown,
    });
    expect(await submit(farm.context, job('c3', { webhooks: ['ghost'] }))).toMatchObject({
      code: 'invalid',
      errors: [{ path: 'webhooks[0]', expected: expect.stringMatching(/--named --id ghost/) as unknown }],
    });
  });

  it('tells when the receiver does not take a ping', async () => {
    await cli('webhooks', 'add', 'http://127.0.0.1:1/', '--id', 'nobody');
    expect(await cli('webhooks', 'test', 'nobody')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/ECONNREFUSED/) as unknown,
    });
    expect((await cli('webhooks')).stderr).toMatch(/nobody takes nothing since/);
    await cli('webhooks', 'remove', 'nobody');
  });
});

describe('./farmhand events', () => {
  it('prints what happens, from a place on, and goes on when the gateway was away', async () => {
    await submit(farm.context, job('e1'));
    const port = String(gateway.port);
    const main = join(ROOT, 'src', 'cli', 'main.ts');
    const events = start(
      process.execPath,
      [main, 'events', '--since', '0', '--types', 'job.completed', '--json'],
      {
        ...commandLine.env,
        ...ofFarm(),
      },
    );
    await until(() => events.text().includes('"e1"'), 'it was told', 60_000);
    const { token } = gateway;
    await gateway.stop();
    await submit(farm.context, job('e2'));
    const tokenFile = join(farm.context.folder, 'same-token');
    await writeFile(tokenFile, token, { mode: 0o600 });
    gateway = {
      ...(await startTestGateway(farm.context, {
        FARMHAND_WEBHOOK_ALLOW: '127.0.0.0/8',
        FARMHAND_GATEWAY_PORT: port,
        FARMHAND_TOKEN_FILE: tokenFile,
      })),
      token,
    };
    await until(() => events.text().includes('"e2"'), 'it was told', 60_000);
    const ids = events
      .text()
      .split('\n')
      .flatMap((line) =>
        line.startsWith('{') ? [(JSON.parse(line) as { data: { job?: { id: string } } }).data.job?.id] : [],
      )
      .filter((id) => id?.startsWith('e'));
    expect(ids).toEqual(['e1', 'e2']);
  });
});

describe('the receivers of docs/webhooks.md', () => {
  it.each([
    ['js', 'receiver.mjs', process.execPath],
    ['python', 'receiver.py', 'python3'],
  ])('in %s takes what is signed and refuses the rest', async (language, name, program) => {
    const docs = await readFile(join(ROOT, 'docs', 'webhooks.md'), 'utf8');
    const code = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(docs)?.[1] ?? '';
    const file = join(commandLine.folder, name);
    await writeFile(file, code);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/`;
    const added = await cli('webhooks', 'add', url, '--id', language, '--job', `doc-${language}`, '--json');
    const { secret } = JSON.parse(added.stdout) as { secret: string };
    const receiver = start(program, [file], { HOOK_SECRET: secret, PORT: String(port) });
    await until(async () => (await fetch(url).catch(() => undefined)) !== undefined, 'it listens', 60_000);

    expect((await cli('webhooks', 'test', language)).stdout).toMatch(/^It answered 204/);
    await submit(farm.context, job(`doc-${language}`));
    await until(() => receiver.text().includes(`job.completed doc-${language}`), 'it was told', 60_000);
    expect(receiver.text()).toMatch(/^ping/m);

    const forged = await fetch(url, {
      method: 'POST',
      body: '{"type":"job.failed","data":{}}',
      headers: {
        'webhook-id': 'evt_1',
        'webhook-timestamp': String(Math.floor(Date.now() / 1_000)),
        'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}`,
      },
    });
    expect(forged.status).toBe(401);
    expect(receiver.text()).not.toContain('job.failed');
    await cli('webhooks', 'remove', language);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
