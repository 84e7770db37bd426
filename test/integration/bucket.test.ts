import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { Bucket } from '../../src/shared/storage/bucket.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { putObject } from '../support/retention.ts';

let context: TestContext;
let bucket: Bucket;

beforeAll(async () => {
  context = await createTestContext();
  bucket = new Bucket(context.s3, context.s3Settings.bucket);
}, 120_000);

afterAll(async () => {
  await context.dispose();
});

describe('the bucket', () => {
  it('is listed page by page, each object once, also where names of folders begin alike', async () => {
    const jobs = ['a', 'a-1', 'a-10', 'a0', 'aB', 'a_1', 'b'];
    const keys = jobs.flatMap((job) =>
      ['render', 'render-2'].flatMap((step) =>
        [1, 2].map((frame) => `results/${job}/${step}/t1-1-1/main_000${frame}.png`),
      ),
    );
    for (const key of keys) await putObject(context, key);
    await putObject(context, 'logs/a/t1/1-1.log.zst');
    for (const most of [1, 3, 4, 7, 100]) {
      const seen: string[] = [];
      for (let after: string | null = null; ;) {
        const page = await bucket.list('results/', after, most);
        seen.push(...page.map(({ key }) => key));
        const last = page.at(-1)?.key;
        if (last === undefined || page.length < most) break;
        after = last;
      }
      expect(seen.toSorted(), `pages of ${most}`).toEqual(keys.toSorted());
    }
    expect((await bucket.list('results/a/', null)).map(({ key }) => key).toSorted()).toEqual(
      keys.filter((key) => key.startsWith('results/a/')).toSorted(),
    );
  });

  it('loses what is removed, and is content with what was not there', async () => {
    await putObject(context, 'results/x/main_0001.png');
    const failed = await bucket.remove(['results/x/main_0001.png', 'results/x/never-there.png']);
    expect(failed).toEqual([]);
    expect(await bucket.list('results/x/', null)).toEqual([]);
  });

  it('gives up uploads in parts that were begun long ago', async () => {
    const where = { Bucket: context.s3Settings.bucket, Key: 'results/big/main_0001.exr' };
    await context.s3.send(new CreateMultipartUploadCommand(where));
    expect(await bucket.abortUploads(new Date(Date.now() - 3_600_000))).toBe(0);
    expect(await bucket.abortUploads(new Date(Date.now() + 3_600_000))).toBe(1);
    const left = await context.s3.send(new ListMultipartUploadsCommand({ Bucket: where.Bucket }));
    expect(left.Uploads ?? []).toEqual([]);
  });
});
