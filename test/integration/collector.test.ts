import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { collectTemplates } from '../../src/coordinator/retention/collect-templates.ts';
import { removeUnused } from '../../src/coordinator/retention/remove-assets.ts';
import { TOKENS } from '../../src/coordinator/tokens.ts';
import type { AssetPlan } from '../../src/shared/contracts/api.ts';
import { Bucket } from '../../src/shared/storage/bucket.ts';
import { assetKey, verifiedKey } from '../../src/shared/storage/keys.ts';
import { createS3Client } from '../../src/shared/storage/s3-client.ts';
import { control } from '../support/control.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { submit } from '../support/jobs.ts';
import { seedOf } from '../support/retention-seeds.ts';
import {
  allKeys,
  collect,
  eraserOf,
  putObject,
  putResult,
  putScene,
  sha256Of,
} from '../support/retention.ts';

let farm: CoordinatorFarm;
let gateway: TestGateway;

beforeAll(async () => {
  farm = await createCoordinatorFarm();
  gateway = await startTestGateway(farm.context);
}, 120_000);

afterEach(async () => {
  await sql`DELETE FROM retention`.execute(farm.context.ledger);
});

afterAll(async () => {
  await gateway.stop();
  await farm.dispose();
});

/** As if nobody had asked for anything under `assets/` for so long. */
async function forget(days: number): Promise<void> {
  await sql`UPDATE asset_uses SET used_at = used_at - make_interval(days => ${days})`.execute(
    farm.context.ledger,
  );
  await sql`UPDATE assets SET created_at = created_at - make_interval(days => ${days})`.execute(
    farm.context.ledger,
  );
}

describe('results', () => {
  it('of other attempts go a day later, of open and held frames never, and what is not known is left alone', async () => {
    const { context } = farm;
    const key = await seedOf(context, { id: 'frames', frames: 6 });
    const frame = (number: number, attempt: string): Promise<string> =>
      putResult(context, { jobId: 'frames', attempt, frame: number });
    const other = await frame(1, 't9-1-1');
    const ofHeld = await frame(2, 't9-1-1');
    const ofFailed = await frame(3, 't9-1-1');
    const judged = await frame(4, 't9-1-1');
    const ofOpen = await frame(5, 't9-1-1');
    const layer = await putResult(context, { jobId: 'frames', attempt: 't1-1-1', frame: 6, output: 'depth' });
    const setState = async (number: number, state: string): Promise<void> => {
      await sql`UPDATE frames SET state = ${state}::frame_state, object_key = NULL, attempt = NULL
        WHERE step_key = ${key} AND number = ${number}`.execute(context.ledger);
    };
    await setState(2, 'held');
    await setState(3, 'failed');
    await setState(5, 'ready');
    await sql`INSERT INTO judged_attempts (step_key, number, generation, attempt, verdict, object_key)
      VALUES (${key}, 4, 1, 't9-1-1', 'fail', ${judged})`.execute(context.ledger);
    await sql`INSERT INTO frame_outputs (step_key, number, name, object_key, bytes, sha256)
      VALUES (${key}, 6, 'depth', ${layer}, 10, '\\x00')`.execute(context.ledger);
    const strange = 'results/frames/render/t1-1-1/what-is-this';
    const unknown = await putResult(context, { jobId: 'nobody-knows', attempt: 't1-1-1', frame: 1 });
    await putObject(context, strange);

    expect((await collect(context, 'results', 0)).removedObjects).toBe(0);
    const day = await collect(context, 'results', 2);
    expect(day).toMatchObject({ removedObjects: 1, garbageObjects: 1, unknownObjects: 1 });
    const kept = await allKeys(context);
    expect(kept.has(other)).toBe(false);
    for (const stays of [ofHeld, ofFailed, judged, ofOpen, layer, strange, unknown])
      expect(kept).toContain(stays);
    for (const number of [1, 4, 6])
      expect(kept).toContain(`results/frames/render/t1-1-1/main_000${number}.png`);

    // Nobody reports after so long; what a person may still decide about stays.
    await collect(context, 'results', 60);
    const later = await allKeys(context);
    expect(later.has(ofFailed)).toBe(false);
    for (const stays of [ofHeld, judged, ofOpen, layer, strange, unknown]) expect(later).toContain(stays);
  });

  it('are only reported when the farm is told to keep them', async () => {
    const { context } = farm;
    await seedOf(context, { id: 'reported', frames: 1 });
    const other = await putResult(context, { jobId: 'reported', attempt: 't9-1-1', frame: 1 });
    await context.ledger.insertInto('retention').values({ what: 'attempts', days: null }).execute();
    expect(await collect(context, 'results', 90)).toMatchObject({ removedObjects: 0 });
    expect((await collect(context, 'results', 90)).garbageObjects).toBeGreaterThan(0);
    expect(await allKeys(context)).toContain(other);
  });

  it('that come after their job was erased go, too', async () => {
    const { context } = farm;
    await seedOf(context, { id: 'late', frames: 1 });
    await control(context, 'late', { verb: 'delete', now: true });
    const eraser = eraserOf(context, farm.coordinator);
    while (await eraser.slice());
    const late = await putResult(context, { jobId: 'late', attempt: 't5-1-1', frame: 1 });
    await collect(context, 'results', 2);
    expect(await allKeys(context)).not.toContain(late);
  });
});

