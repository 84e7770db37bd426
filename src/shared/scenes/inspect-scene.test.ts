import { mkdtemp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ByteSource } from './byte-source.ts';
import { inspectScene } from './inspect-scene.ts';

const BLENDS = join(import.meta.dirname, '../../../test/fixtures/blend');
const LOTTIE = { v: '5.12.0', fr: 24, ip: 0, op: 48, w: 640, h: 360, layers: [] as unknown[] };

let folder: string;
let plain: Buffer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farmhand-scenes-'));
  plain = await unpacked(join(BLENDS, 'scene-3.4.blend'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function put(path: string, content: string | Uint8Array): Promise<string> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
}

const paths = (files: readonly { path: string }[]): string[] => files.map((file) => file.path).sort();

describe('a Lottie animation', () => {
  it('tells its frames, rate, size, pictures and fonts', async () => {
    await put('l/images/a.png', 'png');
    await put('l/fonts/Inter-Bold.ttf', 'ttf');
    const scene = await put(
      'l/a.json',
      JSON.stringify({
        ...LOTTIE,
        ip: 5,
        op: 30.5,
        assets: [
          { id: 'i0', w: 8, h: 8, u: 'images/', p: 'a.png', e: 0 },
          { id: 'i1', w: 8, h: 8, u: '', p: 'data:image/png;base64,AAAA', e: 1 },
          { id: 'i2', w: 8, h: 8, u: 'images/', p: 'gone.png', e: 0 },
          { id: 's0', u: '', p: 'sound.mp3', e: 0 },
        ],
        fonts: {
          list: [
            { fName: 'Inter-Bold', fFamily: 'Inter', fStyle: 'Bold' },
            { fName: 'Gone', fFamily: 'Gone' },
          ],
        },
      }),
    );
    const found = await inspectScene(scene);
    expect(found).toMatchObject({
      engine: 'lottie',
      scene: 'a.json',
      frames: '5-30',
      fps: 24,
      width: 640,
      height: 360,
    });
    expect(paths(found.files)).toEqual(['a.json', 'fonts/Inter-Bold.ttf', 'images/a.png']);
    expect(found.missing).toEqual(['images/gone.png (named in a.json)']);
    expect(found.notes.join()).toContain('Gone');
  });

  it('does not take files from outside its folder, by path or by link', async () => {
    await put('outside.png', 'png');
    await mkdir(join(folder, 'o'), { recursive: true });
    await symlink(join(folder, 'outside.png'), join(folder, 'o/link.png'));
    const assets = [
      { id: 'a', w: 1, h: 1, u: '', p: '../outside.png' },
      { id: 'b', w: 1, h: 1, u: '', p: 'link.png' },
    ];
    const found = await inspectScene(await put('o/a.json', JSON.stringify({ ...LOTTIE, assets })));
    expect(paths(found.files)).toEqual(['a.json']);
    expect(found.missing).toHaveLength(2);
  });

  it.each([
    ['{"a": 1}', /ip is nothing.*layers is nothing/],
    [JSON.stringify({ ...LOTTIE, op: 0 }), /op is 0, expected the frame after the last/],
    ['[1]', /holds no JSON object/],
    ['{"a": ', /not readable as JSON/],
    [new Uint8Array([0x7b, 0xff, 0x7d]), /not readable as JSON/],
  ])('refuses what is none: %s', async (content, message) => {
    await expect(inspectScene(await put('n/bad.json', content))).rejects.toThrow(message);
  });
});

describe('a POV-Ray scene', () => {
  it('takes its animation from the .ini and follows includes and pictures', async () => {
    await put(
      'p/s.pov',
      '#include "colors.inc"\n#include "parts/a.inc"\n#if (0) #include "never.inc" #end\n// #include "comment.inc"\n',
    );
    await put(
      'p/parts/a.inc',
      'image_map { png "tex/wood.png" }\n#include "b.inc"\ntext { ttf "timrom.ttf" "png" 1, 0 }',
    );
    await put('p/tex/wood.png', 'png');
    const scene = await put(
      'p/s.ini',
      'Input_File_Name=s.pov ; the scene\nInitial_Frame=2\nFinal_Frame=21\n+W320 +H180\n[high]\nWidth=9999\n',
    );
    const found = await inspectScene(scene);
    expect(found).toMatchObject({ engine: 'povray', frames: '2-21', width: 320, height: 180 });
    expect(paths(found.files)).toEqual(['parts/a.inc', 's.ini', 's.pov', 'tex/wood.png']);
    expect(found.missing).toEqual(['b.inc (named in a.inc)']);
    expect(found.notes.join()).toContain('never.inc');
  });

  it('looks for files of a scene inside a folder from the scene on', async () => {
    await put('q/scenes/s.pov', '#include "../common/c.inc"');
    await put('q/common/c.inc', '#declare A = 1;');
    const found = await inspectScene(join(folder, 'q'), 'scenes/s.pov');
    expect(paths(found.files)).toEqual(['common/c.inc', 'scenes/s.pov']);
    const alone = await inspectScene(join(folder, 'q/scenes/s.pov'));
    expect(alone.missing).toEqual(['../common/c.inc (outside the folder; submit the folder around both)']);
  });

  it('is not led round in circles by includes', async () => {
    await put('c/a.inc', '#include "s.pov"');
    const found = await inspectScene(await put('c/s.pov', '#include "a.inc"'));
    expect(paths(found.files)).toEqual(['a.inc', 's.pov']);
  });
});

describe('a .blend', () => {
  it.each(['3.4', '4.5', '5.0'])(
    'of Blender %s tells frames, size and files, linked libraries too',
    async (version) => {
      const found = await inspectScene(join(BLENDS, `scene-${version}.blend`));
      expect(found).toMatchObject({ engine: 'blender', frames: '3-17', fps: 29.97, width: 320, height: 200 });
      expect(paths(found.files)).toEqual(['library.blend', `scene-${version}.blend`, 'textures/grid.png']);
      expect(found.missing).toEqual([`textures/missing.png (named in scene-${version}.blend)`]);
    },
  );

  it('may be uncompressed or packed with gzip', async () => {
    for (const bytes of [plain, gzipSync(plain)])
      expect((await inspectScene(await put('b/s.blend', bytes))).frames).toBe('3-17');
  });

  it('is refused in a sentence when it is cut off or damaged, wherever that is', async () => {
    const packed = await readFile(join(BLENDS, 'scene-5.0.blend'));
    for (const bytes of [plain, packed]) {
      for (const share of [0, 0.001, 0.3, 0.7, 0.99]) {
        const file = await put('b/cut.blend', bytes.subarray(0, Math.floor(bytes.length * share)));
        await expect(inspectScene(file)).rejects.toThrow(/cut\.blend cannot be read as a \.blend/);
      }
    }
  });

  it('survives every length and count being a lie', async () => {
    const dna = plain.indexOf('DNA1');
    for (const at of [16, 20, dna + 4, dna + 32, dna + 36]) {
      for (const value of [0xffffffff, 0x7fffffff, 0]) {
        const lie = Buffer.from(plain);
        lie.writeUInt32LE(value, at);
        // Any answer will do but a crash, a hang or memory without end.
        await inspectScene(await put('b/lie.blend', lie)).catch((error: unknown) => {
          expect(error).toHaveProperty('code', 'invalid');
        });
      }
    }
  });
});

it('names the kinds of scenes for a file of another kind, and says what is not there', async () => {
  await expect(inspectScene(await put('x/a.txt', 'x'))).rejects.toThrow(/expected \.blend, \.pov, \.ini/);
  await expect(inspectScene(join(folder, 'x/gone.pov'))).rejects.toThrow(/is not there/);
});

async function unpacked(path: string): Promise<Buffer> {
  const source = await ByteSource.open(path, 1e9);
  const parts: Buffer[] = [];
  try {
    for (;;) parts.push(await source.take(1));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the end
  }
  return Buffer.concat(parts);
}

describe('a page', () => {
  it('tells its frames, rate, size and the files that it names', async () => {
    await put('w/css/a.css', '@import "b.css"; p { background: url("../pics/p q.png") } /* url(gone.png) */');
    await put('w/css/b.css', '@font-face { src: url(data:font/woff2;base64,AA), url(../f.woff2) }');
    await put('w/pics/p q.png', 'png');
    await put('w/f.woff2', 'font');
    await put('w/js/main.js', "import { a } from './lib.js'; import 'bare'; export * from \"../top.js\";");
    await put('w/js/lib.js', "const later = () => import('/js/deep.mjs');");
    await put('w/js/deep.mjs', '// import "./gone.js"\n');
    await put('w/top.js', '');
    await put('w/wide.png', 'png');
    const scene = await put(
      'w/index.html',
      `<!-- <meta name="farmhand" content="frames=7-8"> <img src="gone.png"> -->
      <META content='frames=1-90, fps=29.97 width=640 height=360' name="farmhand">
      <link rel=stylesheet href=css/a.css?v=2><script type="module" src="js/main.js"></script>
      <img srcset="wide.png 2x, lost.png 1x" src="https://cdn.example.com/x.png"><a href="other.html">no file</a>`,
    );
    const found = await inspectScene(scene);
    expect(found).toMatchObject({ engine: 'html', scene: 'index.html', frames: '1-90', fps: 29.97 });
    expect(found).toMatchObject({ width: 640, height: 360, missing: ['lost.png (named in index.html)'] });
    expect(paths(found.files)).toEqual([
      ...['css/a.css', 'css/b.css', 'f.woff2', 'index.html', 'js/deep.mjs', 'js/lib.js', 'js/main.js'],
      ...['pics/p q.png', 'top.js', 'wide.png'],
    ]);
    expect(found.notes).toEqual([
      expect.stringContaining('https://cdn.example.com/x.png will not be loaded'),
    ]);
  });

  it('may say nothing about itself, but nothing senseless', async () => {
    const plain = await inspectScene(await put('w2/a.htm', '<p>hello'));
    expect(plain).toMatchObject({ frames: '0', fps: 30, width: 1280, height: 720, missing: [] });
    expect(plain.notes.join()).toContain('frames=0-89');
    const scene = await put('w2/b.html', '<meta name="farmhand" content="frames=9-1x2 fps=-3 width=1.5">');
    await expect(inspectScene(scene)).rejects.toThrow(
      /frames is "9-1x2".*fps is "-3", expected a number up to 1000; width is "1.5", expected a whole number/,
    );
  });

  it('does not take along what lies outside its folder', async () => {
    await put('secret.txt', 'secret');
    const scene = await put('w3/a.html', '<img src="../secret.txt"><script src="/../secret.txt"></script>');
    const found = await inspectScene(scene);
    expect(paths(found.files)).toEqual(['a.html']);
    expect(found.missing).toHaveLength(2);
  });
});

describe('a drawing and a Synfig animation', () => {
  it('tell their size, time and files, packed or not', async () => {
    await put('x/logo.png', 'png');
    const svg = `<?xml version="1.0"?><!-- <svg width="1"> --><svg:svg xmlns:svg="http://www.w3.org/2000/svg" viewBox="0 0 300 200.4" width='150mm' height="200px">
      <a href="https://example.com"/><image xlink:href="logo.png"/><use href="#logo"/><image href="data:image/png;base64,AA"/>
      <image href="https://example.com/x.png"/><image href="gone.png"/><svg:text x="1" id="title">Hi</svg:text></svg:svg>`;
    const drawing = await inspectScene(await put('x/a.svgz', gzipSync(svg)));
    expect(drawing).toMatchObject({ engine: 'inkscape', frames: '0', fps: null, width: 300, height: 200 });
    expect(drawing.slots).toEqual([{ name: 'title', kind: 'text' }]);
    expect(paths(drawing.files)).toEqual(['a.svgz', 'logo.png']);
    expect(drawing.missing).toEqual([
      'https://example.com/x.png (not a file beside the scene)',
      'gone.png (named in a.svgz)',
    ]);
    const sif = `<canvas version="1.2" width="480" height="270" fps="24.000" begin-time="1s" end-time="1m 14s 22f">
      <param name="filename"><string>logo.png</string></param><param name="canvas" canvas="#own"/>
      <defs><real id="size" value="1"/></defs><layer type="text" active="true" desc="title"/></canvas>`;
    const animation = await inspectScene(await put('x/a.sif', sif));
    expect(animation).toMatchObject({
      engine: 'synfig',
      frames: '24-1798',
      fps: 24,
      width: 480,
      height: 270,
    });
    expect(animation.slots).toEqual([
      { name: 'title', kind: 'text' },
      { name: 'size@value', kind: 'number' },
    ]);
    expect(paths(animation.files)).toEqual(['a.sif', 'logo.png']);
    await expect(inspectScene(await put('x/b.svg', '<html></html>'))).rejects.toThrow('no SVG drawing');
    await expect(inspectScene(await put('x/b.sif', '<canvas fps="0">'))).rejects.toThrow('fps is 0');
    await expect(inspectScene(await put('x/c.sifz', Buffer.from('1f8b00', 'hex')))).rejects.toThrow(
      'unpacked',
    );
  });
});
