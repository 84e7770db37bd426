import { describe, expect, it } from 'vitest';
import { formatOutputName, parseOutputPattern, patternCollision } from './output-pattern.ts';

const values = { job: 'a/b', project: 'p', step: 'render', output: 'main', frame: 7, ext: 'png' };
const format = (pattern: string, changed: Partial<typeof values> = {}): string =>
  formatOutputName(parseOutputPattern(pattern), { ...values, ...changed });

describe('output patterns', () => {
  it('fills in the default pattern', () => {
    expect(format('{step}_{frame:04}.{ext}')).toBe('render_0007.png');
    expect(format('{step}_{frame:04}.{ext}', { frame: -3 })).toBe('render_-0003.png');
    expect(format('{step}_{frame:04}.{ext}', { frame: 123456 })).toBe('render_123456.png');
  });

  it('keeps an output that the pattern does not name apart from the main one', () => {
    expect(format('{step}_{frame:04}.{ext}', { output: 'Z' })).toBe('render_0007_Z.png');
    expect(format('{output}/x'.replace('/', '-'), { output: 'Z' })).toBe('Z-x');
    expect(format('{frame}', { output: 'Z' })).toBe('7_Z');
  });

  it('makes names of people fit for a file system', () => {
    expect(format('{job}_{frame}.{ext}')).toBe('a_b_7.png');
    expect(format('{project}.{ext}', { project: '../..' })).toBe('___.png');
  });

  it.each([
    '{nope}.png',
    '{frame:x}',
    '{frame:99}',
    '{step:4}',
    '{frame',
    'frame}',
    '../{frame}',
    'a\\b',
    '..',
    '.x',
    'a:b',
  ])('refuses %s', (pattern) => {
    expect(() => parseOutputPattern(pattern)).toThrow(/Output pattern/);
  });

  it('says why names would collide', () => {
    const still = parseOutputPattern('picture.{ext}');
    expect(patternCollision(still, { frames: 1, othersWithSamePattern: false })).toBeUndefined();
    expect(patternCollision(still, { frames: 2, othersWithSamePattern: false })).toContain('{frame}');
    const framed = parseOutputPattern('{frame}.{ext}');
    expect(patternCollision(framed, { frames: 2, othersWithSamePattern: true })).toContain('{step}');
  });
});