describe('assets', () => {
  it('stay while a job, also one in the bin, a template or a batch names them, and go a while after', async () => {
    const { context } = farm;
    const shared = 'a file that two assets share';
    const ofJob = await putScene(context, ['scene of a job', shared]);
    const ofBin = await putScene(context, ['scene of a job in the bin']);
    const ofTemplate = await putScene(context, ['scene of a template']);
    const ofBatch = await putScene(context, ['rows of a batch']);
    const sound = await putScene(context, ['sound of a video']);
    const ofNobody = await putScene(context, ['scene of nobody', shared]);
    const lately = await putScene(context, ['asked for lately']);
    await seedOf(context, { id: 'uses', frames: 1, scene: ofJob.asset });
    await seedOf(context, { id: 'uses-bin', frames: 1, scene: ofBin.asset });
    await control(context, 'uses-bin', { verb: 'delete' });
    await sql`UPDATE jobs SET document = document || ${JSON.stringify({
      settings: { audio: `asset:${sound.asset}/file-0.txt` },
    })}::jsonb WHERE id = 'uses'`.execute(context.ledger);
    await sql`UPDATE jobs SET assets_noted = false`.execute(context.ledger);
    await context.ledger
      .insertInto('templates')
      .values({
        name: 'card',
        version: 1,
        engine: 'lottie',
        label: 'Card',
        asset: ofTemplate.asset,
        scene_path: 'file-0.txt',
        schema: '{}',
        slots: '{}',
        defaults: '{}',
      })
      .execute();
    await sql`INSERT INTO batches (id, name, owner, project, document, document_sha256, template, template_version, state)
      VALUES ('b1', 'b1', 'ann', 'film', ${JSON.stringify({ rows: `asset:${ofBatch.asset}/file-0.txt` })}, 'x', 'card', 1, 'expanded')`.execute(
      context.ledger,
    );
    await putObject(context, verifiedKey(ofNobody.files[0] ?? ''), '');
    const loose = sha256Of('uploaded, and never registered');
    await putObject(context, assetKey(loose), 'uploaded, and never registered');

    await collect(context, 'assets', 20);
    expect(await allKeys(context)).toContain(assetKey(loose));
    await forget(40);
    await gateway.post('/api/assets/plan', 200, { files: [{ sha256: lately.files[0], size: 16 }] });
    const inspected = await gateway.fetch('/api/inspect', {
      method: 'POST',
      body: JSON.stringify({ scene: `asset:${lately.asset}/file-0.txt` }),
    });
    await inspected.text();
    const asked = await submit(context, {
      version: 1,
      name: 'asks',
      engine: 'lottie',
      scene: `asset:${lately.asset}/none.json`,
      frames: '1',
    });
    expect(asked).toMatchObject({ code: 'invalid' });
    // Manifests first, then what they held.
    await collect(context, 'assets', 40);
    await collect(context, 'assets', 40);
    const keys = await allKeys(context);
    for (const { asset, files } of [ofJob, ofBin, ofTemplate, ofBatch, sound, lately])
      for (const hash of [asset, ...files]) expect(keys, hash).toContain(assetKey(hash));
    for (const hash of [ofNobody.asset, ofNobody.files[0] ?? '', loose])
      expect(keys.has(assetKey(hash)), hash).toBe(false);
    expect(keys.has(verifiedKey(ofNobody.files[0] ?? ''))).toBe(false);
    expect(
      await gateway.post('/api/assets/plan', 200, { files: [{ sha256: loose, size: 30 }] }),
    ).toMatchObject({
      uploads: [{ sha256: loose }],
    });

    // A job that is gone names nothing any more.
    await sql`DELETE FROM job_assets WHERE job_id = 'uses-bin'`.execute(context.ledger);
    await collect(context, 'assets', 40);
    await collect(context, 'assets', 40);
    expect((await allKeys(context)).has(assetKey(ofBin.asset))).toBe(false);
    await sql`DELETE FROM batches`.execute(context.ledger);
    await sql`DELETE FROM templates`.execute(context.ledger);
  });

  it('that are being removed are never said to be there', async () => {
    const { context } = farm;
    const text = 'on its way out';
    const sha256 = sha256Of(text);
    await putObject(context, assetKey(sha256), text);
    await sql`INSERT INTO asset_uses (sha256, used_at, removing_until)
      VALUES (${sha256}, to_timestamp(0), now() + interval '5 minutes')`.execute(context.ledger);
    const file = { sha256, size: text.length };
    const during = await gateway.post<AssetPlan>('/api/assets/plan', 200, { files: [file] });
    expect(during).toEqual({ uploads: [], parts: [], more: [sha256] });
    const refused = await gateway.fetch('/api/assets', {
      method: 'POST',
      body: JSON.stringify({ version: 1, files: [{ path: 'a.txt', ...file }] }),
    });
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain('being removed');
    await new Bucket(context.s3, context.s3Settings.bucket).remove([assetKey(sha256)]);
    await sql`DELETE FROM asset_uses WHERE sha256 = ${sha256}`.execute(context.ledger);
    const after = await gateway.post<AssetPlan>('/api/assets/plan', 200, { files: [file] });
    expect(after.uploads.map((upload) => upload.sha256)).toEqual([sha256]);
  }, 60_000);

  it('are there if somebody was told so while they were being collected', async () => {
    const { context } = farm;
    const bucket = new Bucket(context.s3, context.s3Settings.bucket);
    let told = 0;
    let gone = 0;
    for (let round = 0; round < 6; round++) {
      const texts = Array.from({ length: 40 }, (_, i) => `round ${round}, object ${i}`);
      const hashes = texts.map(sha256Of);
      await Promise.all(texts.map((text) => putObject(context, assetKey(sha256Of(text)), text)));
      const files = texts.map((text) => ({ sha256: sha256Of(text), size: text.length }));
      const slices = [0, 10, 20, 30].map((from) => files.slice(from, from + 10));
      const [removed, ...plans] = await Promise.all([
        removeUnused(bucket, context.ledger, hashes, { kind: 'objects', days: 30 }),
        ...slices.map((slice) => gateway.post<AssetPlan>('/api/assets/plan', 200, { files: slice })),
      ]);
      const missing = new Set(
        plans.flatMap((plan) => [...plan.uploads.map(({ sha256 }) => sha256), ...plan.more]),
      );
      const there = hashes.filter((hash) => !missing.has(hash));
      const keys = await allKeys(context);
      for (const hash of there) expect(keys).toContain(assetKey(hash));
      for (const hash of removed.gone) expect(missing).toContain(hash);
      // What somebody was told of stays, also in the next round.
      const again = await removeUnused(bucket, context.ledger, hashes, { kind: 'objects', days: 1 });
      expect(again.gone.filter((hash) => there.includes(hash))).toEqual([]);
      told += there.length;
      gone += removed.gone.length;
    }
    expect(told + gone).toBe(240);
  }, 120_000);

  it('that the store does not let go stay usable, and are tried again', async () => {
    const { context } = farm;
    const text = 'protected';
    const sha256 = sha256Of(text);
    await putObject(context, assetKey(sha256), text);
    const worker = createS3Client(context.workerS3Settings);
    const outcome = await removeUnused(
      new Bucket(worker, context.s3Settings.bucket),
      context.ledger,
      [sha256],
      { kind: 'objects', days: 30 },
    ).catch((error: unknown) => error);
    worker.destroy();
    expect(JSON.stringify(outcome) + String(outcome)).toMatch(/denied/i);
    expect(await allKeys(context)).toContain(assetKey(sha256));
    await sql`UPDATE asset_uses SET removing_until = LEAST(removing_until, now()) WHERE sha256 = ${sha256}`.execute(
      context.ledger,
    );
    const plan = await gateway.post<AssetPlan>('/api/assets/plan', 200, {
      files: [{ sha256, size: text.length }],
    });
    expect(plan).toEqual({ uploads: [], parts: [], more: [] });
  });
});

