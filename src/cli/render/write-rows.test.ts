import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeRows, type WrittenRows } from './write-rows.ts';

const schema = {
  type: 'object',
  properties: {
    title: { type: 'string', minLength: 1 },
    note: { type: 'string' },
    accent: { type: 'string', pattern: '^#', default: '#000000' },
    count: { type: 'integer' },
    scale: { type: ['number', 'null'] },
    loud: { type: 'boolean' },
    tags: { type: 'array' },
  },
  required: ['title'],
  additionalProperties: false,
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farmhand-rows-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function written(
  content: string | Buffer,
  namePattern?: string,
): Promise<WrittenRows & { lines: unknown[] }> {
  const [from, to] = [join(folder, 'table.csv'), join(folder, 'rows.jsonl')];
  await writeFile(from, content);
  const result = await writeRows(from, to, { schema, namePattern, signal: new AbortController().signal });
  const text = await readFile(to, 'utf8');
  return {
    ...result,
    lines: text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  };
}

const wrong = async (content: string | Buffer, namePattern?: string): Promise<string> =>
  await written(content, namePattern).then(
    () => 'nothing',
    (error: unknown) => (error as Error).message,
  );

describe('a table', () => {
  it('is typed by the schema; what the schema calls text stays text, and so does what is no number', async () => {
    const { lines } = await written(
      'title,count,scale,loud,tags\n007,007,1e3,TRUE,"[""a""]"\n=1+1,1.5,-.5,yes,[a\n$(id),abc,,false,\n',
    );
    expect(lines).toEqual([
      { title: '007', count: 7, scale: 1000, loud: true, tags: ['a'], $line: 2 },
      { title: '=1+1', count: 1.5, scale: -0.5, loud: 'yes', tags: '[a', $line: 3 },
      { title: '$(id)', count: 'abc', loud: false, $line: 4 },
    ]);
  });

  it('gives an empty cell as the empty text only where the template takes that', async () => {
    expect((await written('title,note,accent,count\n,,,\n')).lines).toEqual([{ note: '', $line: 2 }]);
  });

  it('may have a byte-order mark, CRLF, quotes, line breaks in quotes, semicolons and empty lines', async () => {
    const { lines } = await written('\uFEFFtitle;note\r\n\r\n"a ""b""; c";"one\r\ntwo"\r\n5" tape;x\r\n');
    expect(lines).toEqual([
      { title: 'a "b"; c', note: 'one\r\ntwo', $line: 3 },
      { title: '5" tape', note: 'x', $line: 5 },
    ]);
  });

  it('with ragged rows keeps the others, and names each by its line', async () => {
    const result = await written('title,note\na\nb,c\nd,e,f\n');
    expect(result.rows).toBe(3);
    expect(result.ragged).toEqual([
      'line 2 has 1 cell instead of 2 (title, note)',
      'line 4 has 3 cells instead of 2 (title, note)',
    ]);
    expect(result.lines).toEqual([
      { $line: 2, $problem: '1 cell instead of 2 (title, note)' },
      { title: 'b', note: 'c', $line: 3 },
      { $line: 4, $problem: '3 cells instead of 2 (title, note)' },
    ]);
  });

  it('may have columns that only names are made of', async () => {
    expect((await written('title,file\na,b\n', '{file}')).lines).toEqual([
      { title: 'a', file: 'b', $line: 2 },
    ]);
    const message = await wrong('note,file,note,\na,b,c,d\n', '{shot}');
    for (const part of [
      'column 2: got "file"',
      'column 3: got "note"',
      'column 4',
      'a column "title"',
      '{shot}',
    ])
      expect(message).toContain(part);
  });

  it('that is no table says why', async () => {
    expect(await wrong('')).toContain('is empty');
    expect(await wrong('title\n')).toContain('no rows');
    expect(await wrong(Buffer.from('title\nM\u00fcller', 'latin1'))).toContain('not UTF-8');
    expect(await wrong('title\n"open\nmore\n')).toContain('quote is not closed');
  });

  it('of 20 MB is read at the memory of one of 1 MB', async () => {
    const from = join(folder, 'large.csv');
    await writeFile(from, 'title,note\n');
    const rows = `${'Title,' + 'x'.repeat(993)}\n`.repeat(1_000);
    for (let i = 0; i < 20; i++) await appendFile(from, rows);
    expect((await stat(from)).size).toBeGreaterThan(20_000_000);
    const to = join(folder, 'large.jsonl');
    let most = 0;
    const timer = setInterval(() => (most = Math.max(most, process.memoryUsage().arrayBuffers)), 5);
    const before = process.memoryUsage().arrayBuffers;
    const signal = new AbortController().signal;
    const result = await writeRows(from, to, { schema, namePattern: undefined, signal });
    clearInterval(timer);
    expect(result.rows).toBe(20_000);
    expect(most - before).toBeLessThan(12_000_000);
  }, 60_000);
});
