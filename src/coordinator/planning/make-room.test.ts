import { describe, expect, it } from 'vitest';
import { group, needs, snapshot, step, task, worker } from '../../../test/support/snapshots.ts';
import { planMakeRoom } from './make-room.ts';
import { planRound } from './plan-round.ts';
import type { Snapshot, StepView, TaskView } from './snapshot.ts';

const work = (key: string, changes: Partial<StepView> = {}): StepView =>
  step({ key, ready: 10, chunk: 1, ...changes });
const waiting = (key: string, changes: Partial<TaskView> = {}): TaskView =>
  task({ key, stepKey: 'low', priority: 10, state: 'queued', worker: null, ...changes });
/** A worker that is busy, before which tasks wait. */
const lane = (window: number) => group({ window, workers: [worker('w', { freeSlots: 0 })] });

const low = work('low', { priority: 10 });
const made = (changes: Partial<Snapshot>): string[] =>
  planMakeRoom(
    snapshot({
      steps: [low],
      groups: [lane(0)],
      tasks: [waiting('t1'), waiting('t2'), waiting('t3')],
      ...changes,
    }),
    planRound,
  ).sort();

describe('making room in full lanes', () => {
  it('takes back as many tasks as there is work of higher priority for', () => {
    expect(made({ steps: [work('high', { priority: 90, ready: 2 }), low] })).toHaveLength(2);
    expect(made({ steps: [work('high', { priority: 90, ready: 20 }), low] })).toEqual(['t1', 't2', 't3']);
  });

  it('takes back nothing for work of the same or a lower priority', () => {
    expect(made({ steps: [work('other', { priority: 10 }), low] })).toEqual([]);
    expect(made({})).toEqual([]);
  });

  it('takes back nothing while the lane has room', () => {
    expect(made({ steps: [work('high', { priority: 90, ready: 2 }), low], groups: [lane(2)] })).toEqual([]);
  });

  it('takes back nothing for work that a limit or a requirement keeps from running', () => {
    const limited = {
      limits: [{ kind: 'project' as const, name: 'full', running: 0 }],
      shares: [],
      guarantees: [],
    };
    expect(made({ steps: [work('high', { priority: 90, project: 'full' }), low], rules: limited })).toEqual(
      [],
    );
    const elsewhere = work('high', { priority: 90, needs: needs({ site: 'berlin' }) });
    expect(made({ steps: [elsewhere, low] })).toEqual([]);
  });

  it('leaves alone what runs, what waits for one worker, and what is about to be taken', () => {
    const tasks = [
      waiting('running', { state: 'running', worker: 'w' }),
      waiting('home', { worker: 'w' }),
      waiting('young', { ageMs: 10 }),
    ];
    expect(made({ steps: [work('high', { priority: 90 }), low], tasks })).toEqual([]);
  });

  it('takes back the lowest priority first', () => {
    const tasks = [waiting('middle', { priority: 40 }), waiting('lowest', { priority: 5 })];
    expect(made({ steps: [work('high', { priority: 90, ready: 1 }), low], tasks })).toEqual(['lowest']);
  });
});