describe("templates' old versions", () => {
  it('go by rule only, and never the newest, or one that a job or a batch uses', async () => {
    const { context } = farm;
    const lease = farm.coordinator.parts.resolve(TOKENS.lease);
    const scenes = await Promise.all([1, 2, 3, 4].map((n) => putScene(context, [`version ${n}`])));
    await seedOf(context, { id: 'of-version-1', frames: 1, scene: scenes[0]?.asset ?? '' });
    for (const [index, { asset }] of scenes.entries())
      await context.ledger
        .insertInto('templates')
        .values({
          name: 'title',
          version: index + 1,
          engine: 'lottie',
          label: 'Title',
          asset,
          scene_path: 'file-0.txt',
          schema: '{}',
          slots: '{}',
          defaults: '{}',
        })
        .execute();
    await sql`UPDATE templates SET created_at = now() - interval '100 days'`.execute(context.ledger);
    await sql`INSERT INTO batches (id, name, owner, project, document, document_sha256, template, template_version, state)
      VALUES ('b2', 'b2', 'ann', 'film', '{}', 'x', 'title', 2, 'expanded')`.execute(context.ledger);
    await collect(context, 'assets', 0);
    await forget(2);
    expect(await collectTemplates(lease, context.ledger)).toEqual([]);
    await context.ledger.insertInto('retention').values({ what: 'templates', days: 30 }).execute();
    expect(await collectTemplates(lease, context.ledger)).toEqual(['title@3']);
  });
});
