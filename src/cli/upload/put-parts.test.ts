import { execFile } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const UPLOADER = join(import.meta.dirname, '../../../test/support/part-uploader-main.ts');
const SIZE = 200_000_000;

it('an upload in parts takes the memory of a few pieces, however large file and parts are', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'farmhand-parts-'));
  let received = 0;
  const server = createServer((request, response) => {
    request.on('data', (bytes: Buffer) => (received += bytes.byteLength));
    request.on('end', () => response.end());
  });
  try {
    const file = join(folder, 'rows.jsonl');
    const handle = await open(file, 'w');
    await handle.truncate(SIZE);
    await handle.close();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { stdout } = await promisify(execFile)(process.execPath, [UPLOADER, file, url]);
    const { sent, mostBytes } = JSON.parse(stdout) as { sent: number; mostBytes: number };
    expect([sent, received]).toEqual([SIZE, SIZE]);
    // With whole parts in memory it was 450 MB, for parts of 16 MiB.
    expect(mostBytes).toBeLessThan(300_000_000);
  } finally {
    server.close();
    await rm(folder, { recursive: true });
  }
}, 60_000);
