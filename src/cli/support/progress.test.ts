import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Output } from './output.ts';
import { Progress, formatBar } from './progress.ts';
import { formatBytes } from './table.ts';

function capture(isTTY: boolean): { progress: Progress; text: () => string } {
  const stderr = Object.assign(new PassThrough(), { isTTY, columns: 100 });
  const out = new Output(false, new PassThrough(), stderr);
  return { progress: new Progress(out), text: () => (stderr.read() as Buffer | null)?.toString() ?? '' };
}

describe('Progress', () => {
  it('writes a line at each quarter where nothing can be redrawn', () => {
    const { progress, text } = capture(false);
    for (let done = 0; done <= 100; done++)
      progress.update('a', { label: 'title', done, total: 100, note: 'running' });
    const lines = text().trim().split('\n');
    expect(lines).toEqual([0, 25, 50, 75, 100].map((done) => `title: ${done}/100 running`));
  });

  it('writes a line when the note changes, whatever the number', () => {
    const { progress, text } = capture(false);
    progress.update('a', { label: 'title', done: 3, total: 100, note: 'running' });
    progress.update('a', { label: 'title', done: 4, total: 100, note: 'failed' });
    expect(text()).toBe('title: 3/100 running\ntitle: 4/100 failed\n');
  });

  it('redraws all bars in place on a terminal', () => {
    const { progress, text } = capture(true);
    progress.update('a', { label: 'one', done: 0, total: 2 });
    progress.update('b', { label: 'two', done: 0, total: 2 });
    text();
    progress.update('a', { label: 'one', done: 1, total: 2 });
    const drawn = text();
    expect(drawn.startsWith('\u001b[2A\u001b[0J')).toBe(true);
    expect(drawn.match(/\n/g)).toHaveLength(2);
  });

  it('cannot be made to steer the terminal by a name', () => {
    expect(formatBar({ label: 'a\u001b[2Jb', done: 1, total: 2 })).not.toContain('\u001b');
  });

  it('fills the bar by the fraction, and an empty total leaves it empty', () => {
    expect(formatBar({ label: 'x', done: 1, total: 2 }).match(/█/g)).toHaveLength(12);
    expect(formatBar({ label: 'x', done: 0, total: 0 })).not.toContain('█');
    expect(formatBar({ label: 'x', done: 1e6, total: 2e6, format: formatBytes })).toContain('1.0 MB/2.0 MB');
  });
});
