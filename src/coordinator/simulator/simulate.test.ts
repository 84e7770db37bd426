import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { cpuGroup, traceJobs, traceOf, usualSpread } from '../../../test/support/traces.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { jain } from './fair-use.ts';
import { simulate, type SimulationFigures } from './simulate.ts';
import { readTrace, type Trace } from './trace.ts';

/** Hours of a farm's time are played. */
vi.setConfig({ testTimeout: 60_000 });

type ValueOf<A> = A extends fc.Arbitrary<infer T> ? T : never;

const framesOf = ({ jobs }: Trace): number => jobs.reduce((sum, one) => sum + one.frames * one.count, 0);

/** What depends on the machine that plays it is left out. */
const sameEverywhere = ({
  assignmentsPerSecond: _,
  roundP50Ms: __,
  roundP99Ms: ___,
  ...rest
}: SimulationFigures): object => rest;

describe('whatever is asked of it', () => {
  const anyJobs = fc.record({
    count: fc.integer({ min: 1, max: 4 }),
    project: fc.constantFrom('film', 'ad'),
    owner: fc.constantFrom('anna', 'ben'),
    priority: fc.constantFrom(20, 50, 90),
    firstAt: fc.integer({ min: 0, max: 200 }),
    every: fc.integer({ min: 0, max: 60 }),
    frames: fc.integer({ min: 1, max: 120 }),
    frameSeconds: fc.constantFrom(
      { kind: 'fixed', seconds: 0.5 },
      { kind: 'exponential', mean: 8 },
      usualSpread,
    ),
    chunk: fc.constantFrom('auto', 'sequential', 1, 7),
    requires: fc.constantFrom(
      {},
      { cores: 3 },
      { cores: 'all' },
      { gpus: 1 },
      { tags: ['fast'] },
      { preferSite: 'north' },
    ),
    scene: fc.constantFrom(null, { fetchSeconds: 2, loadSeconds: 3 }),
    previewFrames: fc.constantFrom(0, 3),
    preempt: fc.boolean(),
    limit: fc.constantFrom(null, 1, 5),
    licences: fc.constantFrom([], ['pool']),
    failureRate: fc.constantFrom(0, 0.1),
  });
  const anyTrace = fc.record({
    seed: fc.integer({ min: 0, max: 1_000 }),
    workers: fc.integer({ min: 3, max: 12 }),
    jobs: fc.array(anyJobs, { minLength: 1, maxLength: 6 }),
    leaving: fc.integer({ min: 0, max: 1 }),
    limit: fc.integer({ min: 1, max: 6 }),
    guaranteed: fc.integer({ min: 1, max: 6 }),
  });
  const groups = [
    { ...cpuGroup, share: 2, site: 'north' },
    { ...cpuGroup, name: 'gpu', gpus: 2, tags: ['fast'] },
  ];
  const traceFrom = ({
    seed,
    workers,
    jobs: some,
    leaving,
    limit,
    guaranteed,
  }: ValueOf<typeof anyTrace>): Trace =>
    traceOf({
      seed,
      workers,
      groups,
      jobs: some.map((one, index) => ({ name: `j${index}`, engine: 'blender', ...one })),
      joins: [{ at: 90, group: 'gpu', workers: 1 }],
      leaves: [
        { at: 60, group: 'cpu', workers: leaving },
        { at: 150, group: 'gpu', workers: 1 },
      ].filter((leave) => leave.workers > 0),
      rules: {
        limits: [
          { kind: 'licence', name: 'pool', running: limit },
          { kind: 'owner', name: 'ben', running: limit + 2 },
        ],
        guarantees: [{ project: 'film', pool: 'fast', slots: guaranteed }],
        shares: [{ kind: 'project', name: 'ad', weight: 3 }],
      },
    });

  it('every frame ends once, no worker has more than its slots, no limit is exceeded, and nothing waits for ever', () => {
    fc.assert(
      fc.property(anyTrace, (parts) => {
        const trace = traceFrom(parts);
        const figures = simulate(trace); // its own checks throw
        expect(figures.framesUnfinished).toBe(0);
        expect(figures.framesDone + figures.framesFailed).toBe(framesOf(trace));
      }),
      { numRuns: 15, seed: 3 },
    );
  });

  it('the same trace and seed give the same farm', () => {
    fc.assert(
      fc.property(anyTrace, (parts) => {
        const trace = traceFrom(parts);
        expect(sameEverywhere(simulate(trace))).toEqual(sameEverywhere(simulate(trace)));
      }),
      { numRuns: 3, seed: 3 },
    );
  });

  it('jobs that fit nowhere are refused, with their place', () => {
    const trace = traceOf({ jobs: [traceJobs('fits', 1), traceJobs('big', 1, { requires: { gpus: 1 } })] });
    expect(() => simulate(trace)).toThrow(FarmError);
    expect(() => simulate(trace)).toThrow(/jobs\[1\]\.requires/);
  });

  it('frames that nobody is left to render are counted', () => {
    const trace = traceOf({
      workers: 1,
      jobs: [traceJobs('a', 1_000)],
      leaves: [{ at: 20, group: 'cpu', workers: 1 }],
    });
    expect(simulate(trace).framesUnfinished).toBeGreaterThan(900);
  });
});

describe('the traces that come with the farm', () => {
  const example = async (name: string): Promise<Trace> =>
    readTrace(await readFile(`examples/traces/${name}.json`));

  it("a small studio's afternoon, the same each time", async () => {
    const studio = await example('small-studio');
    const figures = simulate(studio);
    expect(figures).toMatchObject({ framesFailed: 0, framesUnfinished: 0, framesDone: framesOf(studio) });
    expect(figures.utilisation).toBeGreaterThan(0.95);
    expect(figures.makespanRatio).toBeLessThan(1.05);
    expect(figures.jain).toBeGreaterThan(0.8);
    expect(figures.waiting['priority 90']?.p95Seconds).toBeLessThan(15);
    expect(sameEverywhere(simulate(studio))).toEqual(sameEverywhere(figures));
  });

  it('a tenth of a night on a large farm', async () => {
    const night = await example('render-night');
    const part = {
      ...night,
      jobs: night.jobs.map((one) => ({ ...one, count: one.count / 10, every: one.every * 10 })),
      joins: [{ at: 300, group: 'blades-b', workers: 5 }],
      leaves: [{ at: 200, group: 'blades-a', workers: 2 }],
    };
    const figures = simulate(part, { workers: night.workers / 10 });
    expect(figures).toMatchObject({ framesUnfinished: 0 });
    expect(figures.framesDone + figures.framesFailed).toBe(framesOf(part));
    expect(figures.utilisation).toBeGreaterThan(0.95);
    expect(figures.makespanRatio).toBeLessThan(1.2);
    expect(figures.jain).toBeGreaterThan(0.75);
  });
});

describe('fairness by Jain', () => {
  it.each([
    [[1, 1, 1], 1],
    [[1, 0, 0, 0], 0.25],
    [[], 1],
  ])('of %j is %f', (values, index) => {
    expect(jain(values)).toBeCloseTo(index);
  });
});
