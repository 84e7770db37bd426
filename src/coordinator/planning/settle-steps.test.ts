import { describe, expect, it } from 'vitest';
import { noFrames, type FrameCounts, type JobState } from '../../shared/domain/states.ts';
import { settleSteps, type SettlingStep } from './settle-steps.ts';

const step = (
  key: string,
  counts: Partial<FrameCounts>,
  dependsOn: string[] = [],
  changes: Partial<SettlingStep> = {},
): SettlingStep => ({
  key,
  name: key,
  state: 'queued',
  counts: { ...noFrames(), ...counts },
  expanded: true,
  entryState: dependsOn.length > 0 ? 'waiting' : 'ready',
  sweep: null,
  dependsOn,
  byFrame: [],
  frameWise: false,
  judging: false,
  waitsElsewhere: false,
  hasDependencies: dependsOn.length > 0,
  ...changes,
});
const states = (steps: { key: string; state: JobState }[]) =>
  Object.fromEntries(steps.map((s) => [s.key, s.state]));

describe('settleSteps', () => {
  it('releases a step when everything it waits for is complete, and not before', () => {
    const waiting = step('c', { waiting: 2 }, ['a', 'b']);
    expect(settleSteps([step('a', { done: 1 }), step('b', { running: 1 }), waiting], false).release).toEqual(
      [],
    );
    const settled = settleSteps([step('a', { done: 1 }), step('b', { done: 1 }), waiting], false);
    expect(settled.release).toEqual(['c']);
    expect(settled.job).toBe('running');
  });

  it('skips all that waits for a failed step, through every level, and says why', () => {
    const settled = settleSteps(
      [step('a', { failed: 1, done: 3 }), step('b', { waiting: 2 }, ['a']), step('c', { waiting: 2 }, ['b'])],
      false,
    );
    expect(settled.skip.map((skipped) => skipped.key)).toEqual(['b', 'c']);
    expect(settled.skip[0]?.reason).toContain('Step a');
    expect(states(settled.steps)).toEqual({ a: 'failed', b: 'failed', c: 'failed' });
    expect(settled.job).toBe('failed');
  });

  it('calls a job cancelled that somebody cancelled, whatever had failed before', () => {
    const settled = settleSteps(
      [step('a', { failed: 1, cancelled: 3 }), step('b', { waiting: 2 }, ['a']), step('c', { failed: 1 })],
      false,
    );
    expect(states(settled.steps)).toEqual({ a: 'cancelled', b: 'cancelled', c: 'failed' });
    expect(settled.job).toBe('cancelled');
  });

  it('counts as cancelled what a sweep has still to go over, and lets frames under way end first', () => {
    const cancelled = { sweep: 'cancel', entryState: 'cancelled', expanded: false } as const;
    const waiting = step('b', { waiting: 2 }, ['a'], { sweep: 'cancel' });
    const swept = settleSteps([step('a', { ready: 5, done: 1 }, [], cancelled), waiting], true);
    expect(states(swept.steps)).toEqual({ a: 'cancelled', b: 'cancelled' });
    expect(swept).toMatchObject({ job: 'cancelled', skip: [], release: [] });
    const underWay = step('a', { ready: 5, running: 1 }, [], { ...cancelled, state: 'running' });
    expect(settleSteps([underWay, waiting], true).job).toBe('running');
  });

  it('goes on with what a sweep has still to bring back', () => {
    const revived = step('a', { cancelled: 9 }, [], { sweep: 'revive', state: 'cancelled' });
    expect(settleSteps([revived], false).job).toBe('queued');
  });

  it('completes a step of which somebody skipped every frame, but not one whose dependency broke', () => {
    expect(settleSteps([step('a', { skipped: 2 })], false).job).toBe('completed');
    expect(settleSteps([step('a', { skipped: 2 }, [], { entryState: 'skipped' })], false).job).toBe(
      'cancelled',
    );
  });

  it('waits for the rest of a step that is still being expanded', () => {
    const settled = settleSteps([step('a', { done: 10 }, [], { expanded: false })], false);
    expect(settled.job).toBe('running');
  });

  it('completes a job only when every step is complete', () => {
    expect(settleSteps([step('a', { done: 1 }), step('b', { done: 1 }, ['a'])], false).job).toBe('completed');
    expect(settleSteps([step('a', { done: 1 }), step('b', { ready: 1 })], true).job).toBe('paused');
  });
});
