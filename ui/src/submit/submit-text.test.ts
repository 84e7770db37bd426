import { describe, expect, it } from 'vitest';
import type { Worker } from '../../../src/shared/contracts/api.ts';
import { ableWorkers } from './able-workers.ts';
import { summaryText, type Summary } from './summary-text.ts';

const worker = (over: Partial<Worker>): Worker =>
  ({
    ...{ id: 'w', state: 'idle', tags: ['fast'], roots: [], site: null, memoryBytes: 16e9 },
    engines: [{ id: 'blender', version: '3.4.1', features: [] }],
    ...over,
  }) as Worker;

describe('ableWorkers', () => {
  const farm = [worker({}), worker({ id: 'x', tags: [] }), worker({ id: 'gone', state: 'offline' })];
  it.each([
    [undefined, 2],
    [{ tags: ['fast'] }, 1],
    [{ engineVersion: '>=5' }, 0],
    [{ engineVersion: 'no range' }, 2],
    [{ memory: '32 GB' }, 0],
    [{ site: 'attic' }, 0],
  ])('counts those that have %j', (requires, count) => {
    expect(ableWorkers(farm, 'blender', requires).workers).toBe(count);
  });
});

describe('summaryText', () => {
  const usual: Summary = {
    ...{ jobs: 1, frames: 240, scene: 'shot.blend', engine: 'Blender', version: undefined },
    ...{ able: { workers: 2, version: '3.4.1' }, video: '', preview: false },
  };
  it('says what will happen', () => {
    expect(summaryText(usual)).toBe('Renders 240 frames of shot.blend with Blender 3.4.1; 2 workers can.');
    expect(summaryText({ ...usual, preview: true, video: 'h264' })).toMatch(
      /first, middle and last before the others, and makes a video of them; 2 workers can\.$/,
    );
  });
  it('says that nobody can', () => {
    expect(summaryText({ ...usual, able: { workers: 0, version: undefined }, version: '>=5' })).toBe(
      'Renders 240 frames of shot.blend with Blender. No worker has Blender >=5 with what the job needs; it would wait until one does.',
    );
  });
});
