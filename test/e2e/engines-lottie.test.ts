import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lottieEngine } from '../../src/worker/engines/lottie/engine.ts';
import { EngineHarness, decode } from '../support/engine-harness.ts';

const TITLE_CARD = join(import.meta.dirname, '../../examples/templates/title-card/title-card.json');
const require = createRequire(import.meta.url);
const PNG = { format: 'png' };

let harness: EngineHarness;

beforeEach(async () => {
  const detected = await lottieEngine.detect({ cacheDir: undefined });
  if (!detected) throw new Error('Lottie needs nothing installed');
  harness = await EngineHarness.create(lottieEngine, detected);
});
afterEach(async () => {
  await harness.dispose();
});

const main = (rendered: { files: { path: string }[] }): string => rendered.files[0]?.path ?? '';

async function scene(content: unknown, files: Record<string, Buffer> = {}): Promise<string> {
  const path = join(harness.folder, 'scene.json');
  await writeFile(path, JSON.stringify(content));
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(harness.folder, name)), { recursive: true });
    await writeFile(join(harness.folder, name), bytes);
  }
  return path;
}

function picture(asset: Record<string, unknown>): unknown {
  const transform = { o: { a: 0, k: 100 }, p: { a: 0, k: [0, 0, 0] } };
  const layer = { ty: 2, refId: 'i', ind: 1, ks: transform, ip: 0, op: 10, st: 0, sr: 1 };
  return {
    v: '5.12.0',
    fr: 10,
    ip: 0,
    op: 10,
    w: 64,
    h: 32,
    assets: [{ id: 'i', w: 64, h: 32, ...asset }],
    layers: [layer],
  };
}

it('renders the title card with its texts, the same bytes for the same frame', async () => {
  const data = { title: 'Hello', accent: '#00ff00' };
  const first = await harness.open({ scenePath: TITLE_CARD, data, output: PNG });
  const second = await harness.open({ scenePath: TITLE_CARD, data, output: PNG });
  const other = await harness.open({ scenePath: TITLE_CARD, data: { ...data, title: 'Bye' }, output: PNG });
  // In another order, so that nothing of an earlier frame shows in a later one.
  const one = [
    await harness.render(first, 23),
    await harness.render(first, 0),
    await harness.render(first, 47),
  ];
  const two = [
    await harness.render(second, 47),
    await harness.render(second, 23),
    await harness.render(second, 0),
  ];
  const bytes = async (file: string): Promise<string> => (await readFile(file)).toString('base64');
  const [a, b, c] = await Promise.all(one.map((frame) => bytes(main(frame))));
  const [d, e, f] = await Promise.all(two.map((frame) => bytes(main(frame))));
  expect([a, b, c]).toEqual([e, f, d]);
  expect(new Set([a, b, c]).size).toBe(3);
  expect(await bytes(main(await harness.render(other, 23)))).not.toBe(a);
  expect(one.flatMap((frame) => frame.warnings)).toEqual([]);
  expect(await decode(main(one[0] ?? { files: [] }))).toMatchObject({ width: 1280, height: 720 });
});

it('draws the next row of a batch in the session of the last one as in its own', async () => {
  const rows = [{ title: 'A rather long title' }, { title: 'Two', accent: '#ff0000' }];
  const session = await harness.open({ scenePath: TITLE_CARD, data: rows[0]!, output: PNG });
  await harness.render(session, 30);
  const last = { scenePath: TITLE_CARD, data: rows[1]!, output: { format: 'png', width: 640 } };
  await harness.reload(session, last);
  const own = await harness.render(await harness.open(last), 30);
  const next = await harness.render(session, 30);
  expect(await readFile(main(next))).toEqual(await readFile(main(own)));
});

it.each(['jpg', 'webp'])('writes %s in the size asked for, keeping the aspect', async (format) => {
  const background = '#ff0000';
  const session = await harness.open({
    scenePath: TITLE_CARD,
    data: { title: 'Hi' },
    settings: { background },
    output: { format, width: 300, height: 300 },
  });
  const { width, height, pixels } = await decode(main(await harness.render(session, 10)));
  expect([width, height]).toEqual([300, 300]);
  const corner = [...pixels.subarray(0, 3)];
  expect(corner[0]).toBeGreaterThan(240);
  expect(corner[1]).toBeLessThan(16);
});

