import { describe, expect, it } from 'vitest';
import { FAILURE_KINDS } from '../contracts/failure-api.ts';
import { adviceFor, FAILURE_KNOWLEDGE, type FailureFacts } from './failure-advice.ts';

const facts = (change: Partial<FailureFacts> = {}): FailureFacts => ({
  kind: 'engine-crash',
  message: 'Segmentation fault',
  attempts: 9,
  jobs: 1,
  workers: 1,
  worker: 'w7',
  ...change,
});

describe('whose fault failures look like', () => {
  it.each([
    ['one worker with many jobs', { jobs: 4 }, 'worker', /Only w7 fails so, with 4 jobs/],
    ['one job on many workers', { workers: 5 }, 'scene', /One job fails so on 5 workers/],
    ['many jobs on many workers', { jobs: 4, workers: 5 }, 'farm', /4 jobs fail so on 5 workers/],
    ['one of each', {}, 'unclear', /too little to be sure/],
    ['once', { attempts: 1 }, 'unclear', /Seen once/],
    ['a licence, whoever lacked it', { kind: 'licence', jobs: 4 }, 'farm', /share/],
    [
      'scripts, wherever they were found',
      { kind: 'untrusted-scripts', workers: 1, jobs: 3 },
      'scene',
      /scene/,
    ],
    ['a file missing on one worker only', { kind: 'missing-asset', jobs: 3 }, 'worker', /Only w7/],
  ] as const)('%s', (_what, change, fault, why) => {
    const advice = adviceFor(facts(change));
    expect(advice.fault).toBe(fault);
    expect(advice.why).toMatch(why);
  });

  it('says by the words of a message what its class does not', () => {
    expect(adviceFor(facts({ message: 'write failed: No space left on device' }))).toMatchObject({
      title: 'A disk is full',
      remedy: expect.stringMatching(/^Free the disk/) as string,
    });
    expect(adviceFor(facts({ message: 'CUDA error: out of memory in …' })).title).toMatch(/graphics card/);
  });

  it('has a title and one remedy for every kind, whoever is at fault', () => {
    for (const kind of FAILURE_KINDS) {
      expect(FAILURE_KNOWLEDGE[kind].title).not.toBe('');
      for (const [jobs, workers] of [
        [1, 1],
        [1, 9],
        [9, 1],
        [9, 9],
      ] as const) {
        const { remedy, title } = adviceFor(facts({ kind, jobs, workers, message: '' }));
        expect(title.length).toBeLessThan(70);
        expect(remedy).toMatch(/^[A-Z].*[^.]\.$/);
      }
    }
  });
});
