import { describe, expect, it } from 'vitest';
import { decisionQuestion, groupReasons } from './decision-text.ts';

const frames = (failed: number) => ({
  frames: {
    total: 10,
    waiting: 0,
    ready: 0,
    queued: 0,
    running: 0,
    done: 10 - failed,
    failed,
    held: 0,
    skipped: 0,
    cancelled: 0,
  },
});

describe('groupReasons', () => {
  it('puts frames together that wait for the same reason', () => {
    const one = (step: string, number: number, reason: string | null) => ({
      step,
      number,
      generation: 1,
      reason,
    });
    expect(
      groupReasons([
        one('render', 4, 'Waits for a decision: It is black.'),
        one('render', 5, 'Waits for a decision: It is black.'),
        one('comp', 5, 'Waits for a decision: It is black.'),
        one('comp', 6, null),
      ]),
    ).toEqual([
      { step: 'render', reason: 'It is black.', frames: [4, 5] },
      { step: 'comp', reason: 'It is black.', frames: [5] },
      { step: 'comp', reason: 'No reason was told.', frames: [6] },
    ]);
  });
});

describe('decisionQuestion', () => {
  it('sends only what was chosen', () => {
    expect(decisionQuestion(frames(0), 'accept', { note: '' }).body).toEqual({});
    expect(decisionQuestion(frames(0), 'skip', { frames: '4', step: 'render', note: 'cut' }).body).toEqual({
      frames: '4',
      step: 'render',
      note: 'cut',
    });
  });

  it('says that failed frames are meant too, where they are', () => {
    expect(decisionQuestion(frames(2), 'retry', { note: '' }).more).toMatch(/failed are among/);
    expect(decisionQuestion(frames(2), 'accept', { note: '' }).more).toBeUndefined();
    expect(decisionQuestion(frames(2), 'retry', { note: '', frames: '4', step: 'a' }).more).toBeUndefined();
    expect(decisionQuestion(frames(0), 'skip', { note: '' }).more).toBeUndefined();
  });
});
