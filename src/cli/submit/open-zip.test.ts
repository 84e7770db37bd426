import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeZip, type ZipMember } from '../../../test/support/make-zip.ts';
import { exitCodeOf } from '../support/exit-codes.ts';
import { ZIP_LIMITS, openZip, type ZipLimits } from './open-zip.ts';

let scratch: string;
let target: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'farmhand-zip-test-'));
  target = mkdtempSync(join(scratch, 'out-'));
});
afterEach(() => rmSync(scratch, { recursive: true }));

async function unpack(members: readonly ZipMember[], limits?: ZipLimits): Promise<void> {
  const file = join(scratch, 'scene.zip');
  writeFileSync(file, makeZip(members));
  await openZip(file, target, limits);
}

async function refusal(members: readonly ZipMember[], limits?: ZipLimits): Promise<string> {
  const error: unknown = await unpack(members, limits).catch((thrown: unknown) => thrown);
  if (!(error instanceof Error)) throw new Error('it was taken');
  expect(exitCodeOf(error)).toBe(2);
  return error.message;
}

describe('openZip', () => {
  it('unpacks files and folders', async () => {
    await unpack([
      { name: 'scene/' },
      { name: 'scene/tree.pov', content: 'sphere{}' },
      { name: 'scene/textures/bark.png', content: Buffer.from([1, 2, 3]) },
    ]);
    expect(readFileSync(join(target, 'scene/tree.pov'), 'utf8')).toBe('sphere{}');
    expect(readFileSync(join(target, 'scene/textures/bark.png'))).toEqual(Buffer.from([1, 2, 3]));
  });

  it.each(['../evil.txt', 'a/../../evil.txt', '/tmp/farmhand-evil.txt', 'C:/evil.txt', 'a/./b'])(
    'writes nothing for the name %s',
    async (name) => {
      expect(await refusal([{ name: 'good.pov' }, { name, content: 'x' }])).toContain('scene.zip');
      expect(readdirSync(target)).toEqual([]);
      expect(existsSync(join(scratch, 'evil.txt'))).toBe(false);
    },
  );

  it('refuses a link, which could point anywhere', async () => {
    expect(await refusal([{ name: 'tree.pov', content: '/etc/passwd', mode: 0o120777 }])).toContain('link');
  });

  it('refuses an encrypted entry and says what to do', async () => {
    expect(await refusal([{ name: 'a', content: 'x', flags: 1 }])).toContain('without a password');
  });

  it('refuses the same name twice', async () => {
    expect(await refusal([{ name: 'a' }, { name: 'a' }])).toContain('twice');
  });

  it('refuses more entries than the limit', async () => {
    const members = Array.from({ length: 4 }, (_, i) => ({ name: `f${i}` }));
    expect(await refusal(members, { ...ZIP_LIMITS, entries: 3 })).toContain('more than 3 entries');
  });

  it('refuses a bomb before it unpacks a byte', async () => {
    const bomb = [{ name: 'zeros', content: Buffer.alloc(20_000_000) }];
    expect(await refusal(bomb)).toContain('300 times');
    expect(readdirSync(target)).toEqual([]);
  });

  it('refuses more bytes than the limit', async () => {
    const members = [
      { name: 'a', content: Buffer.alloc(600) },
      { name: 'b', content: Buffer.alloc(600) },
    ];
    expect(await refusal(members, { ...ZIP_LIMITS, totalBytes: 1_000 })).toContain('at most 1.0 kB');
  });

  it('notices an entry that is larger than it says', async () => {
    await refusal([{ name: 'a', content: Buffer.alloc(5_000), claimedSize: 10 }]);
  });

  it('says that something else is not a zip', async () => {
    const file = join(scratch, 'not.zip');
    writeFileSync(file, 'hello');
    await expect(openZip(file, target)).rejects.toThrow('not a zip archive');
  });
});
