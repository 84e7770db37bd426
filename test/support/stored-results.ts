import { createHash } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { TestContext } from './farm-context.ts';
import { seedJob, seedResult, type JobSeed } from './ledger-rows.ts';

export const sha256Of = (body: string | Uint8Array): string =>
  createHash('sha256').update(body).digest('hex');

export interface StoredFrame {
  frame: number;
  key: string;
  body: Buffer;
}

/** A completed job of one step `render` whose frames have results in the store. @returns them, by frame from 1 on */
export async function seedStoredJob(
  context: TestContext,
  id: string,
  bodies: readonly (string | Buffer)[],
  seed: Partial<JobSeed> & { pattern?: string } = {},
): Promise<StoredFrame[]> {
  const { pattern, ...job } = seed;
  const frames = bodies.map(() => 'ready' as const);
  const steps = await seedJob(context.ledger, {
    state: 'completed',
    ...job,
    id,
    steps: [{ name: 'render', frames, ...(pattern === undefined ? {} : { pattern }) }],
  });
  return await Promise.all(
    bodies.map(async (text, index) => {
      const frame = index + 1;
      const body = Buffer.from(text);
      const key = `results/${id}/render/t1-1-1/main_${String(frame).padStart(4, '0')}.png`;
      await putObject(context, key, body);
      await seedResult(context.ledger, steps.get('render') ?? '', frame, {
        objectKey: key,
        bytes: body.byteLength,
        sha256: sha256Of(body),
      });
      return { frame, key, body };
    }),
  );
}

export async function putObject(context: TestContext, key: string, body: string | Buffer): Promise<void> {
  await context.s3.send(new PutObjectCommand({ Bucket: context.s3Settings.bucket, Key: key, Body: body }));
}
