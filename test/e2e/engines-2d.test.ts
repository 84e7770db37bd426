import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EngineSession, RenderedFrame } from '../../src/worker/engines/engine.ts';
import { engineOf } from '../../src/worker/engines/index.ts';
import { loadedDefinition } from '../../src/worker/engines/definition/engine-of-definition.ts';
import { inkscapeEngine } from '../../src/worker/engines/inkscape/engine.ts';
import { synfigEngine } from '../../src/worker/engines/synfig/engine.ts';
import { EngineHarness, decode, type HarnessOptions } from '../support/engine-harness.ts';
import { engineHere } from '../support/engine-needs.ts';

const imagemagickEngine = engineOf(loadedDefinition('imagemagick'));
const inkscape = await engineHere(inkscapeEngine, 'inkscape');
const synfig = await engineHere(synfigEngine, 'synfig');
const imagemagick = await engineHere(imagemagickEngine, 'imagemagick');

const EXAMPLES = '/usr/share/doc/synfig-examples/examples';
/** Text that would be code, markup or an option, if anything took it for that. */
const HOSTILE = `</text><image href="/etc/hostname"/>&"'--]]> $(id) \u0001`;

let harness: EngineHarness;

afterEach(async () => {
  await harness.dispose();
});

const main = (rendered: RenderedFrame): string => rendered.files[0]?.path ?? '';
const bytes = async (rendered: RenderedFrame): Promise<string> =>
  (await readFile(main(rendered))).toString('base64');

async function pixel(rendered: RenderedFrame, x: number, y: number): Promise<number[]> {
  const { pixels, width } = await decode(main(rendered));
  return [...pixels.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)];
}

async function write(name: string, content: string | Buffer): Promise<string> {
  await mkdir(join(harness.folder, 'scene'), { recursive: true });
  const path = join(harness.folder, 'scene', name);
  await writeFile(path, content);
  return path;
}

