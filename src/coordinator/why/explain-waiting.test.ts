import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noFrames } from '../../shared/domain/states.ts';
import { fits, type Ability } from '../planning/fitting.ts';
import type { Needs } from '../planning/snapshot.ts';
import { explainWaiting } from './explain-waiting.ts';
import { misfitReasons } from './fit-reasons.ts';
import type { WhyInput, WhyStep, WhyTask, WhyWorker } from './why-input.ts';
import { expected, listed, span } from './wording.ts';

const GIB = 1_073_741_824;
const NOW = Date.UTC(2026, 0, 15, 12);

const needs = (changes: Partial<Needs> = {}): Needs => ({
  engine: 'blender',
  engineVersion: null,
  versionRange: null,
  cores: null,
  memoryBytes: null,
  gpus: 0,
  tags: [],
  site: null,
  preferSite: null,
  roots: [],
  ...changes,
});
const step = (changes: Partial<WhyStep> = {}): WhyStep => ({
  key: '1',
  name: 'render',
  needs: needs(),
  path: '',
  licences: [],
  chunk: 'auto',
  total: 100,
  unwritten: 0,
  counts: { ...noFrames(), ready: 100 },
  secondsPerFrame: null,
  holdReason: null,
  retryAtMs: null,
  backOff: null,
  bigger: [],
  elsewhere: [],
  dependsOn: [],
  ...changes,
});
const ability = (changes: Partial<Ability> = {}): Ability => ({
  engines: new Map([['blender', '5.0.1']]),
  site: null,
  tags: new Set(),
  roots: new Set(),
  slots: 1,
  coresPerSlot: 16,
  memoryBytesPerSlot: 32 * GIB,
  gpus: 0,
  ...changes,
});
const worker = (id: string, changes: Partial<WhyWorker> = {}): WhyWorker => ({
  id,
  presence: 'working',
  pause: null,
  seenAtMs: NOW,
  group: 'g',
  ability: ability(),
  reserving: false,
  ...changes,
});
const task = (changes: Partial<WhyTask> = {}): WhyTask => ({
  jobId: 'other',
  stepKey: '9',
  project: 'film',
  owner: 'olga',
  engine: 'blender',
  licences: [],
  priority: 50,
  slots: 1,
  state: 'running',
  worker: 'w1',
  group: 'g',
  frames: 1,
  secondsPerFrame: 300,
  runningSeconds: 60,
  ...changes,
});
const input = (
  changes: Partial<Omit<WhyInput, 'job'>> & { job?: Partial<WhyInput['job']> } = {},
): WhyInput => ({
  nowMs: NOW,
  steps: [step()],
  workers: [],
  tasks: [],
  waiting: [],
  limits: [],
  shares: [],
  guarantees: [],
  leader: true,
  ...changes,
  job: {
    id: 'j',
    state: 'queued',
    error: null,
    project: 'default',
    owner: 'ann',
    priority: 50,
    notBeforeMs: null,
    limitRunning: null,
    preempt: false,
    dependsOn: [],
    ...changes.job,
  },
});
const summary = (changes: Parameters<typeof input>[0]): string => explainWaiting(input(changes)).summary;

