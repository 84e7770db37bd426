import { expect, it } from 'vitest';
import { askStorage } from './ask-storage.ts';

it('asks storage that does not answer only once, and again when it has answered after all', async () => {
  let looks = 0;
  let answer: (value: string) => void = () => undefined;
  const dead = (): Promise<string> => {
    looks++;
    return new Promise((resolve) => (answer = resolve));
  };
  const silent = /^\/mnt\/dead does not answer$/;
  const gone = { status: 'rejected', reason: new Error('/mnt/dead does not answer') };
  // The second waits for the first, and does not ask beside it.
  const both = [askStorage('/mnt/dead', dead, 50), askStorage('/mnt/dead', dead, 50)];
  expect(await Promise.allSettled(both)).toEqual(both.map(() => gone));
  await expect(askStorage('/mnt/dead', dead, 60_000)).rejects.toThrow(silent);
  expect(looks).toBe(1);
  expect(await askStorage('/mnt/other', () => Promise.resolve('there'))).toBe('there');

  answer('late');
  await new Promise(setImmediate);
  expect(await askStorage('/mnt/dead', () => Promise.resolve('back'))).toBe('back');
});

it('leaves a thread for the rest of the process when everything is dead', async () => {
  let looks = 0;
  const answers: (() => void)[] = [];
  const dead = (): Promise<void> => {
    looks++;
    return new Promise((resolve) => answers.push(resolve));
  };
  const all = ['/a', '/b', '/c', '/d', '/e'].map((prefix) => askStorage(prefix, dead, 50));
  for (const { status } of await Promise.allSettled(all)) expect(status).toBe('rejected');
  expect(looks).toBe(3);
  for (const answer of answers) answer();
});
