import { createRequire } from 'node:module';
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CanvasKit } from 'canvaskit-wasm';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LottieRenderer } from '../../src/worker/engines/lottie/renderer.ts';
import { WholeFarm } from '../support/whole-farm.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/templates/title-card');
const ROWS = 500;
/** As many rows again have the data of an earlier one. */
const DISTINCT = 400;
const OUTPUT = { format: 'png', width: 128, height: 72 };
const FRAME = 40;
/** What tables bring along, and what must stay text. */
const HOSTILE = [
  '=1+1',
  '"quoted", with a comma',
  '$(id)',
  '<b>bold</b>',
  'one\ntwo',
  '{title}',
  "'; DROP",
  'Ünïcode ß',
];

let farm: WholeFarm;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farmhand-500-rows-'));
  farm = await WholeFarm.start({ up: ['--workers', '1'] });
}, 120_000);

afterAll(async () => {
  await farm.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Row by row another title: a number that no other has, and every seventh with something that looks like code. */
function titleOf(row: number): string {
  const distinct = row % DISTINCT;
  return distinct % 7 === 0
    ? `${distinct} ${HOSTILE[(distinct / 7) % HOSTILE.length] ?? ''}`
    : `Row ${distinct}`;
}

async function pushSmallCard(): Promise<void> {
  const card = join(folder, 'small-card');
  await cp(EXAMPLE, card, { recursive: true });
  const file = join(card, 'template.json');
  const template = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  await writeFile(file, JSON.stringify({ ...template, name: 'small-card', defaults: { output: OUTPUT } }));
  expect(await farm.cli(['template', 'push', card])).toMatchObject({ code: 0 });
}

/** The picture that a title must give: the text is written into the animation by hand, and no farm draws it. */
async function expectedPictures(titles: Iterable<string>): Promise<Map<string, string>> {
  const kit = await (createRequire(import.meta.url)('canvaskit-wasm/full') as () => Promise<CanvasKit>)();
  const scenePath = join(folder, 'small-card', 'by-hand.json');
  const scene = await readFile(join(EXAMPLE, 'title-card.json'), 'utf8');
  const placeholder = '"Title card","f":';
  expect(JSON.stringify(JSON.parse(scene)).split(placeholder)).toHaveLength(2);
  const expected = new Map<string, string>();
  for (const title of titles) {
    const text = JSON.stringify(title.replaceAll('\n', '\r'));
    await writeFile(
      scenePath,
      JSON.stringify(JSON.parse(scene)).replace(placeholder, () => `${text},"f":`),
    );
    const options = { scenePath, data: {}, background: undefined, quality: undefined, paths: [], ...OUTPUT };
    const renderer = await LottieRenderer.open(kit, options);
    expected.set(title, (await renderer.render(FRAME)).toString('base64'));
    renderer.dispose();
  }
  return expected;
}

it('500 rows give 500 pictures, each with the text of its own row', async () => {
  await pushSmallCard();
  const titles = Array.from({ length: ROWS }, (_, row) => titleOf(row));
  const table = join(folder, 'rows.csv');
  await writeFile(
    table,
    `title\r\n${titles.map((title) => `"${title.replaceAll('"', '""')}"\r\n`).join('')}`,
  );
  const dir = join(folder, 'pictures');
  const args = ['--batch', table, '--frames', String(FRAME), '--name-pattern', '{row:03}', '--download', dir];
  const { code, stdout, stderr } = await farm.cli(['render', 'small-card', ...args]);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  const results = parse<Record<string, string>>(stdout, { columns: true });
  expect(results).toHaveLength(ROWS);
  expect(await readdir(dir)).toHaveLength(ROWS);

  const expected = await expectedPictures(new Set(titles));
  expect(expected.size).toBe(DISTINCT);
  // Where data differs, pictures differ: a right picture is right for one title only.
  expect(new Set(expected.values()).size).toBe(DISTINCT);
  const wrong: string[] = [];
  for (const [row, title] of titles.entries()) {
    const result = results[row];
    expect(result).toMatchObject({ row: String(row + 1), state: 'completed' });
    const picture = await readFile(result?.['files'] ?? '');
    if (picture.toString('base64') !== expected.get(title)) wrong.push(`row ${row + 1}: ${title}`);
  }
  expect(wrong).toEqual([]);
}, 300_000);
