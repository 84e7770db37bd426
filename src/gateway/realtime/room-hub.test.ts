import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FrameChange, JobSummary } from '../../shared/contracts/messages.ts';
import type { RoomPatch } from '../../shared/contracts/realtime.ts';
import { patches } from './patch-body.ts';
import { HIDDEN_EVERY_MS, RoomHub } from './room-hub.ts';

const frame = (number: number, state: FrameChange['state']): FrameChange => ({
  step: 'render',
  number,
  state,
  generation: 1,
  worker: null,
  seconds: null,
  error: null,
});
const job = (id: string, name: string): JobSummary => ({ id, name }) as JobSummary;

function hubWith(room: string, ...ids: string[]): RoomHub {
  const hub = new RoomHub('e1');
  for (const id of ids) {
    hub.addMember(id);
    const subscription = hub.subscribe(id, room);
    if (subscription) hub.activate(id, room, subscription);
  }
  return hub;
}

const only = (batches: Map<string, RoomPatch[]>, id: string): RoomPatch => {
  const batch = batches.get(id) ?? [];
  expect(batch).toHaveLength(1);
  const [patch] = batch;
  if (!patch) throw new Error('a batch holds a patch');
  return patch;
};

describe('RoomHub', () => {
  it('tells only those who watch the room', () => {
    const hub = hubWith('job:a', 'one');
    hub.addMember('two');
    hub.publish('job:a', patches.job(job('a', 'A')));
    hub.publish('job:b', patches.job(job('b', 'B')));
    const batches = hub.collect(0);
    expect([...batches.keys()]).toEqual(['one']);
    expect(only(batches, 'one')).toMatchObject({ room: 'job:a', epoch: 'e1', seq: 1, job: { name: 'A' } });
    expect(hub.isDirty).toBe(false);
  });

  it('has one batch under way a socket and merges meanwhile, the newest word winning', () => {
    const hub = hubWith('job:a', 'slow', 'quick');
    hub.publish('job:a', patches.frames([frame(1, 'running')]));
    hub.collect(0);
    hub.acknowledged('quick');
    hub.publish('job:a', patches.frames([frame(1, 'failed'), frame(2, 'running')]));
    expect(hub.collect(100).has('slow')).toBe(false);
    hub.acknowledged('quick');
    hub.publish('job:a', patches.frames([frame(1, 'done')]));
    expect(only(hub.collect(200), 'quick')).toMatchObject({ seq: 3 });
    hub.acknowledged('slow');
    const patch = only(hub.collect(300), 'slow');
    expect(patch.seq).toBe(2);
    expect(patch.frames).toEqual([frame(1, 'done'), frame(2, 'running')]);
  });

  it('gathers changes from before the snapshot on, and tells them after it', () => {
    const hub = new RoomHub('e1');
    hub.addMember('one');
    const subscription = hub.subscribe('one', 'jobs');
    hub.publish('jobs', patches.jobs([job('a', 'A')]));
    expect(hub.collect(0).size).toBe(0);
    expect(subscription && hub.activate('one', 'jobs', subscription)).toBe(true);
    expect(only(hub.collect(100), 'one')).toMatchObject({ seq: 1, jobs: [{ id: 'a' }] });
  });

  it('does not activate a subscription that was replaced or left meanwhile', () => {
    const hub = new RoomHub('e1');
    hub.addMember('one');
    const first = hub.subscribe('one', 'jobs');
    const second = hub.subscribe('one', 'jobs');
    if (!first || !second) throw new Error('a member can subscribe');
    expect(hub.activate('one', 'jobs', first)).toBe(false);
    expect(hub.activate('one', 'jobs', second)).toBe(true);
    expect(hub.unsubscribe('one', 'jobs')).toBe(true);
    expect(hub.activate('one', 'jobs', second)).toBe(false);
  });

  it('asks for a new snapshot after a break, under a new epoch', () => {
    const hub = hubWith('jobs', 'one');
    hub.publish('jobs', patches.jobs([job('a', 'A')]));
    hub.renew('e2');
    expect(only(hub.collect(0), 'one')).toEqual({ room: 'jobs', epoch: 'e2', seq: 1, resync: true });
  });

  it('asks for a new snapshot instead of growing without end', () => {
    const hub = hubWith('job:a', 'slow');
    hub.publish('job:a', patches.frames([frame(0, 'running')]));
    hub.collect(0);
    for (let i = 0; i < 6_000; i++) {
      hub.publish('job:a', patches.frames([frame(i, 'done')]));
      if (i % 500 === 0) hub.collect(i);
    }
    hub.collect(9_000);
    hub.acknowledged('slow');
    expect(only(hub.collect(10_000), 'slow')).toMatchObject({ seq: 2, resync: true });
  });

  it('tells hidden tabs once a second', () => {
    const hub = hubWith('jobs', 'tab');
    hub.setHidden('tab', true);
    const change = (at: number): boolean => {
      hub.publish('jobs', patches.jobs([job('a', String(at))]));
      const told = hub.collect(at).has('tab');
      if (told) hub.acknowledged('tab');
      return told;
    };
    expect(change(5_000)).toBe(true);
    expect(change(5_100)).toBe(false);
    expect(change(5_000 + HIDDEN_EVERY_MS)).toBe(true);
  });

  it('says which rooms nobody watches any more', () => {
    const hub = hubWith('log:t1-1-1', 'one', 'two');
    expect(hub.removeMember('one')).toEqual([]);
    expect(hub.removeMember('two')).toEqual(['log:t1-1-1']);
    expect(hub.isWatched('log:t1-1-1')).toBe(false);
  });

  it('tells a log without repetition, and asks for a snapshot where a piece is missing', () => {
    const hub = new RoomHub('e1');
    hub.addMember('one');
    const subscription = hub.subscribe('one', 'log:a');
    hub.publish('log:a', patches.log(0, 'héllo '));
    hub.publish('log:a', patches.log(7, 'world'));
    if (subscription) hub.activate('one', 'log:a', subscription, 7);
    expect(only(hub.collect(0), 'one').log).toEqual({ offset: 7, text: 'world' });
    hub.acknowledged('one');
    hub.publish('log:a', patches.log(7, 'world'));
    expect(hub.collect(100).size).toBe(0);
    hub.publish('log:a', patches.log(20, 'later'));
    expect(only(hub.collect(200), 'one').resync).toBe(true);
  });

  it('leaves every client with the newest state of everything, however slow it is', () => {
    const state = fc.constantFrom<FrameChange['state'][]>('running', 'done', 'failed');
    const step = fc.oneof(
      fc.tuple(fc.nat(5), state).map(([number, to]) => frame(number, to)),
      fc.constantFrom('flush' as const, 'acknowledge' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const hub = hubWith('job:a', 'one');
        const truth = new Map<number, string>();
        const seen = new Map<number, string>();
        let lastSeq = 0;
        const flush = (): void => {
          for (const patch of hub.collect(0).get('one') ?? []) {
            expect(patch.seq).toBe(++lastSeq);
            for (const change of patch.frames ?? []) seen.set(change.number, change.state);
          }
        };
        for (const each of steps) {
          if (each === 'flush') flush();
          else if (each === 'acknowledge') hub.acknowledged('one');
          else {
            truth.set(each.number, each.state);
            hub.publish('job:a', patches.frames([each]));
          }
        }
        hub.acknowledged('one');
        flush();
        expect(seen).toEqual(truth);
      }),
    );
  });
});
