import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { useAssets } from '../../src/shared/database/asset-uses.ts';
import { assetKey } from '../../src/shared/storage/keys.ts';
import { control } from '../support/control.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { seedJob } from '../support/ledger-rows.ts';
import { allKeys, collect, eraserOf, putResult, putScene } from '../support/retention.ts';

/** Whatever happens to jobs, templates, deletions and collections in whatever order: what something points to is there. */

const FRAMES = 3;
const TEXTS = ['cloth', 'wood', 'water', 'the scene'];

const number = (below: number) => fc.nat({ max: below - 1 });
const operation = fc.oneof(
  fc.record({ do: fc.constant('scene' as const), texts: fc.subarray(TEXTS, { minLength: 1 }) }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('job' as const), scene: number(3) }) },
  fc.record({ do: fc.constant('template' as const), scene: number(3) }),
  fc.record({ do: fc.constant('drop-template' as const), nth: number(3) }),
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('render' as const), job: number(2), frame: number(FRAMES) }),
  },
  fc.record({ do: fc.constant('lose' as const), job: number(2), frame: number(FRAMES) }),
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('judge' as const), job: number(2), frame: number(FRAMES) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('again' as const), job: number(2), frame: number(FRAMES) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('end' as const), job: number(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('delete' as const), job: number(2), now: fc.boolean() }),
  },
  fc.record({ do: fc.constant('restore' as const), job: number(2) }),
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('erase' as const), slices: fc.integer({ min: 1, max: 6 }) }),
  },
  fc.record({ do: fc.constant('forget' as const) }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('collect' as const),
      area: fc.constantFrom('results' as const, 'assets' as const),
      days: fc.constantFrom(0, 2, 2, 40),
    }),
  },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

let farm: CoordinatorFarm;

beforeAll(async () => {
  farm = await createCoordinatorFarm();
}, 120_000);

afterAll(async () => {
  await farm.dispose();
});

/** One history on the farm: what was made in it, in the order in which that was. */
class History {
  readonly #name: string;
  readonly scenes: { asset: string; files: string[] }[] = [];
  readonly jobs: { id: string; step: string; scene: { asset: string; files: string[] } }[] = [];
  readonly templates: { version: number; scene: { asset: string; files: string[] } }[] = [];
  #attempts = 0;

  constructor(name: string) {
    this.#name = name;
  }

  async play(op: Operation): Promise<void> {
    const { context } = farm;
    const { ledger } = context;
    if ('job' in op) {
      const job = this.jobs[op.job];
      if (job) await this.#ofJob(op, job);
      return;
    }
    switch (op.do) {
      case 'scene':
        this.scenes.push(await this.#upload(op.texts));
        return;
      case 'job':
      case 'template': {
        const scene = this.scenes[op.scene];
        // As the farm does: noted as used, and then looked whether it is there.
        if (!scene || (await useAssets(ledger, [scene.asset], 5_000)).size > 0) return;
        if (!(await allKeys(context)).has(assetKey(scene.asset))) return;
        await (op.do === 'job' ? this.#submit(scene) : this.#store(scene));
        return;
      }
      case 'drop-template': {
        const [dropped] = this.templates.splice(op.nth, 1);
        if (dropped)
          await ledger
            .deleteFrom('templates')
            .where('name', '=', this.#name)
            .where('version', '=', dropped.version)
            .execute();
        return;
      }
      case 'erase': {
        const eraser = eraserOf(context, farm.coordinator);
        for (let slice = 0; slice < op.slices; slice++) await eraser.slice();
        return;
      }
      case 'forget':
        await sql`UPDATE asset_uses SET used_at = used_at - interval '40 days'`.execute(ledger);
        await sql`UPDATE assets SET created_at = created_at - interval '40 days'`.execute(ledger);
        return;
      case 'collect':
        await collect(context, op.area, op.days);
    }
  }

  async #ofJob(
    op: Extract<Operation, { job: number }>,
    { id, step }: { id: string; step: string },
  ): Promise<void> {
    const { context } = farm;
    const { ledger } = context;
    const frame = 'frame' in op ? op.frame + 1 : 0;
    const ofFrame = sql`step_key = ${step} AND number = ${frame} AND EXISTS (
      SELECT 1 FROM jobs WHERE id = ${id} AND NOT erasing AND (binned_at IS NULL OR ${op.do === 'lose'}))`;
    const attempt = `t${++this.#attempts}-1-1`;
    switch (op.do) {
      case 'render': {
        const key = await putResult(context, { jobId: id, attempt, frame });
        await sql`UPDATE frames SET state = 'done', object_key = ${key}, attempt = ${attempt}, bytes = 1
          WHERE ${ofFrame} AND state IN ('ready', 'running')`.execute(ledger);
        return;
      }
      case 'lose':
        await putResult(context, { jobId: id, attempt, frame });
        return;
      case 'judge':
        await sql`INSERT INTO judged_attempts (step_key, number, generation, attempt, verdict, object_key)
          SELECT step_key, number, generation, attempt, 'warn', object_key FROM frames
          WHERE ${ofFrame} AND state = 'done'`.execute(ledger);
        return;
      case 'again':
        await sql`UPDATE frames SET state = 'ready', generation = generation + 1 WHERE ${ofFrame} AND state = 'done'`.execute(
          ledger,
        );
        await sql`UPDATE jobs SET state = 'running', finished_at = NULL
          WHERE id = ${id} AND binned_at IS NULL AND EXISTS (
            SELECT 1 FROM frames WHERE step_key = ${step} AND state = 'ready')`.execute(ledger);
        return;
      case 'end':
        await sql`UPDATE frames SET state = 'cancelled' WHERE step_key = ${step} AND state = 'ready'`.execute(
          ledger,
        );
        await sql`UPDATE jobs SET state = 'completed', finished_at = now()
          WHERE id = ${id} AND binned_at IS NULL`.execute(ledger);
        return;
      case 'delete':
        await control(context, id, { verb: 'delete', now: op.now });
        return;
      case 'restore':
        await control(context, id, { verb: 'restore' });
    }
  }

  async #upload(texts: readonly string[]): Promise<{ asset: string; files: string[] }> {
    const { context } = farm;
    const named = texts.map((text) => `${this.#name} ${text}`);
    const scene = await putScene(context, named);
    await useAssets(context.ledger, [scene.asset, ...scene.files], 5_000);
    // What was collected between is uploaded again, as a client does.
    return await putScene(context, named);
  }

  async #submit(scene: { asset: string; files: string[] }): Promise<void> {
    const { ledger } = farm.context;
    const id = `${this.#name}-${this.jobs.length}`;
    const keys = await seedJob(ledger, {
      id,
      steps: [{ name: 'render', engine: 'lottie', frames: Array.from({ length: FRAMES }, () => 'ready') }],
    });
    const step = keys.get('render') ?? '';
    await sql`UPDATE steps SET ready = 0, spec = spec || ${JSON.stringify({
      scene: { asset: scene.asset, path: 'file-0.txt' },
    })}::jsonb WHERE key = ${step}`.execute(ledger);
    await sql`UPDATE jobs SET assets_noted = false WHERE id = ${id}`.execute(ledger);
    this.jobs.push({ id, step, scene });
  }

