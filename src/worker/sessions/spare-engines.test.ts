import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Engine, StartSpec } from '../engines/engine.ts';
import { NO_STORAGE } from '../roots/task-storage.ts';
import type { SessionRequest } from './open-session.ts';
import { SpareEngines, type SpareEngine } from './spare-engines.ts';

const PAUSE = 1_000;
let folder: string;
let spares: SpareEngines;
let room: number;
/** Engines that run now. */
let running: Set<StartSpec>;
let dead: Set<StartSpec>;

const engine: Engine = {
  id: 'slow',
  timeouts: { start: 1, silence: 0, frame: 1 },
  reusable: true,
  detect: () => Promise.resolve(null),
  start: (spec) => {
    running.add(spec);
    spec.log('hello');
    return Promise.resolve({
      open: () => Promise.reject(new Error('not asked for here')),
      close: () => Promise.resolve(void running.delete(spec)),
      memoryBytes: () => 400_000_000,
      get hasEnded() {
        return dead.has(spec);
      },
    });
  },
  open: () => Promise.reject(new Error('not asked for here')),
};

function request(more: Partial<SessionRequest> = {}): SessionRequest {
  return {
    engine,
    definition: null,
    detected: { version: '1', features: [], program: '/bin/true' },
    task: { scene: null, settings: {}, data: {}, output: { format: 'none' }, timeouts: {} },
    share: { slots: 1, threads: 1, memoryLimitBytes: 1e9, environment: {} },
    storage: NO_STORAGE,
    ...more,
  };
}

/** The worker has done a task and has nothing more to do for a while. */
async function rest(after = request()): Promise<void> {
  spares.keepFor(after);
  await vi.advanceTimersByTimeAsync(PAUSE);
  await vi.waitFor(() => expect(running.size).toBe(2), 2_000);
}

const folderOf = (spare: SpareEngine | undefined): string => spare?.folder ?? '';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  folder = mkdtempSync(join(tmpdir(), 'farmhand-spares-'));
  running = new Set();
  dead = new Set();
  room = 8e9;
  spares = new SpareEngines({ folder, slots: 2, room: () => room }, pino({ level: 'silent' }));
});
afterEach(async () => {
  await spares.close();
  expect(running).toEqual(new Set());
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

describe('SpareEngines', () => {
  it('stand ready for every slot once the worker rests, and are given away once each', async () => {
    expect(spares.take(request())).toBeUndefined();
    await rest();
    const first = spares.take(request());
    const second = spares.take(request());
    expect([first?.printed, second?.printed]).toEqual([['hello'], ['hello']]);
    expect(folderOf(first)).not.toBe(folderOf(second));
    expect(existsSync(join(folderOf(first), 'work'))).toBe(true);
    expect(spares.take(request())).toBeUndefined();
    await first?.started.close();
    await second?.started.close();
  });

  it('are not started beside work', async () => {
    spares.keepFor(request());
    await vi.advanceTimersByTimeAsync(PAUSE - 1);
    spares.pause();
    await vi.advanceTimersByTimeAsync(PAUSE);
    expect(running.size).toBe(0);
  });

  it.each([
    ['another version', { detected: { version: '2', features: [], program: '/bin/true' } }],
    ['more threads', { share: { slots: 1, threads: 2, memoryLimitBytes: 1e9, environment: {} } }],
  ])('are not given to a task with %s', async (_name, more) => {
    await rest();
    expect(spares.take(request(more))).toBeUndefined();
  });

  it('are replaced when the worker turns to another engine', async () => {
    await rest();
    const before = [...running];
    spares.keepFor(request({ engine: { ...engine, id: 'other' } }));
    await vi.waitFor(() => expect(running.size).toBe(0));
    await vi.advanceTimersByTimeAsync(PAUSE);
    await vi.waitFor(() => expect(running.size).toBe(2));
    expect(before.some((spec) => running.has(spec))).toBe(false);
  });

  it('end at once when the machine is given back while one is starting', async () => {
    const hanging: Engine = {
      ...engine,
      start: ({ signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new Error('stopped'))),
        ),
    };
    spares.keepFor(request({ engine: hanging }));
    await vi.advanceTimersByTimeAsync(PAUSE);
    await vi.waitFor(() => expect(readdirSync(folder)).toHaveLength(1));
    await spares.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('that died are not given away', async () => {
    await rest();
    for (const spec of running) dead.add(spec);
    expect(spares.take(request())).toBeUndefined();
  });

  it('take no memory that is not there, and go when it is needed or nobody comes for long', async () => {
    room = 100_000_000;
    spares.keepFor(request());
    await vi.advanceTimersByTimeAsync(PAUSE);
    expect(running.size).toBe(0);
    room = 8e9;
    await rest();
    room = -1;
    spares.tidy();
    expect(running.size).toBe(0);
    room = 8e9;
    await rest();
    await vi.advanceTimersByTimeAsync(600_000);
    spares.tidy();
    expect(running.size).toBe(0);
  });
});
