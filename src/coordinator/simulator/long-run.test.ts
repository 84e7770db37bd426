import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { fixed, Play, traceJobs, traceOf, usualSpread } from '../../../test/support/traces.ts';
import type { SimTask } from './sim-task.ts';

/** Hours of a farm's time are played. */
vi.setConfig({ testTimeout: 60_000 });

/** Each property is looked at on so many farms, the same in each run. */
const seeded = (numRuns: number) => ({ numRuns, seed: 5 });

const anySeconds = fc.constantFrom<object>(
  fixed(2),
  fixed(9),
  { kind: 'uniform', from: 1, to: 12 },
  { kind: 'exponential', mean: 6 },
  usualSpread,
);
const weight = fc.integer({ min: 1, max: 4 });

describe('while all have work', () => {
  const anyFarm = fc.record({
    seed: fc.integer({ min: 0, max: 1_000 }),
    workers: fc.integer({ min: 4, max: 10 }),
    projects: fc.array(
      fc.record({
        weight,
        owners: fc.array(fc.record({ weight, jobs: fc.array(anySeconds, { minLength: 1, maxLength: 2 }) }), {
          minLength: 1,
          maxLength: 2,
        }),
      }),
      { minLength: 2, maxLength: 3 },
    ),
  });

  it('projects, their owners and the jobs of those have their shares within 5 percent', () => {
    fc.assert(
      fc.property(anyFarm, ({ seed, workers, projects }) => {
        const shares = projects.flatMap(({ weight: ofProject, owners }, p) => [
          { kind: 'project', name: `p${p}`, weight: ofProject },
          ...owners.map((owner, o) => ({ kind: 'owner', name: `p${p}-o${o}`, weight: owner.weight })),
        ]);
        const jobs = projects.flatMap(({ owners }, p) =>
          owners.flatMap((owner, o) =>
            owner.jobs.map((frameSeconds, j) =>
              traceJobs(`p${p}-o${o}-j${j}`, 100_000, {
                project: `p${p}`,
                owner: `p${p}-o${o}`,
                frameSeconds,
              }),
            ),
          ),
        );
        const play = new Play(traceOf({ seed, workers, jobs, rules: { shares } }));
        const had = play.slotsOnAverage(300, 1_500, (task) => task.jobId);
        const sum = (prefix: string): number =>
          [...had].reduce((all, [job, slots]) => all + (job.startsWith(prefix) ? slots : 0), 0);
        const weights = (all: readonly { weight: number }[]): number =>
          all.reduce((total, one) => total + one.weight, 0);
        // Slots are whole: of a few, a quarter of one is more than 5 percent.
        const off = (slots: number, due: number): number => Math.abs(slots - due) / Math.max(due, 5);

        expect(sum('')).toBeGreaterThan(0.97 * workers * 4);
        projects.forEach((project, p) => {
          const due = (sum('') * project.weight) / weights(projects);
          expect(off(sum(`p${p}-`), due), `project ${p}`).toBeLessThan(0.05);
          project.owners.forEach((owner, o) => {
            const ofOwner = (sum(`p${p}-`) * owner.weight) / weights(project.owners);
            expect(off(sum(`p${p}-o${o}-`), ofOwner), `owner ${p} ${o}`).toBeLessThan(0.05);
            owner.jobs.forEach((_, j) => {
              const ofJob = sum(`p${p}-o${o}-`) / owner.jobs.length;
              expect(off(sum(`p${p}-o${o}-j${j}`), ofJob), `job ${p} ${o} ${j}`).toBeLessThan(0.05);
            });
          });
        });
      }),
      seeded(5),
    );
  });
});

