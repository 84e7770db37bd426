import { describe, expect, it } from 'vitest';
import { controlFieldIssues } from './control-fields.ts';
import { controlSentence } from './control-sentence.ts';

describe('controlSentence', () => {
  it('tells running, queued and not begun apart, of one job and of several', () => {
    expect(controlSentence('would', { verb: 'cancel' }, { running: 214 }, 3)).toBe(
      'Cancels 214 running frames of 3 jobs.',
    );
    expect(controlSentence('did', { verb: 'cancel' }, { running: 1, queued: 2, notBegun: 1_000 })).toBe(
      'Cancelled 1 running frame, 2 queued and 1,000 that have not begun.',
    );
    expect(controlSentence('would', { verb: 'cancel', drain: true }, { running: 2, notBegun: 1 })).toBe(
      'Cancels 1 frame that has not begun; 2 running frames are finished first.',
    );
    expect(controlSentence('did', { verb: 'cancel', drain: true }, { running: 1 }, 2)).toBe(
      'Cancelled the rest of 2 jobs; 1 running frame is finished first.',
    );
  });

  it.each([
    [
      { verb: 'pause' },
      { running: 1, queued: 2, notBegun: 3 },
      1,
      'Pauses the job: 1 running frame is finished first, 2 queued frames are taken back and 3 frames wait.',
    ],
    [{ verb: 'resume' }, { cancelled: 20 }, 1, 'Goes on with the job: 20 cancelled frames come back.'],
    [
      { verb: 'retry' },
      { again: 2, madeFromThem: 1 },
      1,
      'Renders 2 frames again, and the result made from them.',
    ],
    [{ verb: 'skip' }, { failed: 2, left: 1 }, 1, 'Skips 2 failed frames; 1 running frame goes on.'],
    [
      { verb: 'add-frames' },
      { added: 5, present: 1 },
      1,
      'Adds 5 frames; 1 of those asked for was there already.',
    ],
    [
      { verb: 'priority', priority: 90 },
      { notBegun: 7 },
      2,
      'Sets the priority of 2 jobs to 90; it acts on 7 frames that have not begun.',
    ],
    [{ verb: 'chunk', chunk: 4 }, { steps: 2 }, 1, 'Sets chunks of 4 frames for 2 steps.'],
    [
      { verb: 'chunk', chunk: 'auto', targetSeconds: 60, step: 'render' },
      { steps: 1 },
      1,
      'Sets auto chunks and a target of 60 s a chunk for step render.',
    ],
    [{ verb: 'limits', running: 4 }, {}, 2, 'Lets at most 4 frames of each of 2 jobs run at once.'],
    [{ verb: 'limits', running: null }, {}, 1, 'Lets any number of frames of the job run at once.'],
    [{ verb: 'note' }, {}, 1, 'Adds a note to the job.'],
    [{ verb: 'resubmit' }, { steps: 1, frames: 20 }, 1, 'Submits the job again as new: 1 step, 20 frames.'],
  ] as const)('says what %j would do', (asked, figures, jobs, sentence) => {
    expect(controlSentence('would', asked, figures, jobs)).toBe(sentence);
  });
});

describe('controlFieldIssues', () => {
  it.each([
    ['pause', { frames: '1' }, 'frames', 'nothing: only retry, skip, accept, add-frames take it'],
    ['cancel', { note: 'x' }, 'note', 'nothing: only retry, skip, accept, note take it'],
    ['priority', {}, 'priority', 'a whole number from 0 to 100'],
    ['add-frames', {}, 'frames', 'a frame range such as 1-100'],
    [
      'chunk',
      { step: 'render' },
      'chunk',
      'chunk ("auto", "sequential" or a number of frames) or targetSeconds (seconds)',
    ],
    ['limits', {}, 'running', 'how many frames may run at once, or null for no limit'],
  ] as const)('finds what is wrong with %s and %j', (verb, fields, path, expected) => {
    expect(controlFieldIssues(verb, fields)).toMatchObject([{ path, expected }]);
  });

  it('takes what belongs to the verb; null is a limit, too', () => {
    expect(controlFieldIssues('limits', { running: null })).toEqual([]);
    expect(controlFieldIssues('cancel', { drain: true })).toEqual([]);
    expect(controlFieldIssues('retry', { frames: '1-3', step: 'render' })).toEqual([]);
  });
});
