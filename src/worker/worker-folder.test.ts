import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isId } from '../shared/domain/ids.ts';
import { claimWorkerFolder, defaultWorkerId } from './worker-folder.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'farmhand-folder-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('claimWorkerFolder', () => {
  it('gives each claim a place of its own, and a free one again', () => {
    const [first, second] = [claimWorkerFolder(dir), claimWorkerFolder(dir)];
    expect([first.number, second.number]).toEqual([1, 2]);
    expect(first.workDir).not.toBe(second.workDir);
    expect(first.cacheDir).toBe(second.cacheDir);
    first.release();
    const third = claimWorkerFolder(dir);
    expect(third.number).toBe(1);
    second.release();
    third.release();
    expect(existsSync(first.workDir)).toBe(false);
  });

  it('takes over from a process that is gone, and clears its scratch', () => {
    writeFileSync(
      join(dir, 'worker-1.lock'),
      JSON.stringify({ host: hostname(), pid: process.pid, startTime: 'earlier' }),
    );
    const left = join(dir, 'work-1', 'frame.png');
    mkdirSync(dirname(left));
    writeFileSync(left, 'half a frame');
    const before = claimWorkerFolder(dir);
    expect(before.number).toBe(1);
    expect(existsSync(left)).toBe(false);
    before.release();
  });

  it('respects a lock of another host while it is kept fresh', () => {
    const lock = join(dir, 'worker-1.lock');
    writeFileSync(lock, JSON.stringify({ host: 'elsewhere', pid: 1, startTime: '1' }));
    const second = claimWorkerFolder(dir);
    expect(second.number).toBe(2);
    second.release();
    utimesSync(lock, new Date(0), new Date(0));
    const first = claimWorkerFolder(dir);
    expect(first.number).toBe(1);
    first.release();
  });

  it('says what is wrong with a folder that cannot be used', () => {
    const file = join(dir, 'file');
    writeFileSync(file, '');
    expect(() => claimWorkerFolder(join(file, 'x'))).toThrow(
      `The worker folder ${join(file, 'x')} cannot be used`,
    );
  });
});

describe('defaultWorkerId', () => {
  it('is an id whatever the host is called', () => {
    expect(isId(defaultWorkerId({ mark: 'ab12', number: 3 }))).toBe(true);
    expect(defaultWorkerId({ mark: 'ab12', number: 3 })).toMatch(/-ab12-3$/);
  });

  it('differs between folders, as between machines of one name, and stays with a folder', () => {
    const idsOf = (folder: string): string[] => {
      const held = [claimWorkerFolder(folder), claimWorkerFolder(folder)];
      for (const { release } of held) release();
      return held.map(defaultWorkerId);
    };
    const first = idsOf(join(dir, 'a'));
    const ids = new Set([...first, ...idsOf(join(dir, 'b')), ...idsOf(join(dir, 'c'))]);
    expect(ids.size).toBe(6);
    expect(idsOf(join(dir, 'a'))).toEqual(first);
  });
});