describe('while small jobs keep coming', () => {
  const anyStream = fc.record({
    /** Of what the farm can do: so much keeps coming. */
    load: fc.constantFrom(0.8, 1, 1.5, 3),
    seconds: fc.constantFrom(4, 10),
    ofWhom: fc.constantFrom<object>({}, { owner: 'ben' }, { project: 'ad', owner: 'ben' }),
    frameSeconds: anySeconds,
  });

  it('a job that was there before goes on, however many they are', () => {
    fc.assert(
      fc.property(anyStream, ({ load, seconds, ofWhom, frameSeconds }) => {
        const every = seconds / (16 * load);
        const stream = { count: Math.ceil(600 / every), every, frameSeconds: fixed(seconds), ...ofWhom };
        const jobs = [traceJobs('old', 400, { frameSeconds }), traceJobs('new', 1, stream)];
        const play = new Play(traceOf({ workers: 4, jobs }));
        // At first it had the farm to itself: that fades by half every five minutes.
        expect(play.longestPause('old', 0, 600)).toBeLessThan(240);
      }),
      seeded(5),
    );
  });

  it('jobs that keep coming from many owners leave him his turn who was there before', () => {
    const newcomers = Array.from({ length: 300 }, (_, index) =>
      traceJobs(`new${index}`, 4, { owner: `o${index}`, firstAt: index, frameSeconds: fixed(8) }),
    );
    const jobs = [traceJobs('old', 400, { owner: 'anna' }), ...newcomers];
    const play = new Play(traceOf({ workers: 4, jobs }));
    expect(play.longestPause('old', 0, 300)).toBeLessThan(60);
  });

  const anyWhole = fc.record({
    small: anySeconds,
    chunk: fc.constantFrom<number | string>('auto', 1, 4),
    whole: fc.integer({ min: 1, max: 3 }),
    workers: fc.integer({ min: 1, max: 8 }),
    ofWhom: fc.constantFrom<object>({}, { owner: 'cleo' }, { project: 'big', owner: 'cleo' }),
  });

  it('a frame that needs a whole worker gets its turn', () => {
    fc.assert(
      fc.property(anyWhole, ({ small, chunk, whole, workers, ofWhom }) => {
        const stream = { count: 600, every: 3, frameSeconds: small, chunk };
        const big = { requires: { cores: 'all' }, firstAt: 120, frameSeconds: fixed(15), ...ofWhom };
        const jobs = [
          traceJobs('filling', 100_000, { frameSeconds: small, chunk }),
          traceJobs('small', workers, stream),
          traceJobs('whole', whole, big),
        ];
        const play = new Play(traceOf({ workers, jobs }));
        play.until(600);
        expect(play.waitOf('whole')).toBeLessThan(120);
      }),
      seeded(8),
    );
  });
});

describe('a guarantee', () => {
  const anyGuarantee = fc.record({
    slots: fc.integer({ min: 2, max: 12 }),
    frameSeconds: anySeconds,
    others: fc.constantFrom<object>({ kind: 'exponential', mean: 6 }, usualSpread, {
      kind: 'fixed',
      seconds: 6,
    }),
  });
  const byProject = (task: SimTask): string => task.project;

  it('is kept against all others, and is theirs while its project has nothing to do', () => {
    fc.assert(
      fc.property(anyGuarantee, ({ slots, frameSeconds, others }) => {
        const film = { project: 'film', priority: 1, firstAt: 300, frameSeconds };
        const urgent = { project: 'ad', priority: 99, frameSeconds: others };
        const jobs = [traceJobs('film', 100_000, film), traceJobs('urgent', 100_000, urgent)];
        const rules = { guarantees: [{ project: 'film', pool: '*', slots }] };
        const play = new Play(traceOf({ workers: 4, jobs, rules }));

        const before = play.slotsOnAverage(60, 300, byProject);
        expect(before.get('ad')).toBeGreaterThan(0.97 * 16);
        // Nothing is interrupted for it: what runs ends within its target time of 30 s and a frame.
        const after = play.slotsOnAverage(360, 960, byProject);
        expect(after.get('film')).toBeGreaterThan(0.88 * slots);
        expect(after.get('film')).toBeLessThan(slots + 1);
        expect((after.get('film') ?? 0) + (after.get('ad') ?? 0)).toBeGreaterThan(0.97 * 16);
      }),
      seeded(5),
    );
  });
});
