import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createS3Client } from '../../src/shared/storage/s3-client.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';

describe('the S3 identity that workers get', () => {
  let context: TestContext;
  let worker: S3Client;
  let Bucket: string;

  beforeAll(async () => {
    context = await createTestContext();
    worker = createS3Client(context.workerS3Settings);
    Bucket = context.s3Settings.bucket;
    for (const Key of ['assets/sha256/a', 'results/j/s/a/f.png', 'private/x'])
      await context.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'content' }));
  });
  afterAll(async () => {
    worker.destroy();
    await context.dispose();
  });

  const refused = { name: 'AccessDenied' };

  test.each(['assets/sha256/a', 'results/j/s/a/f.png'])('reads %s', async (Key) => {
    const answer = await worker.send(new GetObjectCommand({ Bucket, Key }));
    expect(await answer.Body?.transformToString()).toBe('content');
  });

  test.each(['results/j/s/b/f.png', 'logs/j/t/1-1.log.zst', 'previews/j/s/1-1.webp'])(
    'writes %s',
    async (Key) => {
      await worker.send(new PutObjectCommand({ Bucket, Key, Body: 'rendered' }));
      const head = await context.s3.send(new HeadObjectCommand({ Bucket, Key }));
      expect(head.ContentLength).toBe(8);
    },
  );

  test.each(['assets/sha256/b', 'templates/evil', 'private/y', 'resultsX/a'])(
    'does not write %s',
    async (Key) => {
      const put = worker.send(new PutObjectCommand({ Bucket, Key, Body: 'evil' }));
      await expect(put).rejects.toMatchObject(refused);
    },
  );

  test('does not read, copy, delete or list what is outside its prefixes', async () => {
    const copy = { Bucket, Key: 'results/j/s/stolen', CopySource: `${Bucket}/private/x` };
    await expect(worker.send(new GetObjectCommand({ Bucket, Key: 'private/x' }))).rejects.toMatchObject(
      refused,
    );
    await expect(worker.send(new CopyObjectCommand(copy))).rejects.toMatchObject(refused);
    await expect(
      worker.send(new DeleteObjectCommand({ Bucket, Key: 'assets/sha256/a' })),
    ).rejects.toMatchObject(refused);
    await expect(worker.send(new ListObjectsV2Command({ Bucket }))).rejects.toMatchObject(refused);
  });
});
