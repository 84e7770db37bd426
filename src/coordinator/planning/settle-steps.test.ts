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
  entryState: dependsOn.length > 0 ? 'waiting' : 'other',
  dependsOn,
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

  it('waits for the rest of a step that is still being expanded', () => {
    const settled = settleSteps([step('a', { done: 10 }, [], { expanded: false })], false);
    expect(settled.job).toBe('running');
  });

  it('completes a job only when every step is complete', () => {
    expect(settleSteps([step('a', { done: 1 }), step('b', { done: 1 }, ['a'])], false).job).toBe('completed');
    expect(settleSteps([step('a', { done: 1 }), step('b', { ready: 1 })], true).job).toBe('paused');
  });
});
