import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planDispatch, type LaneView, type StepView } from './plan-dispatch.ts';

const step = (changes: Partial<StepView> = {}): StepView => ({
  key: '1',
  engine: 'null',
  priority: 50,
  submittedAt: 0,
  jobId: 'a',
  position: 0,
  ready: 100,
  secondsPerFrame: 1,
  targetSeconds: 30,
  chunk: 'auto',
  openTasks: 0,
  maxFrames: 10_000,
  ...changes,
});
const lane = (changes: Partial<LaneView> = {}): LaneView => ({
  id: 'l1',
  engines: new Set(['null']),
  slots: 2,
  window: 4,
  ...changes,
});

describe('planDispatch', () => {
  it('gives higher priority first, then the older job, then the earlier step', () => {
    const cuts = planDispatch(
      [
        step({ key: 'young', submittedAt: 2, ready: 1 }),
        step({ key: 'late', submittedAt: 1, position: 1, ready: 1 }),
        step({ key: 'early', submittedAt: 1, ready: 1 }),
        step({ key: 'urgent', priority: 90, submittedAt: 9, ready: 1 }),
      ],
      [lane({ window: 3 })],
    );
    expect(cuts.map((cut) => cut.stepKey)).toEqual(['urgent', 'early', 'late']);
  });

  it('sizes chunks by the target time and makes them smaller towards the end', () => {
    const cuts = planDispatch([step({ ready: 1_000 })], [lane({ window: 100 })]);
    expect(cuts[0]?.frames).toBe(30);
    const sizes = cuts.map((cut) => cut.frames);
    expect(sizes.every((size, i) => i === 0 || size <= (sizes[i - 1] ?? 0))).toBe(true);
    expect(sizes.at(-1)).toBe(1);
  });

  it('begins with single frames until one has been measured', () => {
    const cuts = planDispatch([step({ secondsPerFrame: null })], [lane()]);
    expect(cuts.map((cut) => cut.frames)).toEqual([1, 1, 1, 1]);
  });

  it('keeps a fixed chunk, and gives a sequential step out one task at a time', () => {
    expect(planDispatch([step({ chunk: 40 })], [lane()]).map((cut) => cut.frames)).toEqual([40, 40, 20]);
    expect(planDispatch([step({ chunk: 'sequential' })], [lane()])).toEqual([
      { stepKey: '1', lane: 'l1', frames: 100 },
    ]);
    expect(planDispatch([step({ chunk: 'sequential', openTasks: 1 })], [lane()])).toEqual([]);
  });

  it('gives work only to lanes that have the engine, the emptiest first', () => {
    const lanes = [
      lane({ id: 'other', engines: new Set(['povray']) }),
      lane({ window: 1 }),
      lane({ id: 'l2', window: 2 }),
    ];
    expect(planDispatch([step({ chunk: 1 })], lanes).map((cut) => cut.lane)).toEqual(['l2', 'l1', 'l2']);
    expect(planDispatch([step({ engine: 'blender' })], lanes)).toEqual([]);
  });

  const engines = fc.constantFrom('a', 'b', 'c');
  const steps = fc.array(
    fc.record({
      engine: engines,
      priority: fc.integer({ min: 0, max: 100 }),
      submittedAt: fc.integer({ min: 0, max: 5 }),
      ready: fc.integer({ min: 0, max: 5_000 }),
      secondsPerFrame: fc.option(fc.double({ min: 0, max: 1_000, noNaN: true })),
      chunk: fc.oneof(
        fc.constant('auto' as const),
        fc.constant('sequential' as const),
        fc.integer({ min: 1, max: 500 }),
      ),
      maxFrames: fc.integer({ min: 1, max: 10_000 }),
    }),
    { maxLength: 8 },
  );
  const lanes = fc.array(
    fc.record({
      engines: fc.array(engines),
      slots: fc.integer({ min: 1, max: 64 }),
      window: fc.integer({ min: 0, max: 40 }),
    }),
    { maxLength: 4 },
  );

  it('never gives out a frame twice, never overfills a lane, and leaves no room unused while there is work', () => {
    fc.assert(
      fc.property(steps, lanes, (someSteps, someLanes) => {
        const views = someSteps.map((s, i) => step({ ...s, key: String(i), jobId: `j${i}` }));
        const laneViews = someLanes.map((l, i) => lane({ ...l, id: `l${i}`, engines: new Set(l.engines) }));
        const cuts = planDispatch(views, laneViews);
        for (const view of views) {
          const own = cuts.filter((cut) => cut.stepKey === view.key);
          expect(own.reduce((sum, cut) => sum + cut.frames, 0)).toBeLessThanOrEqual(view.ready);
          expect(own.every((cut) => cut.frames >= 1 && cut.frames <= view.maxFrames)).toBe(true);
        }
        for (const view of laneViews) {
          const own = cuts.filter((cut) => cut.lane === view.id);
          expect(own.length).toBeLessThanOrEqual(view.window);
          const offered = own.every((cut) => view.engines.has(views[Number(cut.stepKey)]?.engine ?? ''));
          expect(offered).toBe(true);
          if (own.length === view.window) continue;
          const left = views.filter(
            (s) =>
              view.engines.has(s.engine) &&
              s.chunk !== 'sequential' &&
              s.ready > cuts.filter((cut) => cut.stepKey === s.key).reduce((sum, cut) => sum + cut.frames, 0),
          );
          expect(left).toEqual([]);
        }
      }),
    );
  });
});
