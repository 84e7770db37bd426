import type { Msg } from 'nats';
import { describe, expect, it } from 'vitest';
import { Attempt } from './attempt.ts';
import { AttemptRegistry } from './attempt-registry.ts';
import { Hand } from './hand.ts';
import { TaskDelivery } from './task-delivery.ts';

/** A hand of so many slots and GPUs, and what it does with tasks: which run, and which it gave back. */
function handOf(slots: number, gpus = 0) {
  const registry = new AttemptRegistry();
  const ends = new Map<string, () => void>();
  const given: string[] = [];
  const hand = new Hand({
    slots,
    gpus,
    registry,
    acks: { working: () => undefined },
    prepare: (delivery) => attemptOf(delivery),
    prefetch: () => undefined,
    run: ({ task }) => new Promise((resolve) => ends.set(task.taskId, resolve)),
    giveBack: ({ task }) => {
      given.push(task.taskId);
      return Promise.resolve();
    },
    onFree: () => undefined,
  });
  return {
    hand,
    registry,
    given,
    take: (taskId: string, needs: { slots?: number; gpus?: number } = {}) => {
      hand.take(deliveryOf(taskId, needs));
    },
    running: () => [...ends.keys()],
    end: async (taskId: string) => {
      ends.get(taskId)?.();
      ends.delete(taskId);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const deliveryOf = (taskId: string, needs: { slots?: number; gpus?: number }): TaskDelivery => {
  const message = {
    subject: taskId,
    data: Buffer.from(JSON.stringify(needs)),
    reply: '$JS.ACK.T.c.1.1.1.1.0',
  };
  return new TaskDelivery(message as Partial<Msg> as Msg);
};

function attemptOf(delivery: TaskDelivery): Attempt {
  const needs = JSON.parse(Buffer.from(delivery.data).toString()) as { slots?: number; gpus?: number };
  const task = {
    version: 1 as const,
    taskId: delivery.subject,
    jobId: 'job',
    feed: 1,
    step: 'render',
    engine: 'null',
    scene: null,
    frames: [{ number: 1, generation: 1 }],
    resume: false,
    inputs: {},
    data: {},
    settings: {},
    output: { format: 'png' },
    slots: needs.slots ?? 1,
    gpus: needs.gpus ?? 0,
    timeouts: {},
  };
  return new Attempt(task, delivery);
}

describe('tasks in hand', () => {
  it('run within the slots of the worker, the others wait in the order in which they came', async () => {
    const { hand, take, running, end } = handOf(2);
    for (const taskId of ['a', 'b', 'c', 'd']) take(taskId);
    expect(running()).toEqual(['a', 'b']);
    expect(hand).toMatchObject({ freeSlots: -2, waiting: 2 });
    await end('a');
    expect(running()).toEqual(['b', 'c']);
    await end('b');
    await end('c');
    expect(running()).toEqual(['d']);
    expect(hand).toMatchObject({ freeSlots: 1, waiting: 0 });
  });

  it('are not passed by for ever when they are big: those behind them wait', async () => {
    const { take, running, end } = handOf(4);
    take('small');
    take('whole', { slots: 4 });
    take('behind');
    expect(running()).toEqual(['small']);
    await end('small');
    expect(running()).toEqual(['whole']);
    await end('whole');
    expect(running()).toEqual(['behind']);
  });

  it('that wait for a GPU only hold nobody up, and get it when it is free', async () => {
    const { hand, take, running, end } = handOf(4, 1);
    take('lit', { gpus: 1 });
    take('lit-too', { gpus: 1 });
    take('plain');
    expect(running()).toEqual(['lit', 'plain']);
    expect(hand).toMatchObject({ freeSlots: 1, waiting: 1 });
    await end('plain');
    expect(running()).toEqual(['lit']);
    await end('lit');
    expect(running()).toEqual(['lit-too']);
  });

  it('for more than the worker has take all of it', async () => {
    const { hand, take, running, end } = handOf(2, 1);
    take('large', { slots: 8, gpus: 4 });
    expect(running()).toEqual(['large']);
    expect(hand.freeSlots).toBe(0);
    await end('large');
    expect(hand.freeSlots).toBe(2);
  });

  it('are given back while they wait, never once they run, and those behind them begin', async () => {
    const { hand, registry, given, take, running } = handOf(2);
    take('first');
    take('whole', { slots: 2 });
    take('behind');
    hand.giveBack(({ task }) => task.taskId !== 'behind', 'for a test');
    expect(running()).toEqual(['first', 'behind']);
    await new Promise((resolve) => setImmediate(resolve));
    expect(given).toEqual(['whole']);
    expect(registry.all().map(({ task }) => task.taskId)).not.toContain('whole');
  });
});
