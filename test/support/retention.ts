import { createHash } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { AssetCollector } from '../../src/coordinator/retention/collect-assets.ts';
import { collectResults, type Page } from '../../src/coordinator/retention/collect-results.ts';
import { Eraser } from '../../src/coordinator/retention/eraser.ts';
import { nothingFound, type Area, type Walk } from '../../src/coordinator/retention/walks.ts';
import { TOKENS } from '../../src/coordinator/tokens.ts';
import { canonicalManifest } from '../../src/shared/contracts/manifest.ts';
import type { Collected } from '../../src/shared/database/retention-tables.ts';
import { Bucket, type ListedObject } from '../../src/shared/storage/bucket.ts';
import { assetKey, resultFile, resultKey } from '../../src/shared/storage/keys.ts';
import type { TestCoordinator } from './coordinator.ts';
import type { TestContext } from './farm-context.ts';

/** The farm's bucket as it would look after some more days in which nobody wrote to it. */
export class OlderBucket extends Bucket {
  readonly #days: number;

  constructor(context: TestContext, days: number) {
    super(context.s3, context.s3Settings.bucket);
    this.#days = days;
  }

  override async list(prefix: string, after: string | null, most?: number): Promise<ListedObject[]> {
    const objects = await super.list(prefix, after, most);
    return objects.map((object) => ({
      ...object,
      writtenAt: new Date(object.writtenAt.getTime() - this.#days * 86_400_000),
    }));
  }
}

export const sha256Of = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');

export async function putObject(
  context: TestContext,
  key: string,
  bytes: string | Buffer = key,
): Promise<void> {
  await context.s3.send(new PutObjectCommand({ Bucket: context.s3Settings.bucket, Key: key, Body: bytes }));
}

/** The result of an attempt at a frame. @returns its key */
export async function putResult(
  context: TestContext,
  made: { jobId: string; step?: string; attempt: string; frame: number; output?: string },
): Promise<string> {
  const { jobId, step = 'render', attempt, frame, output = 'main' } = made;
  const key = resultKey({ jobId, step, attempt, file: resultFile(output, frame, 'png') });
  await putObject(context, key);
  return key;
}

/** An asset with these files, registered as the gateway does it. @returns its SHA-256 and those of its files */
export async function putScene(
  context: TestContext,
  files: readonly string[],
): Promise<{ asset: string; files: string[] }> {
  const manifest = canonicalManifest({
    version: 1,
    files: files.map((text, index) => ({
      path: `file-${index}.txt`,
      size: Buffer.byteLength(text),
      sha256: sha256Of(text),
    })),
  });
  const asset = sha256Of(manifest);
  for (const text of files) await putObject(context, assetKey(sha256Of(text)), text);
  await putObject(context, assetKey(asset), manifest);
  await context.ledger
    .insertInto('assets')
    .values({ sha256: asset, files: files.length, bytes: String(Buffer.byteLength(files.join(''))) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return { asset, files: files.map(sha256Of) };
}

/** Every key in the bucket. */
export async function allKeys(context: TestContext): Promise<Set<string>> {
  const bucket = new Bucket(context.s3, context.s3Settings.bucket);
  const keys = new Set<string>();
  for (let after: string | null = null; ;) {
    const page = await bucket.list('', after);
    for (const { key } of page) keys.add(key);
    const last = page.at(-1)?.key;
    if (last === undefined || page.length < 1_000) return keys;
    after = last;
  }
}

/** Walks one part of the bucket to its end, as if nobody had written to it for so many days. */
export async function collect(context: TestContext, area: Area, days: number): Promise<Collected> {
  const bucket = new OlderBucket(context, days);
  const assets = new AssetCollector({ bucket, lease: { isLeader: () => true } }, context.ledger);
  const sum = nothingFound();
  for (let cursor: string | null = null; ;) {
    const walk: Walk = { area, cursor };
    if (area === 'assets') while (!(await assets.prepare(walk)));
    const page: Page =
      area === 'assets' ? await assets.page(walk) : await collectResults(bucket, context.ledger, walk);
    for (const key of Object.keys(sum) as (keyof Collected)[]) sum[key] += page.found[key];
    if (page.last === null) return sum;
    cursor = page.last;
  }
}

/** An eraser of its own, which does not leave jobs in the bin for a while. */
export function eraserOf(context: TestContext, coordinator: TestCoordinator, bucket?: Bucket): Eraser {
  const parts = {
    lease: coordinator.parts.resolve(TOKENS.lease),
    bucket: bucket ?? new Bucket(context.s3, context.s3Settings.bucket),
  };
  return new Eraser(parts, context.ledger, context.log, { leastInBinSeconds: 0, restMs: 0 });
}
