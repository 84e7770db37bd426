import { describe, expect, it } from 'vitest';
import { setPaths } from './set-paths.ts';

const DOCUMENT = {
  version: 1,
  name: 'x',
  settings: { samples: 8 },
  steps: [
    { name: 'render', engine: 'null', frames: '1-4' },
    { name: 'video', engine: 'ffmpeg' },
  ],
};

describe('setPaths', () => {
  it('sets what is there, makes what is not, and leaves the document as it was', () => {
    const before = structuredClone(DOCUMENT);
    const changed = setPaths(DOCUMENT, {
      name: 'y',
      'settings.samples': 64,
      'output.width': 640,
      'steps[0].frames': '1-8',
      'steps[video].output.fps': 25,
      'steps.render.chunk': 2,
      'data["a.b c"]': true,
      'steps[2]': { name: 'more', engine: 'null', frames: '1' },
    });
    expect(changed).toEqual({
      version: 1,
      name: 'y',
      settings: { samples: 64 },
      output: { width: 640 },
      data: { 'a.b c': true },
      steps: [
        { name: 'render', engine: 'null', frames: '1-8', chunk: 2 },
        { name: 'video', engine: 'ffmpeg', output: { fps: 25 } },
        { name: 'more', engine: 'null', frames: '1' },
      ],
    });
    expect(DOCUMENT).toEqual(before);
  });

  it('removes with null, also what is not there', () => {
    expect(setPaths(DOCUMENT, { 'settings.samples': null, 'steps[1]': null, 'output.width': null })).toEqual({
      version: 1,
      name: 'x',
      settings: {},
      steps: [DOCUMENT.steps[0]],
    });
  });

  it.each([
    ['', /a path such as/],
    ['.name', /a path such as/],
    ['steps[', /a path such as/],
    ['steps[9].frames', /an index from 0 to 2/],
    ['steps[gone].frames', /a name that is in the list/],
    ['name.first', /does not lead through/],
    ['__proto__.polluted', /a path such as/],
    ['settings.constructor', /a path such as/],
  ])('says what is expected of the path "%s"', (path, expected) => {
    let issues: unknown;
    try {
      setPaths(DOCUMENT, { [path]: 1 });
    } catch (error) {
      issues = (error as { issues: unknown }).issues;
    }
    expect(issues).toEqual([{ path, value: '1', expected: expect.stringMatching(expected) as string }]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
