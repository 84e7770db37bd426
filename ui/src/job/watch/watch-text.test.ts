import { describe, expect, it } from 'vitest';
import { endBody, isNews, pageTitle } from './watch-text.ts';

const frames = {
  total: 240,
  waiting: 0,
  ready: 0,
  queued: 0,
  running: 0,
  done: 100,
  failed: 3,
  held: 0,
  skipped: 0,
  cancelled: 0,
};

describe('what is told of a watched job', () => {
  it('is its end, or that it waits for a person, once', () => {
    expect(isNews('running', 'completed')).toBe(true);
    expect(isNews('running', 'held')).toBe(true);
    expect(isNews('completed', 'completed')).toBe(false);
    expect(isNews(undefined, 'completed')).toBe(false);
    expect(isNews('paused', 'running')).toBe(false);
  });

  it('says how far it came and why it failed', () => {
    expect(endBody({ frames, error: 'out of memory', state: 'failed' })).toBe(
      '100 of 240 frames done. out of memory',
    );
    expect(endBody({ frames, error: null, state: 'completed' })).toBe('100 of 240 frames done.');
  });

  it('stands in the title of the page', () => {
    expect(pageTitle({ name: 'Shot', state: 'running', frames })).toBe('41 % · Shot · Farmhand');
    expect(pageTitle({ name: 'Shot', state: 'failed', frames })).toBe('Failed · Shot · Farmhand');
  });
});