describe.skipIf(inkscape.skip)(`Inkscape${inkscape.note}`, () => {
  const CARD = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="200" height="100" viewBox="0 0 200 100">
    <rect id="bar" width="100" height="50" fill="#0000ff"/>
    <text id="title" x="10" y="80" font-size="16"><tspan id="t1" font-weight="bold">Old</tspan> text</text>
    <!-- id="secret" --></svg>`;

  beforeEach(async () => {
    harness = await EngineHarness.create(inkscapeEngine, inkscape.detected);
  });
  const open = async (svg: string, options: Partial<HarnessOptions> = {}): Promise<EngineSession> =>
    harness.open({ scenePath: await write('card.svg', svg), output: { format: 'png' }, ...options });

  it('draws a picture with data in it, the same bytes each time', async () => {
    const data = { title: 'New', 'bar@width': 200, 'bar@fill': '#ff0000' };
    const plain = await harness.render(
      await open(CARD, { output: { format: 'png', width: 400, height: 200 } }),
      0,
    );
    expect(await decode(main(plain))).toMatchObject({ width: 400, height: 200 });
    expect(await pixel(plain, 300, 20)).toEqual([255, 255, 255, 0]);
    const filled = await harness.render(await open(CARD, { data, settings: { background: '#00ff00' } }), 0);
    expect(await pixel(filled, 150, 20)).toEqual([255, 0, 0, 255]);
    expect(await pixel(filled, 150, 95)).toEqual([0, 255, 0, 255]);
    const again = await harness.render(await open(CARD, { data, settings: { background: '#00ff00' } }), 0);
    expect(await bytes(again)).toBe(await bytes(filled));
    const other = await open(CARD, {
      data: { ...data, title: 'Other' },
      settings: { background: '#00ff00' },
    });
    expect(await bytes(await harness.render(other, 0))).not.toBe(await bytes(filled));
  });

  it('takes data for places that XPath finds', async () => {
    const data = {
      '//svg:text[@font-size="16"]/svg:tspan': HOSTILE,
      '/svg:svg/svg:rect[1]/@fill': '#ff0000',
      '//*[@id="bar"]/@width': 200,
    };
    const session = await open(CARD, { data });
    const shown = await harness.render(session, 0);
    expect(await pixel(shown, 150, 20)).toEqual([255, 0, 0, 255]);
    const names = await readdir(join(harness.folder, 'scene'));
    const copy = names.find((name) => name.startsWith('farmhand-')) ?? '';
    expect(await readFile(join(harness.folder, 'scene', copy), 'utf8')).toBe(
      CARD.replace(
        'width="100" height="50" fill="#0000ff"',
        'width="200" height="50" fill="#ff0000"',
      ).replace(
        '>Old</tspan>',
        `>&lt;/text&gt;&lt;image href="/etc/hostname"/&gt;&amp;"'--]]&gt; $(id) \ufffd</tspan>`,
      ),
    );
    for (const [key, message] of [
      ['//svg:nothing', 'finds nothing'],
      ['//svg:text[', 'expected XPath 1.0'],
      ['count(//svg:text)', 'nothing called'],
      ['//svg:rect/@id', 'the attribute may be one of'],
      ['//svg:rect', '<rect> takes no text'],
      ['/svg:svg/comment()', 'takes no value'],
      ['//nobody:text', 'nobody'],
    ])
      await expect(open(CARD, { data: { [key ?? '']: 'x' } }), key).rejects.toMatchObject({
        failure: 'scene',
        message: expect.stringContaining(message ?? '') as string,
      });
  });

  it('keeps text text, and a packed drawing as it is', async () => {
    const path = await write('card.svgz', gzipSync(CARD));
    const session = await harness.open({
      scenePath: path,
      data: { title: HOSTILE },
      output: { format: 'png' },
    });
    expect((await harness.render(session, 0)).files).toHaveLength(1);
    const [copy] = (await readdir(join(harness.folder, 'scene'))).filter((name) =>
      name.startsWith('farmhand-'),
    );
    const svg = await readFile(join(harness.folder, 'scene', copy ?? ''), 'utf8');
    expect(svg).toBe(
      CARD.replace(
        '>Old</tspan> text</text>',
        `>&lt;/text&gt;&lt;image href="/etc/hostname"/&gt;&amp;"'--]]&gt; $(id) \ufffd</tspan></text>`,
      ),
    );
  });

  it('names what is wrong with data, files and the drawing', async () => {
    const refusal = async (svg: string, data = {}, settings = {}): Promise<unknown> =>
      open(svg, { data, settings }).catch((error: unknown) => error);
    const scene = (message: string): object => ({
      failure: 'scene',
      message: expect.stringContaining(message) as string,
    });
    expect(await refusal(CARD, { secret: 'x' })).toMatchObject(
      scene('nothing called "secret"; it has bar, title, t1'),
    );
    expect(await refusal(CARD, { bar: 'x' })).toMatchObject(scene('<rect> takes no text'));
    expect(await refusal(CARD, { 'bar@style': 'x' })).toMatchObject(scene('the attribute may be one of'));
    expect(await refusal(CARD, { 'bar@fill': 'url(file:///etc/passwd)' })).toMatchObject(
      scene('names something'),
    );
    expect(await refusal(CARD, { title: { a: 1 } })).toMatchObject(scene('title'));
    const image = (href: string): string => CARD.replace('<!--', `<image xlink:href="${href}"/><!--`);
    for (const href of [
      '/etc/hostname',
      'file:///etc/hostname',
      '../../../../etc/hostname',
      'https://example.com/a.png',
    ])
      expect(await refusal(image(href))).toMatchObject(scene('not a file of its own folder'));
    expect(await refusal(image('logo.png'))).toMatchObject({ failure: 'missing-asset' });
    const style = CARD.replace('<!--', '<style><![CDATA[ @import "/etc/hostname"; ]]></style><!--');
    expect(await refusal(style)).toMatchObject(scene('/etc/hostname'));
    expect(await refusal(`<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/hostname">]>${CARD}`)).toMatchObject(
      scene('declares entities'),
    );
    const broken = await open(CARD.slice(0, 200));
    await expect(harness.render(broken, 0)).rejects.toMatchObject({ failure: 'scene', sessionUsable: true });
    const object = await open(CARD, { settings: { object: 'nope' } });
    await expect(harness.render(object, 0)).rejects.toThrow('was not found');
  });
});