describe('why frames wait', () => {
  it('counts who has what is needed and what they do instead, with the first slot as a range', () => {
    const explained = explainWaiting(
      input({
        steps: [step({ needs: needs({ versionRange: '>=5' }) })],
        workers: [
          worker('w1'),
          worker('w2'),
          worker('w3', { presence: 'paused', pause: { by: 'wrangler', reason: 'new driver', until: null } }),
          worker('w4', { ability: ability({ engines: new Map([['blender', '3.4.1']]) }) }),
        ],
        tasks: [task({ priority: 80 }), task({ priority: 80, worker: 'w2', runningSeconds: 30 })],
      }),
    );
    expect(explained.summary).toBe(
      'It needs blender ≥ 5; 3 workers have it: 2 busy with higher priority and 1 paused (w3: new driver); first slot expected in 4–6 min.',
    );
    expect(explained.firstSlotSeconds).toEqual({ min: 240, max: 362 });
    expect(explained.reasons[0]).toMatchObject({
      cause: 'priority',
      figures: { fitting: 3, working: 2, away: 1 },
    });
  });

  it('promises nothing that is not measured', () => {
    const explained = explainWaiting(
      input({ workers: [worker('w1')], tasks: [task({ priority: 80, secondsPerFrame: null })] }),
    );
    expect(explained.firstSlotSeconds).toBeNull();
    expect(explained.endSeconds).toBeNull();
  });

  it('adds the work that goes first to what is expected', () => {
    const { summary: text, firstSlotSeconds } = explainWaiting(
      input({
        workers: [worker('w1')],
        tasks: [task({ priority: 80 })],
        waiting: [{ engine: 'blender', priority: 80, jobs: 2, frames: 1_200, seconds: 36_000 }],
      }),
    );
    expect(text).toMatch(
      /1,200 waiting frames of 2 jobs with a higher priority go first\. To go before them: /,
    );
    expect(firstSlotSeconds?.min).toBe(36_240);
  });

  it('says what can be done when no worker is large enough', () => {
    const small = worker('w1', { ability: ability({ slots: 2, coresPerSlot: 8 }) });
    expect(summary({ steps: [step({ needs: needs({ cores: 64 }) })], workers: [small, worker('w2')] })).toBe(
      'It needs 64 cores for each task; the largest worker with blender has 16. It starts when such a worker joins, or resubmit with requires.cores=16.',
    );
    expect(
      summary({
        steps: [
          step({ name: 'a', counts: noFrames(), total: 0 }),
          step({ name: 'b', path: 'steps[1].', needs: needs({ gpus: 2 }) }),
        ],
        workers: [worker('w1', { ability: ability({ gpus: 1 }) })],
      }),
    ).toBe(
      'Step b needs 2 GPUs; no worker has more than 1. It starts when such a worker joins, or resubmit with steps[1].requires.gpus=1.',
    );
  });

  it('sees that each demand is met by some worker and all by none', () => {
    expect(
      summary({
        steps: [step({ needs: needs({ gpus: 1, site: 'oslo' }) })],
        workers: [
          worker('w1', { ability: ability({ gpus: 1 }) }),
          worker('w2', { ability: ability({ site: 'oslo' }) }),
        ],
      }),
    ).toMatch(/in one worker: 1 worker has 1 GPU and 1 worker has the site oslo, but none has all of it/);
  });

  it('names a version that is pinned and gone', () => {
    expect(
      summary({ steps: [step({ needs: needs({ engineVersion: '4.2.0' }) })], workers: [worker('w1')] }),
    ).toBe(
      'It is rendered with blender 4.2.0, which no worker has any more; there is 5.0.1 (1 worker). It goes on when a worker with that version joins, or resubmit the job to take another version.',
    );
  });

  it('tells frames that ran out of memory from the others', () => {
    const explained = explainWaiting(
      input({
        steps: [step({ bigger: [{ frames: 2, memoryBytes: 64 * GIB }] })],
        workers: [worker('w1')],
        tasks: [],
      }),
    );
    expect(explained.reasons.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^2 frames ran out of memory with less and now need 64 GiB/),
    );
  });

  it('tells frames that are not to come from the same worker again', () => {
    const kept = step({
      counts: { ...noFrames(), ready: 3, done: 97 },
      elsewhere: [{ frames: 3, worker: 'rn2' }],
    });
    const alone = explainWaiting(input({ steps: [kept], workers: [worker('rn2')], tasks: [] }));
    expect(alone.summary).toBe(
      '3 frames wait for another worker than rn2, which is the only one that can render them now and renders them again itself. ' +
        'A machine joins with ./farmhand invite here and ./farmhand worker there.',
    );
    const busy = explainWaiting(
      input({ steps: [kept], workers: [worker('w1'), worker('rn2')], tasks: [task({ worker: 'w1' })] }),
    );
    expect(busy.reasons.map(({ cause }) => cause)).toEqual(['another-worker', 'priority']);
    expect(busy.summary).toBe(
      '3 frames wait for another worker than rn2, whose results did not pass their checks; 1 other worker can render them and is busy (w1).',
    );
    const free = explainWaiting(input({ steps: [kept], workers: [worker('w1'), worker('rn2')], tasks: [] }));
    expect(free.reasons.map(({ cause }) => cause)).toEqual(['starting']);
  });

  it('quotes why frames are held, and what lets them go on', () => {
    expect(
      summary({
        job: { state: 'held' },
        steps: [
          step({
            counts: { ...noFrames(), held: 90, failed: 5 },
            holdReason: '5 frames failed alike: “no camera”.',
          }),
        ],
        workers: [worker('w1')],
      }),
    ).toBe(
      '90 frames are held: 5 frames failed alike: “no camera”. Let them go on with ./farmhand resume j, or end the job.',
    );
  });

  it('says when nobody gives out work, and when a licence comes back', () => {
    expect(summary({ leader: false, workers: [worker('w1')] })).toMatch(/^No coordinator gives out work/);
    expect(
      summary({
        workers: [worker('w1')],
        steps: [step({ licences: ['renderer'] })],
        tasks: [task({ licences: ['renderer'] })],
        limits: [
          { kind: 'licence', name: 'renderer', running: 8, lowered: { to: 1, untilMs: NOW + 40_000 } },
        ],
      }),
    ).toBe(
      'It needs the only licence of the pool renderer: lowered from 8 until 2026-01-15 12:00 UTC (in 40 s), since there was no licence left; 1 is out now (1 of other jobs). Change it with ./farmhand limits set licence renderer N.',
    );
  });

  it('expects the end between all slots that fit and those that it has', () => {
    const { endSeconds } = explainWaiting(
      input({
        steps: [step({ secondsPerFrame: 10, counts: { ...noFrames(), ready: 100 } })],
        workers: [worker('w1', { ability: ability({ slots: 4, coresPerSlot: 4 }) })],
      }),
    );
    expect(endSeconds).toEqual({ min: 250, max: 1_502 });
  });

  it('agrees with the planner: there are demands that nobody meets exactly when nobody fits', () => {
    const some = <T>(...values: T[]) => fc.constantFrom(...values);
    const anyNeeds = fc.record({
      engine: some('blender', 'povray'),
      engineVersion: some(null, '5.0.1', '3.4.1'),
      versionRange: some(null, '>=5', '<4'),
      cores: some<number | 'all' | null>(null, 4, 16, 64, 'all'),
      memoryBytes: some(null, 8 * GIB, 64 * GIB),
      gpus: some(0, 1, 2),
      tags: some<string[]>([], ['a'], ['a', 'b']),
      site: some(null, 'oslo', 'berlin'),
      preferSite: some(null, 'oslo'),
      roots: some<string[]>([], ['show'], ['show', 'lib']),
    });
    const anyAbility = fc.record({
      engines: some(
        new Map([['blender', '5.0.1']]),
        new Map([
          ['blender', '3.4.1'],
          ['povray', '3.7'],
        ]),
        new Map(),
      ),
      site: some(null, 'oslo'),
      tags: some(new Set<string>(), new Set(['a']), new Set(['a', 'b'])),
      roots: some(new Set<string>(), new Set(['show'])),
      slots: some(1, 4),
      coresPerSlot: some(1, 4, 16),
      memoryBytesPerSlot: some(4 * GIB, 16 * GIB),
      gpus: some(0, 1, 4),
    });
    fc.assert(
      fc.property(anyNeeds, fc.array(anyAbility, { minLength: 1, maxLength: 4 }), (wanted, abilities) => {
        const nobody = abilities.every((one) => !fits(wanted, one));
        const workers = abilities.map((one, i) => worker(`w${i}`, { ability: one }));
        const causes = explainWaiting(input({ steps: [step({ needs: wanted })], workers })).reasons.map(
          ({ cause }) => cause,
        );
        const misfits = ['engine', 'engine-version', 'cores', 'memory', 'gpus', 'tags', 'site', 'root'];
        expect(causes.some((cause) => misfits.includes(cause))).toBe(nobody);
        if (nobody) expect(misfitReasons({ name: 's', path: '', needs: wanted }, workers)).not.toEqual([]);
      }),
    );
  });
});

describe('wording', () => {
  it('says spans, ranges and lists as people do', () => {
    expect([0.2, 89, 300, 5_400, 100_000, 400_000].map(span)).toEqual([
      '1 s',
      '89 s',
      '5 min',
      '2 h',
      '28 h',
      '5 days',
    ]);
    expect(expected({ min: 240, max: 360 })).toBe('in 4–6 min');
    expect(expected({ min: 30, max: 300 })).toBe('in 30 s–5 min');
    expect(expected({ min: 300, max: 301 })).toBe('in about 5 min');
    expect(expected({ min: 0, max: 1 })).toBe('at any moment');
    expect(listed(['a', 'b', 'c', 'd', 'e', 'f'])).toBe('a, b, c, d and 2 more');
  });
});
