import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createS3Client } from '../shared/storage/s3-client.ts';
import { ObjectStore } from './object-store.ts';
import { Problems } from './reporting/problems.ts';
import { Registry } from 'prom-client';
import { WorkerMetrics } from './telemetry/worker-metrics.ts';

const metrics = new WorkerMetrics(new Registry());

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'farmhand-store-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Files of this process that are open, by the kernel's list. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return []; // the one by which the list was read
    }
  });
}

it.runIf(process.platform === 'linux')('leaves no file open while the storage is away', async () => {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const keys = { accessKeyId: 'none', secretAccessKey: 'none' };
  const endpoint = `http://127.0.0.1:${port}`;
  const s3 = createS3Client({ endpoint, bucket: 'none', region: 'us-east-1', ...keys });
  const stop = new AbortController();
  let tries = 0;
  const countTries = {
    write: (line: string) => {
      if (line.includes('trying again') && ++tries === 2) stop.abort(new Error('enough'));
    },
  };
  const log = pino({}, countTries);
  const store = new ObjectStore(s3, 'none', new Problems(log), metrics, log);
  const path = join(folder, 'frame.exr');
  writeFileSync(path, Buffer.alloc(9_000_000));
  const file = { path, bytes: 9_000_000, sha256: '0'.repeat(64) };
  await expect(store.put('key', file, 'image/x-exr', stop.signal)).rejects.toThrow('enough');
  await expect.poll(() => openFiles().filter((name) => name === path)).toEqual([]);
  s3.destroy();
  server.close();
});

it('survives that a file is gone when the transfer is, before it was opened', async () => {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const keys = { accessKeyId: 'none', secretAccessKey: 'none' };
  const s3 = createS3Client({
    endpoint: `http://127.0.0.1:${port}`,
    bucket: 'none',
    region: 'us-east-1',
    ...keys,
  });
  const log = pino({ level: 'silent' });
  const store = new ObjectStore(s3, 'none', new Problems(log), metrics, log);
  const stop = new AbortController();
  const file = { path: join(folder, 'never-there.exr'), bytes: 9_000_000, sha256: '0'.repeat(64) };
  const storing = store.put('key', file, 'image/x-exr', stop.signal);
  stop.abort(new Error('enough'));
  await expect(storing).rejects.toThrow();
  // An error that nobody heard would have ended the process by now.
  await new Promise((resolve) => setTimeout(resolve, 100));
  s3.destroy();
  server.close();
});
