import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { exportLines } from './env.ts';

test.each(['plain', "it's", 'a "b" $HOME `id` \\ #', 'two\nlines', ''])('a shell reads %j back', (value) => {
  const script = `${exportLines({ FARM_VALUE: value })}\nprintf %s "$FARM_VALUE"`;
  expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe(value);
});
