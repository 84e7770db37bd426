import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { renderNatsConfiguration } from '../../deploy/nats/render-config.ts';
import { natsServerProgram } from '../../src/local/servers/nats.ts';
import { PortBook } from '../../src/local/servers/ports.ts';
import { ROLES, inboxPrefix, type Role } from '../../src/shared/messaging/permissions.ts';
import { reconcileStreams } from '../../src/shared/messaging/reconcile-streams.ts';
import { ROOT, writeSecretFiles } from '../support/deployment.ts';

const FILE = join(ROOT, 'deploy/nats/nats.conf');

describe('deploy/nats/nats.conf', () => {
  const folder = mkdtempSync(join(tmpdir(), 'farmhand-test-nats-'));
  const secrets = writeSecretFiles('127.0.0.1');
  let server: ReturnType<typeof spawn>;
  let url: string;

  beforeAll(async () => {
    copyFileSync(join(secrets.folder, 'passwords.conf'), join(folder, 'passwords.conf'));
    const port = await new PortBook().take('nats');
    url = `nats://127.0.0.1:${port}`;
    // Only what cannot be shared on one machine is another: the addresses and the folder.
    writeFileSync(
      join(folder, 'nats.conf'),
      readFileSync(FILE, 'utf8')
        .replace('listen: 0.0.0.0:4222', `listen: 127.0.0.1:${port}`)
        .replace('http: 127.0.0.1:8222', '')
        .replace('/data/jetstream', join(folder, 'store')),
    );
    const program = await natsServerProgram(inject('servers').cache, () => undefined);
    server = spawn(program, ['--config', join(folder, 'nats.conf')], { stdio: 'ignore' });
    const ended = once(server, 'exit').then(([code]) => {
      throw new Error(`nats-server ended with ${String(code)}`);
    });
    const connection = await Promise.race([as('operator'), ended]);
    await connection.close();
    ended.catch(() => undefined);
  });

  afterAll(async () => {
    if (server.exitCode === null) {
      const ended = once(server, 'exit');
      server.kill();
      await ended;
    }
    rmSync(folder, { recursive: true });
    rmSync(secrets.folder, { recursive: true });
  });

  const as = (role: Role, password?: string): Promise<NatsConnection> =>
    connect({
      servers: url,
      user: role,
      pass: password ?? readFileSync(join(secrets.folder, `${role}-nats-password`), 'utf8').trim(),
      inboxPrefix: inboxPrefix(role),
      waitOnFirstConnect: true,
      maxReconnectAttempts: 40,
      reconnectTimeWait: 100,
      ignoreAuthErrorAbort: false,
    });

  it('is what the table of permissions says', () => {
    expect(readFileSync(FILE, 'utf8')).toBe(renderNatsConfiguration());
  });

  it.each(ROLES)('lets the %s in with its own password', async (role) => {
    const connection = await as(role);
    await connection.flush();
    await connection.close();
  });

  it("refuses another role's password", async () => {
    const password = readFileSync(join(secrets.folder, 'worker-nats-password'), 'utf8').trim();
    await expect(
      connect({ servers: url, user: 'coordinator', pass: password, reconnect: false }),
    ).rejects.toThrow(/authorization/i);
  });

  it('has room for every stream, made by the coordinator', async () => {
    const connection = await as('coordinator');
    await reconcileStreams(connection);
    await connection.close();
  });

  it('keeps a worker from what only coordinators say', async () => {
    const connection = await as('worker');
    const refused = new Promise<string>((resolve) => {
      void (async () => {
        for await (const status of connection.status())
          if (status.type === 'error') resolve(status.error.message);
      })();
    });
    connection.publish('status.job.j1', '{}');
    await expect(refused).resolves.toMatch(/permissions violation.*status\.job\.j1/i);
    await connection.close();
  });
});
