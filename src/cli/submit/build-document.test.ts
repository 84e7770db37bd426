import { describe, expect, it } from 'vitest';
import { jobDocumentSchema } from '../../shared/contracts/job-document.ts';
import { assertSceneEngine, buildDocument } from './build-document.ts';

const work = { name: 'tree', engine: 'povray', scene: `asset:${'a'.repeat(64)}/tree.pov`, frames: '1-10' };

describe('buildDocument', () => {
  it('is a valid document with an id of its own, so that it can be sent twice', () => {
    const document = buildDocument(work, {});
    expect(jobDocumentSchema.safeParse(document).success).toBe(true);
    expect(document.id).toBeDefined();
    expect(buildDocument(work, {}).id).not.toBe(document.id);
  });

  it('is the same each time with a key', () => {
    const document = buildDocument(work, { key: 'nightly' });
    expect(document.id).toBeUndefined();
    expect(document).toEqual(buildDocument(work, { key: 'nightly' }));
  });

  it('puts flags before what was found', () => {
    const document = buildDocument(work, { name: 'Oak', project: 'film', priority: 80, chunk: 4 });
    expect(document).toMatchObject({ name: 'Oak', project: 'film', priority: 80, chunk: 4, frames: '1-10' });
  });

  it('adds an encode step that takes the frames, at their speed', () => {
    const document = buildDocument({ ...work, fps: 24 }, { encode: 'h264', chunk: 'sequential' });
    expect(jobDocumentSchema.safeParse(document).success).toBe(true);
    expect(document.engine).toBeUndefined();
    expect(document.steps).toEqual([
      { name: 'render', engine: 'povray', scene: work.scene, frames: '1-10', chunk: 'sequential' },
      {
        name: 'encode',
        engine: 'ffmpeg',
        inputs: { frames: { step: 'render' } },
        settings: { encode: 'h264' },
        output: { format: 'mp4', fps: 24 },
      },
    ]);
  });

  it('leaves out empty data and settings', () => {
    const document = buildDocument({ ...work, data: {}, settings: {} }, {});
    expect(document).not.toHaveProperty('data');
    expect(document).not.toHaveProperty('settings');
  });
});

describe('assertSceneEngine', () => {
  it('names the engines there are', () => {
    expect(() => assertSceneEngine('no-such')).toThrow(/no-such.*lottie.*povray/);
    expect(() => assertSceneEngine('ffmpeg')).toThrow('job document');
    expect(() => assertSceneEngine('lottie')).not.toThrow();
  });
});
