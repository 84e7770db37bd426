import { describe, expect, it } from 'vitest';
import { matchingLine } from './matching-line.ts';

const LOG = [
  'Reading scene',
  'Parsing',
  '\u001b[31mFile  shot.pov: Parse Error: no  camera.\u001b[0m',
  'Bye',
  '',
].join('\n');

describe('the line of a log that says why', () => {
  it('is found whatever its colours and spaces, with what stands around it', () => {
    expect(matchingLine(LOG, 'File shot.pov: Parse Error: no camera')).toEqual({
      before: ['Reading scene', 'Parsing'],
      line: 'File  shot.pov: Parse Error: no  camera.',
      after: ['Bye'],
    });
  });

  it('is the last of several, and the first line of the reason that is there at all', () => {
    const found = matchingLine('Error: one\nx\nError: one\nend', 'Nothing like it\nError: one');
    expect(found?.before).toEqual(['Error: one', 'x']);
  });

  it('is not made up: words too short to mean anything, or not there', () => {
    expect(matchingLine(LOG, 'no')).toBeNull();
    expect(matchingLine(LOG, 'Segmentation fault')).toBeNull();
    expect(matchingLine('', 'Segmentation fault')).toBeNull();
  });

  it('is cut where it is longer than anybody reads', () => {
    expect(matchingLine(`Error: ${'x'.repeat(100_000)}`, `Error: ${'x'.repeat(600)}`)?.line.length).toBe(500);
  });
});
