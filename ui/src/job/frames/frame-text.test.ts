import { describe, expect, it } from 'vitest';
import { rangeHas, shortRange } from './frame-text.ts';
import { mediaKind } from '../../common/media.ts';

describe('rangeHas', () => {
  it('reads ranges as the farm writes them', () => {
    expect(rangeHas('1-24', 24)).toBe(true);
    expect(rangeHas('1-24', 25)).toBe(false);
    expect(rangeHas('3,10-20x5', 15)).toBe(true);
    expect(rangeHas('3,10-20x5', 16)).toBe(false);
    expect(rangeHas('-5--1', -3)).toBe(true);
    expect(rangeHas('garbage', 1)).toBe(false);
  });
});

describe('shortRange', () => {
  it('keeps short ranges and cuts long ones', () => {
    expect(shortRange('1-24')).toBe('1-24');
    expect(shortRange('1,3,5,7,9,11,13,15,17,19,21').length).toBeLessThan(25);
  });
});

describe('mediaKind', () => {
  it('knows what a browser can show', () => {
    expect(mediaKind('results/j/s/a/frame.PNG')).toBe('image');
    expect(mediaKind('results/j/s/a/out.mp4')).toBe('video');
    expect(mediaKind('results/j/s/a/out.exr')).toBe('other');
    expect(mediaKind(null)).toBe('none');
  });
});
