import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FileCache } from '../assets/file-cache.ts';
import { EngineFailure, type Engine, type SessionSpec } from '../engines/engine.ts';
import { ObjectStore } from '../object-store.ts';
import { Problems } from '../reporting/problems.ts';
import { NO_STORAGE } from '../roots/task-storage.ts';
import type { SessionRequest } from './open-session.ts';
import { SessionPool } from './session-pool.ts';
import { Registry } from 'prom-client';
import { WorkerMetrics } from '../telemetry/worker-metrics.ts';

const metrics = new WorkerMetrics(new Registry());

const log = pino({ level: 'silent' });
const never = new AbortController().signal;
let dir: string;
let pool: SessionPool;
/** Sessions that are open now. */
let open: Set<SessionSpec>;
let opened: number;

/** An engine that keeps nothing but a count of its sessions; `wait` never opens until it is stopped. */
const engine: Engine = {
  id: 'counted',
  timeouts: { start: 1, silence: 0, frame: 1 },
  reusable: true,
  detect: () => Promise.resolve(null),
  open: async (spec) => {
    if (spec.settings['wait'] === true)
      await new Promise((_resolve, reject) =>
        spec.signal.addEventListener('abort', () => reject(new Error('stopped'))),
      );
    open.add(spec);
    opened++;
    return {
      render: () => Promise.resolve({ files: [], seconds: 0, peakMemoryBytes: null, warnings: [] }),
      close: () => Promise.resolve(void open.delete(spec)),
      memoryBytes: () => 1_000,
    };
  },
};

/** One whose sessions take other data; with `fails` it cannot, for that reason. */
const reloading: Engine = {
  ...engine,
  id: 'reloading',
  open: async (spec) => ({
    ...(await engine.open(spec)),
    reload: (next) => {
      const fails = next.settings['fails'];
      if (fails === 'wait')
        return new Promise((_resolve, reject) =>
          spec.signal.addEventListener('abort', () => reject(new Error('stopped'))),
        );
      if (fails === 'scene' || fails === 'engine-crash')
        return Promise.reject(new EngineFailure(fails, 'It cannot.'));
      return Promise.resolve();
    },
  }),
};

function request(settings: SessionRequest['task']['settings'] = {}, reusable = true): SessionRequest {
  return {
    engine: { ...engine, reusable },
    definition: null,
    detected: { version: '1', features: [], program: '/bin/true' },
    task: { scene: null, settings, data: {}, output: { format: 'none' }, timeouts: {} },
    share: { slots: 1, threads: 1, memoryLimitBytes: 1e9, environment: {} },
    storage: NO_STORAGE,
  };
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'farmhand-pool-'));
  open = new Set();
  opened = 0;
  const store = new ObjectStore(new S3Client({ region: 'none' }), 'none', new Problems(log), metrics, log);
  const options = { folder: dir, slots: 2, maxSessions: 2, maxBytes: 1e9 };
  pool = new SessionPool(options, new FileCache(join(dir, 'cache'), store, 1, metrics), metrics, log);
});
afterEach(async () => {
  await pool.close();
  rmSync(dir, { recursive: true });
});

async function use(
  settings: SessionRequest['task']['settings'] = {},
  usable = true,
  more: Partial<SessionRequest> = {},
): Promise<boolean> {
  const wanted = { ...request(settings), ...more };
  const lease = await pool.acquire(wanted, () => undefined, never);
  await pool.release(lease, wanted, usable);
  return lease.reused;
}

describe('SessionPool', () => {
  it('gives a warm session to the next task of the same scene and settings only', async () => {
    expect(await use({ a: 1 })).toBe(false);
    expect(await use({ a: 1 })).toBe(true);
    expect(await use({ a: 2 })).toBe(false);
    expect(pool.warmNames()).toEqual(['counted:']);
  });

  it('never lends a session twice at once', async () => {
    const [a, b] = await Promise.all([1, 2].map(() => pool.acquire(request(), () => undefined, never)));
    expect(a).not.toBe(b);
    expect(opened).toBe(2);
  });

  it('closes what is not usable, not reusable, or beyond the number', async () => {
    await use({ a: 1 }, false);
    expect(open.size).toBe(0);
    const cold = request({}, false);
    await pool.release(await pool.acquire(cold, () => undefined, never), cold, true);
    expect(open.size).toBe(0);
    for (const a of [1, 2, 3]) await use({ a });
    expect([...open].map(({ settings }) => settings['a'])).toEqual([2, 3]);
    await vi.waitFor(() => expect(readdirSync(dir)).toHaveLength(2));
  });

  it('gives the next row of a batch the session of the last one, where the engine can', async () => {
    const rows = { engine: reloading };
    const reused = [];
    for (const row of [1, 2, 3, 2]) reused.push(await use({ row }, true, rows));
    expect(reused).toEqual([false, true, true, true]);
    expect(opened).toBe(1);
    expect(pool.hits).toEqual({ warm: 3, cold: 1 });
  });

  it('opens another one when a session dies over the next row, and not when the row is wrong', async () => {
    const rows = { engine: reloading };
    await use({}, true, rows);
    expect(await use({ fails: 'engine-crash' }, true, rows)).toBe(false);
    expect([opened, open.size]).toEqual([2, 1]);
    await expect(use({ fails: 'scene' }, true, rows)).rejects.toThrow('It cannot.');
    expect(open.size).toBe(0);
  });

  it('ends a session that takes the next row when its task is stopped', async () => {
    await use({}, true, { engine: reloading });
    const stop = new AbortController();
    const wanted = { ...request({ fails: 'wait' }), engine: reloading };
    const acquiring = pool.acquire(wanted, () => undefined, stop.signal);
    setTimeout(() => stop.abort(new Error('the job was cancelled')), 20);
    await expect(acquiring).rejects.toThrow('the job was cancelled');
    expect(open.size).toBe(0);
  });

  it('goes cold on a scene that crashed twice', async () => {
    const wanted = request();
    for (let i = 0; i < 2; i++) pool.recordCrash(wanted);
    await use();
    expect(open.size).toBe(0);
  });

  it('ends a session that is still opening when its task is stopped', async () => {
    const stop = new AbortController();
    const acquiring = pool.acquire(request({ wait: true }), () => undefined, stop.signal);
    setTimeout(() => stop.abort(new Error('the job was cancelled')), 20);
    await expect(acquiring).rejects.toThrow('the job was cancelled');
    expect(readdirSync(dir)).toEqual([]);
  });

  it('closes everything at the end', async () => {
    await use();
    await pool.close();
    expect(open.size).toBe(0);
    expect(existsSync(dir) && readdirSync(dir)).toEqual([]);
  });
});
