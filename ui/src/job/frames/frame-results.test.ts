import { describe, expect, it } from 'vitest';
import type { Frame } from '../../../../src/shared/contracts/api.ts';
import type { FrameQualityPage } from '../../../../src/shared/contracts/quality-api.ts';
import { frameResults } from './frame-results.ts';

type Judged = FrameQualityPage['attempts'][number];

const judged = (fields: Partial<Judged>): Judged => ({
  generation: 1,
  attempt: 'a1',
  worker: 'w1',
  verdict: 'fail',
  findings: [{ check: 'blank', verdict: 'fail', message: 'It is black.', value: 0, threshold: 0 }],
  pixels: null,
  key: 'results/1.png',
  url: 'http://s3/1.png',
  at: '2026-01-01T00:00:00Z',
  decision: 'rendered-again',
  by: 'farmhand',
  note: null,
  decidedAt: null,
  differs: null,
  ...fields,
});
const page = (attempts: Judged[]): FrameQualityPage => ({
  step: 'render',
  frame: 4,
  generation: 2,
  state: 'done',
  verdict: 'pass',
  findings: [],
  measures: null,
  attempts,
});
const frame = (key: string | null): Frame => ({
  step: 'render',
  frame: 4,
  state: 'done',
  generation: 2,
  attempt: 1,
  worker: 'w2',
  seconds: 1,
  peakMemoryBytes: null,
  bytes: 1,
  sha256: null,
  key,
  outputs: [],
  warnings: [],
  error: null,
  verdict: 'pass',
  findings: [],
  definition: null,
});

describe('frameResults', () => {
  it('lays what the frame has now beside what it had before', () => {
    const results = frameResults(page([judged({})]), frame('results/2.png'), '/image');
    expect(results).toMatchObject([
      {
        name: 'Result 1',
        worker: 'w1',
        verdict: 'fail',
        findings: ['It is black.'],
        decision: 'Rendered again by farmhand',
        url: 'http://s3/1.png',
      },
      { name: 'Now', worker: 'w2', verdict: 'pass', findings: [], url: '/image' },
    ]);
  });

  it('has a result once that was decided about and stayed', () => {
    const accepted = judged({ verdict: 'hold', decision: 'accepted', by: 'ada', note: 'wanted' });
    expect(frameResults(page([accepted]), frame('results/1.png'), '/image')).toMatchObject([
      { name: 'Now', decision: 'Accepted by ada: wanted' },
    ]);
  });

  it('has none of now while the frame is rendered again', () => {
    expect(frameResults(page([judged({})]), frame(null), null).map(({ name }) => name)).toEqual(['Result 1']);
  });

  it('says that another worker made it otherwise', () => {
    const differs = { worker: 'w2', attempt: 'a2', difference: 0.254 };
    const [first] = frameResults(page([judged({ differs })]), frame(null), null);
    expect(first?.differs).toContain('w2 made it otherwise: they differ by 25 %');
  });
});