  async #store(scene: { asset: string; files: string[] }): Promise<void> {
    const version = 1 + Math.max(0, ...this.templates.map((template) => template.version));
    await farm.context.ledger
      .insertInto('templates')
      .values({
        name: this.#name,
        version,
        engine: 'lottie',
        label: 'Card',
        asset: scene.asset,
        scene_path: 'file-0.txt',
        schema: '{}',
        slots: '{}',
        defaults: '{}',
      })
      .execute();
    this.templates.push({ version, scene });
  }

  /** Everything that something in the ledger points to. */
  async wanted(): Promise<string[]> {
    const { ledger } = farm.context;
    const { rows } = await sql<{ key: string }>`
      SELECT object_key AS key FROM frames f JOIN steps s ON s.key = f.step_key JOIN jobs j ON j.id = s.job_id
      WHERE NOT j.erasing AND object_key IS NOT NULL AND starts_with(j.id, ${this.#name})
      UNION SELECT object_key FROM judged_attempts a JOIN steps s ON s.key = a.step_key JOIN jobs j ON j.id = s.job_id
      WHERE NOT j.erasing AND object_key IS NOT NULL AND starts_with(j.id, ${this.#name})`.execute(ledger);
    const jobs = await ledger.selectFrom('jobs').select('id').where('erased_at', 'is', null).execute();
    const there = new Set(jobs.map(({ id }) => id));
    const registered = await ledger.selectFrom('assets').select('sha256').execute();
    const assets = new Set(registered.map(({ sha256 }) => sha256));
    const scenes = [
      ...this.jobs.filter(({ id }) => there.has(id)).map(({ scene }) => scene),
      ...this.templates.map(({ scene }) => scene),
      ...this.scenes.filter(({ asset }) => assets.has(asset)),
    ];
    return [
      ...rows.map(({ key }) => key),
      ...scenes.flatMap(({ asset, files }) => [asset, ...files]).map(assetKey),
    ];
  }
}

it('nothing that anything points to is ever removed, and in the end the rest is', async () => {
  let histories = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 50, maxLength: 90 }), async (operations) => {
      const history = new History(`h${++histories}`);
      await history.play({ do: 'scene', texts: TEXTS.slice(0, 2) });
      await history.play({ do: 'job', scene: 0 });
      for (const op of operations) {
        await history.play(op);
        if (op.do !== 'collect' && op.do !== 'erase') continue;
        const keys = await allKeys(farm.context);
        expect((await history.wanted()).filter((key) => !keys.has(key))).toEqual([]);
      }
      // Every job is ended and deleted, and time goes by: nothing of it is left but what was said to stay.
      for (const [index, { id }] of history.jobs.entries()) {
        await history.play({ do: 'end', job: index });
        await control(farm.context, id, { verb: 'delete', now: true });
      }
      const eraser = eraserOf(farm.context, farm.coordinator);
      while (await eraser.slice());
      await history.play({ do: 'forget' });
      for (const area of ['results', 'assets', 'assets'] as const) await collect(farm.context, area, 40);
      const left = [...(await allKeys(farm.context))].sort();
      expect(left).toEqual([...new Set(await history.wanted())].sort());
      for (let nth = history.templates.length; nth > 0; nth--)
        await history.play({ do: 'drop-template', nth: 0 });
      await history.play({ do: 'forget' });
      for (const area of ['assets', 'assets'] as const) await collect(farm.context, area, 40);
      expect([...(await allKeys(farm.context))]).toEqual([]);
    }),
    { numRuns: 12, endOnFailure: true },
  );
}, 300_000);
