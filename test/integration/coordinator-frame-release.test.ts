import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  releaseAfter,
  releaseByFrame,
  type DoneFrame,
  type MovedFrames,
} from '../../src/coordinator/dependencies/release-by-frame.ts';
import { lockJobs } from '../../src/coordinator/ledger/cut-tasks.ts';
import { CountDeltas } from '../../src/coordinator/ledger/count-deltas.ts';
import type { LedgerTransaction } from '../../src/coordinator/ledger/job-repository.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { explainedLedger, type Explained, type ExplainedLedger } from '../support/explained-ledger.ts';
import { submit, until } from '../support/jobs.ts';

/** No worker is there: what becomes of frames is what the test says of those before them. */
describe('frames that wait for frames', () => {
  let farm: CoordinatorFarm;
  let explained: ExplainedLedger;
  beforeAll(async () => {
    farm = await createCoordinatorFarm();
    explained = await explainedLedger(farm.context);
  });
  afterEach(() => void explained.take());
  afterAll(async () => {
    await explained.dispose();
    await farm.dispose();
  });

  const keyOf = async (jobId: string, name: string): Promise<string> => {
    const row = await farm.context.ledger
      .selectFrom('steps')
      .select('key')
      .where('job_id', '=', jobId)
      .where('name', '=', name)
      .executeTakeFirstOrThrow();
    return row.key;
  };
  const locked = <T>(jobId: string, work: (trx: LedgerTransaction) => Promise<T>): Promise<T> =>
    explained.ledger.transaction().execute(async (trx) => {
      await lockJobs(trx, [jobId]);
      return work(trx);
    });
  /** As results of them would: rows and counts. */
  const finish = async (
    trx: LedgerTransaction,
    stepKey: string,
    numbers: readonly number[],
  ): Promise<DoneFrame[]> => {
    await sql`UPDATE frames SET state = 'done' WHERE step_key = ${stepKey} AND number = ANY(${[...numbers]}::int[])`.execute(
      trx,
    );
    const deltas = new CountDeltas();
    deltas.move(stepKey, 'ready', 'done', numbers.length);
    await deltas.write(trx);
    return numbers.map((number) => ({ step_key: stepKey, number }));
  };
  const numbersOf = async (stepKey: string, state: 'ready' | 'waiting'): Promise<number[]> => {
    const rows = await farm.context.ledger
      .selectFrom('frames')
      .select('number')
      .where('step_key', '=', stepKey)
      .where('state', '=', state)
      .orderBy('number')
      .execute();
    return rows.map(({ number }) => number);
  };

  describe('ten thousand of them, on tables that nobody has analysed', () => {
    const FRAMES = 10_000;
    const WINDOW = 1;
    const all = Array.from({ length: FRAMES }, (_, index) => index + 1);
    const two = (id: string) =>
      submit(farm.context, {
        version: 1,
        id,
        name: 'x',
        steps: [
          { name: 'render', engine: 'null', frames: `1-${FRAMES}` },
          {
            name: 'comp',
            engine: 'null',
            frames: `1-${FRAMES}`,
            dependsOn: [{ step: 'render', kind: 'frame', window: WINDOW }],
          },
        ],
      });
    const statementsOnFrames = (): Explained[] =>
      explained.take().filter(({ text }) => /\bframes\b/.test(text));

    it.each<[string, (trx: LedgerTransaction, done: DoneFrame[], comp: string) => Promise<MovedFrames[]>]>([
      ['with the results that they waited for', (trx, done) => releaseAfter(trx, done)],
      ['when their step is settled', (trx, _done, comp) => releaseByFrame(trx, [comp])],
    ])('are let go in one statement %s, each found by its key', async (how, release) => {
      const id = `large-${how.length}`;
      await two(id);
      await until('all rows are written', async () => {
        const rows = await farm.context.ledger
          .selectFrom('steps')
          .select('frames_expanded')
          .where('job_id', '=', id)
          .execute();
        return rows.every((row) => row.frames_expanded === FRAMES);
      });
      const [render, comp] = [await keyOf(id, 'render'), await keyOf(id, 'comp')];
      const moved = await locked(id, async (trx) => {
        const done = await finish(trx, render, all);
        explained.take();
        return release(trx, done, comp);
      });
      const statements = statementsOnFrames();
      expect(moved).toEqual([{ stepKey: comp, jobId: id, frames: FRAMES }]);
      expect((await numbersOf(comp, 'ready')).length).toBe(FRAMES);
      expect(statements.map(({ text }) => text)).toHaveLength(1);
      const [statement] = statements;
      for (const read of statement!.reads('frames')) expect(read).toMatch(/^(Index|Tid|Bitmap)/);
      // Each is found, each is changed, and each looks at those around it: nothing that grows with the square.
      expect(statement!.rowsRead('frames')).toBeLessThan(FRAMES * (2 * WINDOW + 1 + 10));
      const { rows } = await sql<{ n: number }>`
        SELECT count(*)::int AS n FROM pg_stats WHERE tablename IN ('frames', 'steps')`.execute(
        farm.context.ledger,
      );
      expect(rows).toEqual([{ n: 0 }]);
    });
  });

  describe('whatever they wait for, in whatever order that is done', () => {
    interface Upstream {
      first: number;
      count: number;
      offset: number;
      window: number;
    }
    const upstream: fc.Arbitrary<Upstream> = fc.record({
      first: fc.integer({ min: -4, max: 4 }),
      count: fc.integer({ min: 1, max: 9 }),
      offset: fc.integer({ min: -4, max: 4 }),
      window: fc.integer({ min: 0, max: 3 }),
    });
    /** Batches of frames as `[which step, number]`: each frame once, in any order. */
    const scenario = fc
      .record({
        upstreams: fc.array(upstream, { minLength: 1, maxLength: 2 }),
        first: fc.integer({ min: -3, max: 3 }),
        count: fc.integer({ min: 1, max: 9 }),
        batch: fc.integer({ min: 1, max: 5 }),
        settles: fc.boolean(),
      })
      .chain((fixed) => {
        const frames = fixed.upstreams.flatMap(({ first, count }, index) =>
          Array.from({ length: count }, (_, n) => ({ index, number: first + n })),
        );
        return fc.record({
          fixed: fc.constant(fixed),
          order: fc.shuffledSubarray(frames, { minLength: frames.length }),
        });
      });
    type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

    /** What may go: no frame that it looks at, of those that there are, is open. */
    const expectedReady = ({ fixed }: Scenario, done: ReadonlySet<string>): number[] =>
      Array.from({ length: fixed.count }, (_, n) => fixed.first + n).filter((number) =>
        fixed.upstreams.every(({ first, count, offset, window }, index) =>
          Array.from({ length: count }, (_, n) => first + n).every(
            (other) => Math.abs(other - (number + offset)) > window || done.has(`${index}/${other}`),
          ),
        ),
      );

    let jobs = 0;
    const play = async (played: Scenario): Promise<void> => {
      const { fixed, order } = played;
      const id = `model-${jobs++}`;
      const last = ({ first, count }: { first: number; count: number }) => first + count - 1;
      await submit(farm.context, {
        version: 1,
        id,
        name: 'x',
        steps: [
          ...fixed.upstreams.map((each, index) => ({
            name: `up${index}`,
            engine: 'null',
            frames: `${each.first}-${last(each)}`,
          })),
          {
            name: 'down',
            engine: 'null',
            frames: `${fixed.first}-${last(fixed)}`,
            dependsOn: fixed.upstreams.map(({ offset, window }, index) => ({
              step: `up${index}`,
              kind: 'frame',
              offset,
              window,
            })),
          },
        ],
      });
      const down = await keyOf(id, 'down');
      const keys = await Promise.all(fixed.upstreams.map((_, index) => keyOf(id, `up${index}`)));
      const done = new Set<string>();
      const check = async (): Promise<void> => {
        const ready = expectedReady(played, done);
        expect(await numbersOf(down, 'ready')).toEqual(ready);
        const counts = await farm.context.ledger
          .selectFrom('steps')
          .select(['ready', 'waiting'])
          .where('key', '=', down)
          .executeTakeFirstOrThrow();
        expect(counts).toEqual({ ready: ready.length, waiting: fixed.count - ready.length });
      };
      // Some wait for nothing that there is.
      await check();
      for (let from = 0; from < order.length; from += fixed.batch) {
        const batch = order.slice(from, from + fixed.batch);
        await locked(id, async (trx) => {
          const frames: DoneFrame[] = [];
          for (const [index, key] of keys.entries()) {
            const numbers = batch.filter((frame) => frame.index === index).map(({ number }) => number);
            frames.push(...(await finish(trx, key, numbers)));
          }
          const release = () => (fixed.settles ? releaseByFrame(trx, [down]) : releaseAfter(trx, frames));
          await release();
          expect(await release()).toEqual([]);
        });
        for (const { index, number } of batch) done.add(`${index}/${number}`);
        await check();
      }
      expect(await numbersOf(down, 'waiting')).toEqual([]);
    };

    it('go when all that they look at is done, and not before', async () => {
      await fc.assert(fc.asyncProperty(scenario, play), { numRuns: 25 });
    });
  });
});
