import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { settleAll } from './settle-all.ts';

it('begins nothing after the first error, and throws it when those under way have ended', async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const work = settleAll([0, 1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    begun.push(item);
    if (item === 1) throw new Error('the first');
    for (let turns = 0; turns < 3; turns++) await turn();
    ended.push(item);
    if (item === 2) throw new Error('a later one');
  });
  await expect(work).rejects.toThrow('the first');
  expect(begun).toEqual([0, 1, 2]);
  expect(ended).toEqual([0, 2]);
});
