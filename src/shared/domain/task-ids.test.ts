import { describe, expect, it } from 'vitest';
import { taskIdOf, taskKeyOf } from './task-ids.ts';

describe('task ids', () => {
  it.each(['1', '35', '36', '9223372036854775807'])('keeps key %s there and back', (key) => {
    expect(taskKeyOf(taskIdOf(key))).toBe(key);
  });

  it.each(['', 't', 't0', 'x1', 'tA', 't-1', 't1.2', 'tzzzzzzzzzzzzz', 'tzzzzzzzzzzzzzz'])(
    'does not take %j',
    (id) => {
      expect(taskKeyOf(id)).toBeUndefined();
    },
  );
});
