import { describe, expect, it } from 'vitest';
import type { FrameChange, JobSummary } from '../../shared/contracts/messages.ts';
import { noFrames, type FrameState, type JobState } from '../../shared/domain/states.ts';
import { NO_MARK, noticeEvents, toFarmEvent, type JobMark } from './notice-events.ts';
import { StreamEvents } from './stream-events.ts';

const AT = '2026-01-01T10:00:00.000Z';
const ENDED = '2026-01-01T09:59:59.000Z';

function jobIn(state: JobState, more: Partial<JobSummary> = {}, frames = {}): JobSummary {
  return {
    id: 'j1',
    name: 'shot',
    owner: 'ann',
    project: 'film',
    labels: {},
    priority: 50,
    state,
    frames: { total: 10, ...noFrames(), ...frames },
    steps: [],
    error: null,
    submittedAt: AT,
    startedAt: null,
    finishedAt: null,
    deliveredAt: null,
    ...more,
  };
}

const change = (number: number, state: FrameState): FrameChange => ({
  step: 'render',
  number,
  state,
  generation: 1,
  worker: 'w1',
  seconds: null,
  error: 'broke',
});

/** Types of the events of several words, one after the other. */
function heard(words: { job: JobSummary; frames?: FrameChange[] | null }[]): string[][] {
  let mark: JobMark = NO_MARK;
  return words.map(({ job, frames = [] }) => {
    const noticed = noticeEvents({ job, frames }, mark, AT);
    mark = noticed.mark;
    return noticed.events.map(({ type }) => type);
  });
}

describe('noticeEvents', () => {
  it.each([
    ['failed', ['job.failed']],
    ['cancelled', ['job.cancelled']],
    ['completed', ['job.completed']],
  ] as const)('finds that a job has %s', (state, types) => {
    expect(heard([{ job: jobIn(state, { finishedAt: ENDED }) }])).toEqual([types]);
  });

  it('finds the delivery, at its own time', () => {
    const job = jobIn('completed', { finishedAt: ENDED, deliveredAt: AT });
    const { events } = noticeEvents({ job, frames: [] }, NO_MARK, '2026-01-01T11:00:00.000Z');
    expect(events.map(({ type, at }) => [type, at])).toEqual([
      ['job.completed', ENDED],
      ['job.delivered', AT],
    ]);
  });

  it('says once that a job is held, and again when it is held again', () => {
    const held = { job: jobIn('held', {}, { held: 2 }) };
    const on = { job: jobIn('running') };
    expect(heard([held, held, on, held])).toEqual([['job.held'], [], [], ['job.held']]);
  });

  it('names frames that failed or are held', () => {
    const job = jobIn('running', {}, { failed: 1, held: 1 });
    const frames = [change(1, 'failed'), change(2, 'held'), change(3, 'done')];
    const { events } = noticeEvents({ job, frames }, NO_MARK, AT);
    expect(events.map(({ type, frames: found }) => [type, found?.count, found?.listed?.[0]?.number])).toEqual(
      [
        ['frame.failed', 1, 1],
        ['frame.held', 1, 2],
      ],
    );
  });

  it('counts them where they were too many to be told, and only those that are new', () => {
    const failed = (n: number) => ({ job: jobIn('running', {}, { failed: n }), frames: null });
    expect(heard([failed(5_000), failed(5_000), failed(6_000), failed(4_000)])).toEqual([
      ['frame.failed'],
      [],
      ['frame.failed'],
      [],
    ]);
  });

  it('lists a hundred of them at most', () => {
    const frames = Array.from({ length: 500 }, (_, n) => change(n, 'failed'));
    const { events } = noticeEvents({ job: jobIn('running'), frames }, NO_MARK, AT);
    expect(events[0]?.frames).toMatchObject({ count: 500 });
    expect(events[0]?.frames?.listed).toHaveLength(100);
  });
});

it('a body stays small, whatever the job', () => {
  const labels = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`label-${n}`, 'x'.repeat(200)]));
  const job = jobIn('completed', { finishedAt: ENDED, labels, error: 'x'.repeat(4_000) });
  const [event] = noticeEvents({ job, frames: [] }, NO_MARK, AT).events;
  if (!event) throw new Error('there is an event');
  const body = JSON.stringify(toFarmEvent(event));
  expect(body.length).toBeLessThan(65_536);
  expect(JSON.parse(body)).not.toHaveProperty('data.job.steps');
});

it('a held job says how it is answered', () => {
  const [event] = noticeEvents({ job: jobIn('held', {}, { held: 1 }), frames: [] }, NO_MARK, AT).events;
  if (!event) throw new Error('there is an event');
  expect(toFarmEvent(event).data.decide).toEqual({
    path: '/api/jobs/j1/{verb}',
    verbs: ['accept', 'retry', 'skip', 'resume'],
  });
});

describe('the events of a stream', () => {
  const status = (job: JobSummary) => ({ type: 'job' as const, job, frames: [] });
  const types = (stream: StreamEvents, job: JobSummary) =>
    stream.of(status(job), new Date(AT)).map(({ type }) => type);

  it('tell an end once, and a later end again', () => {
    const stream = new StreamEvents([]);
    const ended = jobIn('failed', { finishedAt: ENDED });
    expect(types(stream, ended)).toEqual(['job.changed', 'job.failed']);
    expect(types(stream, ended)).toEqual(['job.changed']);
    expect(types(stream, jobIn('failed', { finishedAt: AT }))).toEqual(['job.changed', 'job.failed']);
  });

  it('are those that were asked for', () => {
    const stream = new StreamEvents(['job.failed', 'job.control']);
    expect(types(stream, jobIn('failed', { finishedAt: ENDED }))).toEqual(['job.failed']);
    const control = { type: 'control', requestId: 'r1', ok: true, message: 'Paused.' } as const;
    expect(stream.of(control, new Date(AT))).toEqual([
      { type: 'job.control', timestamp: AT, data: { requestId: 'r1', ok: true, message: 'Paused.' } },
    ]);
  });
});
