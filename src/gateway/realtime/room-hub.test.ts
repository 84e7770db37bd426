import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unpackFrames } from '../../shared/contracts/frame-runs.ts';
import type { FrameChange, JobSummary } from '../../shared/contracts/messages.ts';
import type { RoomPatch } from '../../shared/contracts/realtime.ts';
import { patches } from './patch-body.ts';
import { HIDDEN_EVERY_MS, LINGER_MS, RoomHub } from './room-hub.ts';

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
    if (subscription) hub.activate(id, room, subscription, hub.placeOf(room).seq);
  }
  return hub;
}

const collect = (hub: RoomHub, nowMs: number): Map<string, RoomPatch[]> =>
  new Map(hub.collect(nowMs).flatMap(({ ids, patches }) => ids.map((id) => [id, patches])));
const numbers = (patch: RoomPatch): FrameChange[] => unpackFrames(patch.frames ?? []);

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
    const batches = collect(hub, 0);
    expect([...batches.keys()]).toEqual(['one']);
    expect(only(batches, 'one')).toMatchObject({ room: 'job:a', epoch: 'e1', job: { name: 'A' } });
    expect(hub.isDirty).toBe(false);
  });

  it('has one batch under way a socket and merges meanwhile, the newest word winning', () => {
    const hub = hubWith('job:a', 'slow', 'quick');
    hub.publish('job:a', patches.frames([frame(1, 'running')]));
    const first = collect(hub, 0).get('slow')?.[0];
    hub.acknowledged('quick');
    hub.publish('job:a', patches.frames([frame(1, 'failed'), frame(2, 'running')]));
    expect(collect(hub, 100).has('slow')).toBe(false);
    hub.acknowledged('quick');
    hub.publish('job:a', patches.frames([frame(1, 'done')]));
    expect(numbers(only(collect(hub, 200), 'quick'))).toEqual([frame(1, 'done')]);
    hub.acknowledged('slow');
    const patch = only(collect(hub, 300), 'slow');
    expect(patch).toMatchObject({ from: first?.seq, seq: hub.placeOf('job:a').seq });
    expect(numbers(patch)).toEqual([frame(1, 'done'), frame(2, 'running')]);
  });

  it('gathers changes from before the snapshot on, and tells them after it', () => {
    const hub = new RoomHub('e1');
    hub.addMember('one');
    const subscription = hub.subscribe('one', 'jobs');
    const { seq } = hub.placeOf('jobs');
    hub.publish('jobs', patches.jobs([job('a', 'A')]));
    expect(collect(hub, 0).size).toBe(0);
    expect(subscription && hub.activate('one', 'jobs', subscription, seq)).toBe(true);
    expect(only(collect(hub, 100), 'one')).toMatchObject({ from: seq, jobs: [{ id: 'a' }] });
  });

  it('does not activate a subscription that was replaced or left meanwhile', () => {
    const hub = new RoomHub('e1');
    hub.addMember('one');
    const first = hub.subscribe('one', 'jobs');
    const second = hub.subscribe('one', 'jobs');
    if (!first || !second) throw new Error('a member can subscribe');
    expect(hub.activate('one', 'jobs', first, 1)).toBe(false);
    expect(hub.activate('one', 'jobs', second, 1)).toBe(true);
    hub.unsubscribe('one', 'jobs');
    expect(hub.isWatched('jobs')).toBe(false);
    expect(hub.activate('one', 'jobs', second, 1)).toBe(false);
  });

  it('asks for a new snapshot after a break, under a new epoch', () => {
    const hub = hubWith('jobs', 'one');
    hub.publish('jobs', patches.jobs([job('a', 'A')]));
    hub.renew('e2');
    expect(only(collect(hub, 0), 'one')).toMatchObject({ room: 'jobs', epoch: 'e2', resync: true });
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
    expect(only(collect(hub, 10_000), 'slow')).toMatchObject({ resync: true });
  });

  it('tells hidden tabs once a second', () => {
    const hub = hubWith('jobs', 'tab');
    hub.setHidden('tab', true);
    const change = (at: number): boolean => {
      hub.publish('jobs', patches.jobs([job('a', String(at))]));
      const told = collect(hub, at).has('tab');
      if (told) hub.acknowledged('tab');
      return told;
    };
    expect(change(5_000)).toBe(true);
    expect(change(5_100)).toBe(false);
    expect(change(5_000 + HIDDEN_EVERY_MS)).toBe(true);
  });

  it('lets who was cut off go on from where he was, for a minute', () => {
    const hub = hubWith('job:a', 'one');
    hub.publish('job:a', patches.frames([frame(1, 'running')]));
    const reached = { epoch: 'e1', seq: only(collect(hub, 0), 'one').seq };
    hub.removeMember('one', 1_000);
    hub.publish('job:a', patches.frames([frame(1, 'done'), frame(2, 'running')]));
    expect(hub.canResume('job:a', { ...reached, epoch: 'e0' })).toBe(false);
    expect(hub.canResume('job:a', reached)).toBe(true);
    hub.addMember('again');
    const subscription = hub.subscribe('again', 'job:a');
    if (subscription) hub.activate('again', 'job:a', subscription, reached.seq);
    const patch = only(collect(hub, 2_000), 'again');
    expect(patch.from).toBe(reached.seq);
    expect(numbers(patch)).toEqual([frame(1, 'done'), frame(2, 'running')]);

    hub.removeMember('again', 3_000);
    hub.sweep(3_000 + LINGER_MS);
    expect(hub.isWatched('job:a')).toBe(false);
    hub.addMember('late');
    hub.subscribe('late', 'job:a');
    expect(hub.canResume('job:a', { epoch: 'e1', seq: patch.seq })).toBe(false);
  });

  it('makes one batch for all who stand at the same place', () => {
    const hub = hubWith('job:a', 'one', 'two', 'three');
    hub.publish('job:a', patches.frames([frame(1, 'running')]));
    expect(hub.collect(0)).toMatchObject([{ ids: ['one', 'two', 'three'] }]);
    hub.acknowledged('two');
    hub.publish('job:a', patches.frames([frame(1, 'done')]));
    expect(hub.collect(100)).toMatchObject([{ ids: ['two'] }]);
    hub.acknowledged('one');
    hub.acknowledged('two');
    hub.acknowledged('three');
    hub.publish('job:a', patches.frames([frame(2, 'done')]));
    expect(hub.collect(200).map(({ ids }) => ids)).toEqual([['one', 'three'], ['two']]);
  });

  it('tells a log without repetition, and asks for a snapshot where a piece is missing', () => {
    const hub = new RoomHub('e1');
    hub.addMember('one');
    const subscription = hub.subscribe('one', 'log:a');
    const { seq } = hub.placeOf('log:a');
    hub.publish('log:a', patches.log(0, 'héllo '));
    hub.publish('log:a', patches.log(7, 'world'));
    if (subscription) hub.activate('one', 'log:a', subscription, seq, 7);
    expect(only(collect(hub, 0), 'one').log).toEqual({ offset: 7, text: 'world' });
    hub.acknowledged('one');
    hub.publish('log:a', patches.log(7, 'world'));
    expect(collect(hub, 100).size).toBe(0);
    hub.publish('log:a', patches.log(20, 'later'));
    expect(only(collect(hub, 200), 'one').resync).toBe(true);
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
        let lastSeq = hub.placeOf('job:a').seq;
        const flush = (): void => {
          for (const patch of collect(hub, 0).get('one') ?? []) {
            expect(patch.from).toBe(lastSeq);
            lastSeq = patch.seq;
            for (const change of numbers(patch)) seen.set(change.number, change.state);
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
