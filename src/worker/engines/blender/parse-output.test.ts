import { describe, expect, it } from 'vitest';
import { parseAnswer } from './detect.ts';
import { blenderReason, parseBlenderLine } from './parse-output.ts';

describe('Blender output', () => {
  it.each([
    // 3.4, Debian 12
    [
      'Fra:7 Mem:12.81M (Peak 14.57M) | Time:00:04.87 | Mem:2.18M, Peak:2.18M | Scene, ViewLayer | Sample 12/24',
      0.5,
    ],
    ['Fra:1 Mem:20.00M (Peak 20.00M) | Time:00:01.00 | Rendering 16 / 64 samples', 0.25],
    // 2.8
    ['Fra:1 Mem:51.33M | Time:00:01.00 | Remaining:00:02.00 | Scene | Rendered 136/544 Tiles', 0.25],
    // 5.0
    ['00:04.230  render           | Fra: 1 | Mem: 10M | Sample 32/128', 0.25],
    ['Remaining: 00:01.76 | Mem: 3M | Sample 1/8', 0.125],
    ["Saved: '/tmp/frame.png'", null],
    [' Time: 00:01.14 (Saving: 00:00.34)', null],
    ['Sample 1/0', null],
  ])('%s', (line, fraction) => {
    expect(parseBlenderLine(line)).toEqual({ fraction, error: null, outOfMemory: false });
  });

  it.each([
    ['Error: Build without OpenImageDenoiser', 'Error: Build without OpenImageDenoiser'],
    ['Error: Cannot render, no camera', 'Error: Cannot render, no camera'],
    ['00:01.000  reports          | ERROR Cannot render, no camera', 'ERROR Cannot render, no camera'],
    ['Error: Not freed memory blocks: 7, total unfreed memory 0.001 MB', null],
    ['Read blend: "/x/Error: 1.blend"', null],
  ])('%s is an error or not', (line, error) => {
    expect(parseBlenderLine(line).error).toBe(error);
  });

  it('knows that memory ran out', () => {
    expect(parseBlenderLine('Calloc returns null: len=4000000000 in render layer, total 1').outOfMemory).toBe(
      true,
    );
  });

  it('finds the reason among the last lines', () => {
    expect(blenderReason(['x', 'Error: a', 'Error: b', 'quit'])).toBe('Error: b');
    expect(blenderReason(['Traceback (most recent call last):', 'KeyError: 7', 'quit'])).toBe('KeyError: 7');
    expect(blenderReason(['quit'])).toBeUndefined();
  });
});

it('understands what Blender says about itself', () => {
  expect(parseAnswer('Blender 3.4.1\nfarmhand 3.4.1 False\n\nBlender quit\n', '/b')).toEqual({
    version: '3.4.1',
    features: [],
    program: '/b',
  });
  expect(parseAnswer('farmhand 4.5.15 LTS True\n', '/p')?.features).toEqual(['oidn']);
  expect(parseAnswer('farmhand 2.79.0 True\n', '/p')).toBeNull();
  expect(parseAnswer('', '/p')).toBeNull();
});