describe.skipIf(synfig.skip)(`Synfig${synfig.note}`, () => {
  const MOVING = `<?xml version="1.0" encoding="UTF-8"?>
<canvas version="1.2" width="80" height="45" xres="2834.6" yres="2834.6" gamma-r="1.0" gamma-g="1.0" gamma-b="1.0" view-box="-4 2.25 4 -2.25" antialias="1" fps="10" begin-time="0f" end-time="2s" bgcolor="0.5 0.5 0.5 1">
  <defs><real id="size" value="1.0"/></defs>
  <layer type="solid_color" active="true" version="0.1" desc="ground"><param name="amount"><real value="1"/></param>
    <param name="color"><color><r>0</r><g>0</g><b>1</b><a>1</a></color></param></layer>
  <layer type="rectangle" active="true" version="0.2">
    <param name="amount"><real value="1"/></param>
    <param name="color"><color><r>1</r><g>0</g><b>0</b><a>1</a></color></param>
    <param name="point1"><vector><x>-4</x><y>2.25</y></vector></param>
    <param name="point2"><animated type="vector">
      <waypoint time="0s" before="linear" after="linear"><vector><x>-4</x><y>-2.25</y></vector></waypoint>
      <waypoint time="2s" before="linear" after="linear"><vector><x>4</x><y>-2.25</y></vector></waypoint>
    </animated></param>
    <param name="expand"><real value="0"/></param></layer>
  <layer type="text" active="true" version="0.3" desc="title"><param name="text"><string>Old</string></param>
    <param name="color"><color><r>1</r><g>1</g><b>1</b><a>1</a></color></param>
    <param name="size"><vector><x>0.5</x><y>0.5</y></vector></param></layer>
</canvas>`;

  beforeEach(async () => {
    harness = await EngineHarness.create(synfigEngine, synfig.detected);
  });
  const open = async (sif: string, options: Partial<HarnessOptions> = {}): Promise<EngineSession> =>
    harness.open({ scenePath: await write('a.sif', sif), output: { format: 'png' }, ...options });

  it('shows each frame at its time, with data in it', async () => {
    const output = { format: 'png', width: 160, height: 90 };
    const session = await open(MOVING, { output });
    const middle = await harness.render(session, 10);
    expect(await decode(main(middle))).toMatchObject({ width: 160, height: 90 });
    // The red ground has come half way.
    expect((await pixel(middle, 40, 85)).slice(0, 3)).toEqual([255, 0, 0]);
    expect((await pixel(middle, 120, 85)).slice(0, 3)).toEqual([0, 0, 255]);
    expect((await pixel(await harness.render(session, 19), 140, 85)).slice(0, 3)).toEqual([255, 0, 0]);
    expect(await bytes(await harness.render(session, 10))).toBe(await bytes(middle));
    const titled = await open(MOVING, { output, data: { title: HOSTILE, 'size@value': 2 } });
    expect(await bytes(await harness.render(titled, 10))).not.toBe(await bytes(middle));
  });

  it('fails where Synfig fails or says nothing', async () => {
    const failure = async (sif: string, data = {}): Promise<unknown> =>
      open(sif, { data })
        .then((session) => harness.render(session, 0))
        .catch((error: unknown) => error);
    expect(await failure(MOVING.slice(0, 700))).toMatchObject({
      failure: 'scene',
      message: expect.stringContaining('not well-formed') as string,
    });
    expect(await failure(MOVING, { nope: 'x' })).toMatchObject({
      message: expect.stringContaining('it has size, ground, title') as string,
    });
    const picture = MOVING.replace(
      '</canvas>',
      '<layer type="import" active="true" version="0.1"><param name="filename"><string>gone.png</string></param></layer></canvas>',
    );
    expect(await failure(picture)).toMatchObject({ failure: 'missing-asset' });
  });

  it('renders animations that nobody here made', async () => {
    const path = await write('cells.sif', '');
    await copyFile(join(EXAMPLES, 'cells.sif'), path);
    const session = await harness.open({
      scenePath: path,
      output: { format: 'png', width: 120, height: 90 },
    });
    const frames = [await harness.render(session, 0), await harness.render(session, 150)];
    const [first, later] = await Promise.all(frames.map((frame) => decode(main(frame))));
    expect(first).toMatchObject({ width: 120, height: 90 });
    expect(later?.pixels.equals(first?.pixels ?? Buffer.alloc(0))).toBe(false);
  });
});

