/** Uploads a file in parts to a server that takes anything, as a process of its own. Says the most memory that it took, in bytes. */
import { hashFiles } from '../../src/cli/upload/hash-files.ts';
import { putParts } from '../../src/cli/upload/put-parts.ts';
import { RecordFile } from '../../src/cli/upload/record-file.ts';
import type { SendTools } from '../../src/cli/upload/send-parcels.ts';
import { partBytesOf } from '../../src/shared/contracts/asset-api.ts';

const [, , path = '', url = ''] = process.argv;
const { signal } = new AbortController();
const cache = new RecordFile<string>(`${path}.hashes`, () => undefined);
const [file] = await hashFiles([{ path: 'rows.jsonl', file: path }], { signal, cache });
if (file === undefined) throw new Error(`${path} was not hashed.`);
const client: SendTools['client'] = {
  planAssets: () => Promise.reject(new Error('nothing is planned here')),
  beginParts: ({ size }) => Promise.resolve({ uploadId: 'u', partBytes: partBytesOf(size), stored: [] }),
  partLink: ({ part }) => Promise.resolve({ url: `${url}/${part}`, headers: {} }),
  completeParts: () => Promise.resolve({ state: 'verifying' }),
  verifyParts: () => Promise.resolve({ state: 'verified' }),
};
let sent = 0;
await putParts(file, {
  client,
  hashes: cache,
  signal,
  patiently: (request) => request(),
  show: (bytes) => (sent += bytes),
});
process.stdout.write(JSON.stringify({ sent, mostBytes: process.resourceUsage().maxRSS * 1_024 }));
