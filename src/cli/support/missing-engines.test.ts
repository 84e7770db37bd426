import { expect, it } from 'vitest';
import type { JobSummary } from '../../shared/contracts/messages.ts';
import { noFrames } from '../../shared/domain/states.ts';
import { missingEnginesText } from './missing-engines.ts';

const step = (name: string, engine: string, counts: Partial<JobSummary['frames']>) => ({
  name,
  engine,
  state: 'queued' as const,
  frames: { ...noFrames(), total: 1, ...counts },
});
const job = (...steps: JobSummary['steps']): JobSummary => ({
  id: 'j',
  name: 'x',
  owner: 'o',
  project: 'p',
  labels: {},
  priority: 50,
  state: 'running',
  frames: { ...noFrames(), total: 1 },
  steps,
  error: null,
  submittedAt: '2026-01-01T00:00:00Z',
  startedAt: null,
  finishedAt: null,
  deliveredAt: null,
});

it('names each engine that no worker has, the steps that wait for it, and how to get it', () => {
  const text = missingEnginesText(
    job(
      step('a', 'ffmpeg', { ready: 1 }),
      step('b', 'ffmpeg', { waiting: 1 }),
      step('c', 'lottie', { ready: 1 }),
    ),
    new Set(['lottie']),
  );
  expect(text).toBe(
    'No worker has ffmpeg: a, b wait until one does (get it: ./farmhand engines install ffmpeg).',
  );
});

it('says nothing of steps that have ended', () => {
  expect(missingEnginesText(job(step('a', 'blender', { done: 1 })), new Set())).toBe('');
});
