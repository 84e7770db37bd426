import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classifyInput } from './classify-input.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'farmhand-classify-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function kind(name: string, content: string | Buffer): Promise<string> {
  writeFileSync(join(folder, name), content);
  return (await classifyInput(join(folder, name))).kind;
}

describe('classifyInput', () => {
  it('tells scenes, folders, zips, templates and job documents apart', async () => {
    expect(await kind('a.blend', '')).toBe('scene');
    expect(await kind('a.ZIP', '')).toBe('zip');
    expect(await kind('l.json', '{"v":"5","fr":24,"op":3,"layers":[]}')).toBe('scene');
    expect(await kind('j.json', '{"version":1,"name":"x"}')).toBe('document');
    expect(await kind('e.json', '{"engine":"null"}')).toBe('document');
    expect((await classifyInput(folder)).kind).toBe('folder');
    expect(await classifyInput('template:title')).toEqual({ kind: 'template', ref: 'template:title' });
  });

  it('hands the very bytes of a document on', async () => {
    const bytes = Buffer.from('{ "version": 1,\n "name": "x" }');
    writeFileSync(join(folder, 'b.json'), bytes);
    const input = await classifyInput(join(folder, 'b.json'));
    expect(input.kind === 'document' && Buffer.from(input.bytes).equals(bytes)).toBe(true);
  });

  it('reads JSON of any depth without falling over', async () => {
    const deep = `{"version":1,"data":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;
    expect(await kind('deep.json', deep)).toBe('document');
  });

  it.each([
    ['text.json', 'hello', 'is not JSON'],
    ['latin1.json', Buffer.from([0x7b, 0xe9, 0x7d]), 'not UTF-8'],
    ['list.json', '[1]', 'holds a list'],
    ['other.json', '{"name":"my-package"}', 'neither'],
  ])('refuses %s', async (name, content, expected) => {
    await expect(kind(name, content)).rejects.toThrow(expected);
  });

  it('says that a file is not there', async () => {
    await expect(classifyInput(join(folder, 'none.blend'))).rejects.toThrow('is not there');
  });
});
