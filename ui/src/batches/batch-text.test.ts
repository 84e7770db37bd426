import { describe, expect, it } from 'vitest';
import type { BatchSummary } from '../../../src/shared/contracts/batch.ts';
import { batchLook, batchPercent, batchSentence, cancelText, refusalText } from './batch-text.ts';

const batch = (changed: Partial<BatchSummary>): BatchSummary => ({
  id: 'b1',
  name: 'Evenings',
  owner: 'ana',
  project: 'default',
  template: 'title-card@1',
  encode: null,
  state: 'expanded',
  error: null,
  rows: { total: 10, accepted: 9, refused: 1 },
  jobs: { completed: 6, failed: 1, running: 2 },
  ended: false,
  createdAt: '2026-01-01T00:00:00.000Z',
  ...changed,
});

describe('a batch in words', () => {
  it('counts rows by what came of them', () => {
    expect(batchSentence(batch({}))).toBe('6 of 10 rows completed, 1 failed, 2 running, 1 refused');
    expect(batchSentence(batch({ rows: { total: null, accepted: 1, refused: 0 }, jobs: {} }))).toBe(
      '0 of 1 row completed',
    );
  });

  it('is at 100 % only when every row has ended or was refused', () => {
    expect(batchPercent(batch({}))).toBe(80);
    expect(batchPercent(batch({ jobs: { completed: 9 } }))).toBe(100);
    expect(batchPercent(batch({ rows: { total: null, accepted: 5, refused: 0 } }))).toBe(0);
  });

  it('is completed only when all rows were taken and are complete', () => {
    expect(batchLook(batch({})).word).toBe('Rendering');
    expect(batchLook(batch({ ended: true })).word).toBe('Ended with failures');
    const whole = { rows: { total: 9, accepted: 9, refused: 0 }, jobs: { completed: 9 }, ended: true };
    expect(batchLook(batch(whole)).word).toBe('Completed');
    expect(batchLook(batch({ ...whole, state: 'cancelled' })).word).toBe('Cancelled');
  });

  it('says what cancelling does', () => {
    expect(cancelText(batch({}))).toBe(
      'No more rows are taken, and 2 jobs will be cancelled. 7 jobs that have ended stay as they are.',
    );
  });

  it('says all that is wrong with a row', () => {
    const errors = [
      { path: '/title', value: 'nothing', expected: 'a value' },
      { path: '', value: '3 cells', expected: '2' },
    ];
    expect(refusalText({ row: 1, line: 2, errors })).toBe(
      '/title: nothing; expected a value. 3 cells; expected 2',
    );
  });
});
