import { describe, expect, it } from 'vitest';
import { holdReason } from './hold-decision.ts';

const group = (frames: number, workers: string[]) => ({
  frames,
  workers,
  message: 'Parse Error: No matching }',
});

describe('holdReason', () => {
  it('holds after five frames on two workers, with the words of the engine', () => {
    expect(holdReason([group(5, ['a', 'b'])], ['a', 'b', 'c'])).toBe(
      'Held: 5 frames failed alike on 2 workers and none succeeded: Parse Error: No matching }. ' +
        'Mend the scene and resubmit; or resume it to go on all the same.',
    );
  });

  it('needs five frames of one failure', () => {
    expect(holdReason([group(4, ['a', 'b']), group(4, ['a', 'b'])], ['a', 'b'])).toBeUndefined();
  });

  it('does not take the word of one worker while others could render it', () => {
    expect(holdReason([group(50, ['a'])], ['a', 'b'])).toBeUndefined();
  });

  it('takes the word of the only worker, also when it has left meanwhile', () => {
    expect(holdReason([group(5, ['a'])], ['a'])).toContain('on a, the only worker that can render it');
    expect(holdReason([group(5, ['a'])], [])).toBeDefined();
  });
});
