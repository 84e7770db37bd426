import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import sharp from 'sharp';
import { WholeFarm } from '../support/whole-farm.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/templates/title-card');

let farm: WholeFarm;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farmhand-render-test-'));
  farm = await WholeFarm.start({ up: ['--workers', '1'] });
}, 120_000);

afterAll(async () => {
  await farm.stop();
  await rm(folder, { recursive: true, force: true });
});

const resultsOf = (csv: string): Record<string, string>[] => parse(csv, { columns: true });

async function pixels(file: string): Promise<string> {
  return createHash('sha256')
    .update(await sharp(file).raw().toBuffer())
    .digest('hex');
}

describe('render', () => {
  it('makes of 40 rows 40 pictures, equal where the data is equal and different where it differs', async () => {
    // Five titles in four colours, each of the twenty twice.
    const rows = Array.from({ length: 40 }, (_, i) => ({
      title: `Title "${i % 5}", =1+${i % 5}`,
      accent: ['#ff0000', '#00ff00', '#0000ff', '#ffff00'][Math.floor(i / 5) % 4] ?? '',
    }));
    const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    const lines = rows.map(({ title, accent }) => `${cell(title)},,${accent}`);
    const table = join(folder, 'rows.csv');
    await writeFile(table, `\uFEFFtitle,subtitle,accent\r\n${lines.join('\r\n')}\r\nshort,row\r\n`);
    const dir = join(folder, 'pictures');
    const args = ['--frames', '24', '--name-pattern', 'card {row:02}', '--download', dir];
    const { code, stdout, stderr } = await farm.cli(['render', 'title-card', '--batch', table, ...args]);
    expect(stderr).toContain('line 42 has 2 cells instead of 3');
    expect(code).toBe(1); // one row was bad
    const results = resultsOf(stdout);
    expect(results.map((row) => row['state'])).toEqual([...rows.map(() => 'completed'), 'refused']);
    expect(results[0]).toMatchObject({ row: '1', name: 'card 01', files: join(dir, 'card 01.png') });
    expect((await readdir(dir)).sort()).toEqual(
      rows.map((_, i) => `card ${String(i + 1).padStart(2, '0')}.png`),
    );
    const seen = new Map<string, string>();
    for (const [i, { title, accent }] of rows.entries()) {
      const picture = await pixels(join(dir, `card ${String(i + 1).padStart(2, '0')}.png`));
      const key = `${title} ${accent}`;
      expect(seen.get(key) ?? picture).toBe(picture);
      seen.set(key, picture);
    }
    expect(seen.size).toBe(20);
    expect(new Set(seen.values()).size).toBe(20);
  }, 180_000);

  it('makes one video of each row, and the same again with its key is the same batch', async () => {
    const table = join(folder, 'videos.jsonl');
    await writeFile(table, '{"title":"A/B"}\n{"title":"A/B","accent":"#00ff00"}\n');
    const dir = join(folder, 'videos');
    const args = [
      '--batch',
      table,
      '--frames',
      '0-5',
      '--encode',
      'mp4',
      '--name-pattern',
      '{title}',
      '--key',
      'k',
    ];
    const first = await farm.cli(['render', 'title-card', ...args, '--download', dir]);
    expect(first).toMatchObject({ code: 0 });
    expect((await readdir(dir)).sort()).toEqual(['A_B (row 2).mp4', 'A_B.mp4']);
    expect((await readFile(join(dir, 'A_B.mp4'))).subarray(4, 8).toString()).toBe('ftyp');
    const again = await farm.json<{ batch: { id: string }; rows: { jobId: string; paths: string[] }[] }>(
      'render',
      'title-card',
      ...args,
      '--download',
      dir,
    );
    expect(again.rows.map((row) => row.jobId)).toEqual([`${again.batch.id}-1`, `${again.batch.id}-2`]);
    const batches = await farm.json<{ encode: string | null }[]>('batch');
    expect(batches.filter(({ encode }) => encode === 'h264')).toHaveLength(1);
  }, 120_000);

  it('stores a template in versions that never change, and renders each', async () => {
    const card = join(folder, 'card');
    await cp(EXAMPLE, card, { recursive: true });
    const push = async (...args: string[]) =>
      await farm.cli(['template', 'push', card, '--name', 'card', ...args]);
    expect((await push()).stdout).toBe('card@1\n');
    expect((await push('--version', '1')).stdout).toBe('card@1\n');
    const file = join(card, 'template.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace('Title card', 'Other card'));
    const refused = await push('--version', '1');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('versions are never changed');
    expect((await push()).stdout).toBe('card@2\n');
    const shown = await farm.json<{ version: number; label: string }>('template', 'show', 'card@1');
    expect(shown).toMatchObject({ version: 1, label: 'Title card' });
    const list = await farm.json<{ name: string; version: number }[]>('template', 'list');
    expect(list.map(({ name, version }) => [name, version])).toContainEqual(['card', 2]);
    const data = join(folder, 'one.json');
    await writeFile(data, '{"title":"One"}');
    const dir = join(folder, 'one');
    const one = await farm.cli(['render', 'card@1', '--data', data, '--frames', '3', '--download', dir]);
    expect(one.code).toBe(0);
    expect(await readdir(dir)).toEqual(['render_0003.png']);
  }, 120_000);

  it('with a table that does not fit renders nothing', async () => {
    const table = join(folder, 'wrong.csv');
    await writeFile(table, 'titel,accent\nA,#ff0000\n');
    const wrong = await farm.cli(['render', 'title-card', '--batch', table]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('column 1: got "titel"');
    await writeFile(table, 'title,accent\nA,#ff0000\nB,red\n');
    const strict = await farm.cli(['render', 'title-card', '--batch', table, '--strict', '--wait']);
    expect(strict.code).toBe(1);
    expect(strict.stderr).toContain('1 of 2 rows are bad');
    expect(resultsOf(strict.stdout)).toMatchObject([{ row: '2', state: 'refused' }]);
  }, 60_000);
});