it('draws pictures beside the animation and inside it', async () => {
  const blue = await sharp({ create: { width: 64, height: 32, channels: 3, background: '#0000ff' } })
    .png()
    .toBuffer();
  const beside = await scene(picture({ u: 'images/', p: 'a.png', e: 0 }), { 'images/a.png': blue });
  const session = await harness.open({ scenePath: beside, output: PNG });
  const shown = await decode(main(await harness.render(session, 0)));
  expect([...shown.pixels.subarray(0, 4)]).toEqual([0, 0, 255, 255]);
  const inside = await scene(picture({ u: '', p: `data:image/png;base64,${blue.toString('base64')}`, e: 1 }));
  const second = await harness.open({ scenePath: inside, output: PNG });
  expect((await decode(main(await harness.render(second, 0)))).pixels.equals(shown.pixels)).toBe(true);
});

it('names what is missing or wrong', async () => {
  const open = async (path: string, data = {}): Promise<unknown> =>
    harness.open({ scenePath: path, data, output: PNG }).catch((error: unknown) => error);
  expect(await open(await scene(picture({ u: 'images/', p: 'a.png' })))).toMatchObject({
    failure: 'missing-asset',
    message: expect.stringContaining('images/a.png') as string,
  });
  const broken = await scene(picture({ u: '', p: 'b.png' }), { 'b.png': Buffer.from('no picture') });
  expect(await open(broken)).toMatchObject({
    failure: 'scene',
    message: expect.stringContaining('b.png') as string,
  });
  expect(await open(await scene({ a: 1 }))).toMatchObject({
    failure: 'scene',
    message: expect.stringContaining('ip is') as string,
  });
  expect(await open(TITLE_CARD, { nope: 'x' })).toMatchObject({
    failure: 'scene',
    message: expect.stringContaining('no slot "nope"; it has title, subtitle, accent') as string,
  });
});

it('refuses a frame that is not there and renders on', async () => {
  const session = await harness.open({ scenePath: TITLE_CARD, data: { title: 'Hi' }, output: PNG });
  await expect(harness.render(session, 48)).rejects.toMatchObject({
    failure: 'scene',
    sessionUsable: true,
    message: 'The animation has frames 0 to 47, and no frame 48.',
  });
  expect((await harness.render(session, 47)).files).toHaveLength(1);
});

it('warns of glyphs and fonts that are not there', async () => {
  const data = { title: 'Hi', subtitle: '漢字' };
  const session = await harness.open({ scenePath: TITLE_CARD, data, output: PNG });
  const { warnings } = await harness.render(session, 30);
  expect(warnings).toEqual(['The font Inter-Regular has no glyphs for: 漢 字']);
  const text = (await readFile(TITLE_CARD, 'utf8')).replaceAll('Inter-Bold', 'Fancy-Bold');
  const alone = await harness.open({
    scenePath: await scene(JSON.parse(text)),
    data: { title: 'Hi' },
    output: PNG,
  });
  expect((await harness.render(alone, 30)).warnings.join()).toContain('Inter-Bold stands in');
});

it('renders animations that nobody here made', async () => {
  const folder = dirname(require.resolve('@coinbase/cds-lottie-files/package.json'));
  const session = await harness.open({
    scenePath: join(folder, 'esm/gift/gift.json'),
    output: { format: 'png', width: 128 },
  });
  const frames = [await harness.render(session, 0), await harness.render(session, 60)];
  const [first, later] = await Promise.all(frames.map((frame) => decode(main(frame))));
  expect(first).toMatchObject({ width: 128, height: 128 });
  expect(later?.pixels.equals(first?.pixels ?? Buffer.alloc(0))).toBe(false);
});

it('ends a session at once when its frame is no longer wanted', async () => {
  const session = await harness.open({ scenePath: TITLE_CARD, data: { title: 'Hi' }, output: PNG });
  const stop = new AbortController();
  const rendering = harness.render(session, 10, { signal: stop.signal });
  stop.abort();
  await expect(rendering).rejects.toThrow('stopped');
});
