import { describe, expect, it } from 'vitest';
import { jobFacts, stepFacts } from './job-details-text.ts';
import type { StepDetails } from './job-details.ts';

const step = (changes: Partial<StepDetails> = {}): Omit<StepDetails, 'frames'> => ({
  name: 'comp',
  engine: 'blender',
  state: 'queued',
  dependsOn: [],
  requires: {
    engineVersion: null,
    cores: null,
    memoryBytes: null,
    gpus: 0,
    tags: [],
    site: null,
    preferSite: null,
  },
  engineVersion: '5.0.1',
  chunk: 'auto',
  targetSeconds: 30,
  licences: [],
  holdReason: null,
  ...changes,
});
const need = { job: null, step: 'render', kind: 'frame', offset: 0, window: 0 } as const;

describe('what is told of a step', () => {
  it('is nothing where all is as usual', () => {
    expect(stepFacts(step())).toEqual([]);
    expect(jobFacts({ limits: { running: null }, preempt: false, preview: null })).toEqual([]);
  });

  it.each([
    [{ ...need, kind: 'all' as const }, 'render'],
    [need, 'render, frame by frame'],
    [{ ...need, window: 1 }, 'render, frames n−1 to n+1 for frame n'],
    [{ ...need, offset: -2 }, 'render, frame n−2 for frame n'],
    [{ ...need, offset: 1, window: 1 }, 'render, frames n to n+2 for frame n'],
    [{ ...need, job: 'sim-1', kind: 'all' as const }, 'step render of job sim-1'],
  ])('says of %j what is waited for', (dependency, text) => {
    expect(stepFacts(step({ dependsOn: [dependency] }))).toEqual([{ label: 'after', text }]);
  });

  it('lists what a worker must have', () => {
    const requires = {
      engineVersion: '>=4.2 <6',
      cores: 1,
      memoryBytes: 8 * 2 ** 30,
      gpus: 2,
      tags: ['ssd', 'fast'],
      site: 'berlin',
      preferSite: null,
    };
    expect(stepFacts(step({ requires }))).toEqual([
      {
        label: 'needs',
        text: 'blender >=4.2 <6 · 1 core · 8 GiB of memory · 2 GPUs · tags ssd, fast · site berlin',
      },
    ]);
    expect(
      stepFacts(
        step({ requires: { ...step().requires, cores: 'all', tags: ['ssd'], preferSite: 'berlin' } }),
      ),
    ).toEqual([{ label: 'needs', text: 'a whole machine · tag ssd · site berlin if it has room' }]);
  });

  it.each([
    [{ chunk: 1 }, '1 frame a task'],
    [{ chunk: 250, targetSeconds: 5 }, '250 frames a task'],
    [{ chunk: 'sequential' as const }, 'in order on one slot'],
    [{ targetSeconds: 2.5 }, 'tasks of about 2.5 s'],
  ])('says of %j how its tasks are cut', (changes, text) => {
    expect(stepFacts(step(changes))).toEqual([{ label: 'chunk', text }]);
  });

  it('names licences, and why it is held', () => {
    expect(stepFacts(step({ licences: ['karma', 'nuke'], holdReason: 'Stopped.' }))).toEqual([
      { label: 'licences', text: 'karma, nuke' },
      { label: 'held', text: 'Stopped.' },
    ]);
  });
});

it('tells what was set for a whole job', () => {
  expect(jobFacts({ limits: { running: 1 }, preempt: true, preview: 'first-middle-last' })).toEqual([
    { label: 'limit', text: '1 frame at once' },
    { label: 'preempts', text: 'lower priorities make room' },
    { label: 'preview', text: 'first, middle and last frames first' },
  ]);
});
