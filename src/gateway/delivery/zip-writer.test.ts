import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { zipArchive, type ZipEntry } from './zip-writer.ts';

const run = promisify(execFile);
const AT = new Date('2026-11-24T18:30:10Z');
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farmhand-zip-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function* entries(files: Iterable<[string, string]>): AsyncGenerator<ZipEntry> {
  for (const [name, text] of files) {
    const content = Buffer.from(text);
    yield { name, bytes: content.byteLength, content: Readable.from([content]) };
  }
}

async function write(files: AsyncIterable<ZipEntry>): Promise<string> {
  const path = join(folder, 'a.zip');
  await pipeline(Readable.from(zipArchive(files, AT)), createWriteStream(path));
  return path;
}

/** What Python's zipfile finds wrong (None: nothing), and the archive's names and sizes as it reads them. */
const python = async (path: string, code: string): Promise<string> =>
  (
    await run('python3', ['-c', `import zipfile,sys\nz=zipfile.ZipFile(sys.argv[1])\n${code}`, path])
  ).stdout.trim();

const numbered = function* (count: number): Generator<[string, string]> {
  for (let i = 0; i < count; i++) yield [`frame_${i}.png`, `${i}`];
};

describe('zip archives', () => {
  it('are whole for unzip and Python, with names of all kinds, empty files and times', async () => {
    const path = await write(
      entries([
        ['Bär 🐑_0001.png', 'one'],
        ['empty', ''],
        ['-0003.exr', 'x'.repeat(100_000)],
      ]),
    );
    expect((await run('unzip', ['-t', path])).stdout).toContain('No errors detected');
    expect(
      await python(
        path,
        'print(z.testzip(), [(i.filename, i.file_size) for i in z.infolist()], z.infolist()[0].date_time)',
      ),
    ).toBe("None [('Bär 🐑_0001.png', 3), ('empty', 0), ('-0003.exr', 100000)] (2026, 11, 24, 18, 30, 10)");
    expect(await python(path, "print(z.read('Bär 🐑_0001.png'))")).toBe("b'one'");
  });

  it('hold no files, or more than 65,535', async () => {
    expect(await python(await write(entries([])), 'print(z.testzip(), len(z.namelist()))')).toBe('None 0');
    const many = await write(entries(numbered(65_536)));
    expect(await python(many, "print(z.testzip(), len(z.namelist()), z.read('frame_65535.png'))")).toBe(
      "None 65536 b'65535'",
    );
    expect((await run('unzip', ['-tq', many], { maxBuffer: 10_000_000 })).stdout).toContain('No errors');
  }, 120_000);

  it.each([
    ['fewer', 5],
    ['more', 2],
  ])('break off for a content with %s bytes than were said', async (_which, bytes) => {
    async function* wrong(): AsyncGenerator<ZipEntry> {
      yield { name: 'a.png', bytes, content: Readable.from([Buffer.from('abc')]) };
    }
    await expect(write(wrong())).rejects.toThrow(/a\.png has/);
  });
});