describe.skipIf(imagemagick.skip)(`ImageMagick${imagemagick.note}`, () => {
  const PNG = { format: 'png' };

  beforeEach(async () => {
    harness = await EngineHarness.create(imagemagickEngine, imagemagick.detected);
  });

  async function picture(name: string, size: [number, number], background: string): Promise<string> {
    const [width, height] = size;
    return write(
      name,
      await sharp({ create: { width, height, channels: 4, background } })
        .png()
        .toBuffer(),
    );
  }
  async function inputs(): Promise<Record<string, { frame: number; path: string }[]>> {
    const frames = [1, 2].map(async (frame) => ({
      frame,
      path: await picture(`f${frame}.png`, [80, 60], frame === 1 ? '#ff0000' : '#00ff00'),
    }));
    const over = { frame: 0, path: await picture('logo.png', [20, 10], '#0000ff80') };
    return { frames: await Promise.all(frames), over: [over] };
  }

  it('lays another step’s pictures on each frame', async () => {
    const settings = { gravity: 'southeast', x: 5, y: 5 };
    const session = await harness.open({ scenePath: null, settings, output: PNG });
    const given = await inputs();
    const first = await harness.render(session, 1, { inputs: given });
    const second = await harness.render(session, 2, { inputs: given });
    expect(await decode(main(first))).toMatchObject({ width: 80, height: 60 });
    expect(await pixel(first, 10, 10)).toEqual([255, 0, 0, 255]);
    expect(await pixel(first, 65, 50)).toEqual([127, 0, 128, 255]);
    expect(await pixel(second, 65, 50)).toEqual([0, 127, 128, 255]);
    expect(await bytes(await harness.render(session, 1, { inputs: given }))).toBe(await bytes(first));
  });

  it('blends, moves outwards and scales as the settings say', async () => {
    const render = async (
      settings: HarnessOptions['settings'],
      output: HarnessOptions['output'],
    ): Promise<RenderedFrame> =>
      harness.render(await harness.open({ scenePath: null, output, ...(settings && { settings }) }), 1, {
        inputs: await inputs(),
      });
    const plus = await render({ operation: 'plus', gravity: 'northwest', x: -10 }, PNG);
    expect(await pixel(plus, 5, 5)).toEqual([255, 0, 128, 255]);
    expect(await pixel(plus, 15, 5)).toEqual([255, 0, 0, 255]);
    const faint = await render({ opacity: 0.5 }, { format: 'webp', width: 160 });
    expect(await decode(main(faint))).toMatchObject({ width: 160, height: 120 });
    const [red = 0, , blue = 0] = await pixel(faint, 80, 60);
    expect([red > 180 && red < 200, blue > 55 && blue < 75]).toEqual([true, true]);
  });

  it('opens pictures only, whatever their names say', async () => {
    const session = await harness.open({ scenePath: null, output: PNG });
    const given = await inputs();
    const other = async (name: string, content: string): Promise<unknown> => {
      const over = [{ frame: 1, path: await write(name, content) }];
      return harness.render(session, 1, { inputs: { ...given, over } }).catch((error: unknown) => error);
    };
    const mvg = `push graphic-context\nimage over 0,0 0,0 '/etc/hostname'\npop graphic-context`;
    expect(await other('a.png', mvg)).toMatchObject({ failure: 'bad-output', sessionUsable: true });
    for (const name of ['a.mvg', 'a.svg', 'a.pdf', 'a.txt'])
      expect(await other(name, mvg)).toMatchObject({
        message: expect.stringContaining('not allowed by the security policy') as string,
      });
    await expect(harness.render(session, 1, { inputs: { frames: given['frames'] ?? [] } })).rejects.toThrow(
      'needs an input called "over"; it has frames',
    );
  });
});
