import { createHash } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { Batch } from '../../src/shared/contracts/batch.ts';
import { assetKey } from '../../src/shared/storage/keys.ts';
import type { TestContext } from './farm-context.ts';
import type { TestGateway } from './gateway.ts';
import { until } from './until.ts';

async function put(context: TestContext, bytes: Buffer): Promise<string> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await context.s3.send(
    new PutObjectCommand({ Bucket: context.s3Settings.bucket, Key: assetKey(sha256), Body: bytes }),
  );
  return sha256;
}

/** Stores lines as the file that a batch names. @returns `asset:<sha256>/rows.jsonl` */
export async function storeRows(context: TestContext, lines: readonly unknown[] | string): Promise<string> {
  const text = typeof lines === 'string' ? lines : lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  const bytes = Buffer.from(text);
  const sha256 = await put(context, bytes);
  const files = [{ path: 'rows.jsonl', size: bytes.length, sha256 }];
  return `asset:${await put(context, Buffer.from(JSON.stringify({ version: 1, files })))}/rows.jsonl`;
}

/** A template `card` for Lottie with a title, a count and a flag, whose frames are 0 to 1. @returns its version */
export async function storeTemplate(
  context: TestContext,
  changes: { version?: number; frames?: string } = {},
): Promise<number> {
  const version = changes.version ?? 1;
  const sha256 = await put(context, Buffer.from('{}'));
  const manifest = { version: 1, files: [{ path: 'card.json', size: 2, sha256 }] };
  await context.ledger
    .insertInto('templates')
    .values({
      name: 'card',
      version,
      engine: 'lottie',
      label: 'Card',
      asset: await put(context, Buffer.from(JSON.stringify(manifest))),
      scene_path: 'card.json',
      schema: JSON.stringify({
        type: 'object',
        properties: {
          title: { type: 'string', minLength: 1, maxLength: 80 },
          count: { type: 'integer', minimum: 0 },
          loud: { type: 'boolean' },
        },
        required: ['title'],
        additionalProperties: false,
      }),
      slots: JSON.stringify({ title: { kind: 'text', slot: 'headline' } }),
      defaults: JSON.stringify({ frames: changes.frames ?? '0-1' }),
    })
    .execute();
  return version;
}

/** The batch once it is as wanted; fails with what it is instead. */
export async function batchWhen(
  gateway: TestGateway,
  id: string,
  wanted: (batch: Batch) => boolean,
  timeoutMs = 30_000,
): Promise<Batch> {
  let batch: Batch | undefined;
  await until(
    async () => wanted((batch = await gateway.json<Batch>(`/api/batches/${id}`))),
    `batch ${id} is as wanted`,
    timeoutMs,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${JSON.stringify(batch)}`, { cause: error });
  });
  return batch!;
}
