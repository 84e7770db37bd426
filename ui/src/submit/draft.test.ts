import { describe, expect, it } from 'vitest';
import {
  documentFor,
  issuesOf,
  readAt,
  stepPath,
  videoOf,
  withVideo,
  writeAt,
  type Draft,
  type SceneFacts,
} from './draft.ts';

const ASSET = `asset:${'0'.repeat(64)}`;
const DRAFT: Draft = {
  version: 1,
  project: 'moon',
  engine: 'blender',
  scene: `${ASSET}/a.blend`,
  frames: '1-3',
};
const FACTS: SceneFacts = {
  scene: `${ASSET}/a.blend`,
  engine: 'blender',
  name: 'a',
  frames: '1-48',
  fps: 24,
  settings: {},
};

describe('a draft', () => {
  it('is written at a place, and what becomes empty goes', () => {
    const set = writeAt(DRAFT, ['requires', 'memory'], '8 GiB');
    expect(readAt(set, ['requires', 'memory'])).toBe('8 GiB');
    expect(writeAt(set, ['requires', 'memory'], undefined)).toEqual(DRAFT);
    expect(DRAFT).not.toHaveProperty('requires');
  });

  it('keeps the other steps when one is written', () => {
    const film = withVideo(DRAFT, 'h264');
    const changed = writeAt(film, [...stepPath(film), 'frames'], '7');
    expect(changed['steps']).toMatchObject([{ frames: '7' }, { engine: 'ffmpeg' }]);
  });

  it('gets a video, another one, and none again', () => {
    const film = withVideo({ ...DRAFT, name: 'a' }, 'h264');
    expect(issuesOf(film)).toEqual([]);
    expect([videoOf(DRAFT), videoOf(film), videoOf(withVideo(film, 'gif'))]).toEqual(['', 'h264', 'gif']);
    expect(withVideo(film, '')).toEqual({ ...DRAFT, name: 'a' });
  });

  it('leaves steps of its own as they are', () => {
    expect(videoOf({ ...DRAFT, steps: [{ name: 'a' }, { name: 'b', engine: 'blender' }] })).toBeNull();
  });

  it('is completed by what the scene says, and only where it does not say so itself', () => {
    expect(documentFor(DRAFT, FACTS, false)).toMatchObject({ name: 'a', frames: '1-3' });
    const rest = writeAt(DRAFT, ['frames'], undefined);
    expect(documentFor({ ...rest, name: 'show' }, FACTS, true)).toMatchObject({
      name: 'show · a',
      frames: '1-48',
    });
    const film = documentFor(withVideo(DRAFT, 'h264'), FACTS, false);
    expect(readAt(film, ['steps', 1, 'output', 'fps'])).toBe(24);
  });
});
