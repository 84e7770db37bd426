import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EngineSession, RenderedFrame } from '../../src/worker/engines/engine.ts';
import { htmlEngine } from '../../src/worker/engines/html/engine.ts';
import { EngineHarness, decode, type HarnessOptions } from '../support/engine-harness.ts';
import { engineHere } from '../support/engine-needs.ts';
import { until } from '../support/until.ts';

const here = await engineHere(htmlEngine, 'chromium');
const SMALL = { format: 'png', width: 160, height: 90, fps: 10 };

/** Everything that moves in a page, by each of the ways in which pages move. */
const MOVING = `<!doctype html><meta name="farmhand" content="frames=0-59 fps=10">
<style>
  body { margin: 0; background: #fff }
  .css { position: absolute; width: 10px; height: 10px; background: red; animation: right 4s linear infinite }
  @keyframes right { to { transform: translateX(150px) } }
  .late { position: absolute; top: 12px; width: 10px; height: 10px; background: green; transition: margin-left 1s linear }
  svg, canvas { position: absolute; left: 0; top: 30px }
  p { position: absolute; top: 60px; margin: 0; font: 10px sans-serif }
</style>
<div class="css"></div><div class="late"></div>
<svg width="160" height="10"><circle cy="5" r="5" fill="blue"><animate attributeName="cx" from="0" to="160" dur="4s"/></circle></svg>
<canvas width="160" height="20"></canvas>
<p></p>
<script>
  const context = document.querySelector('canvas').getContext('2d');
  let drawn = 0;
  function draw(now) {
    drawn++;
    context.fillStyle = 'rgb(' + Math.floor(Math.random() * 256) + ',0,200)';
    context.fillRect((drawn * 3) % 160, 10, 4, 4);
    document.querySelector('p').textContent = drawn + ' ' + now + ' ' + Date.now() + ' ' + performance.now() + ' ' + crypto.randomUUID();
    requestAnimationFrame(draw);
  }
  requestAnimationFrame(draw);
  setTimeout(() => document.querySelector('.late').style.marginLeft = '100px', 1000);
  setInterval(() => document.body.style.background = 'hsl(' + Math.random() * 360 + ' 80% 90%)', 700);
  document.querySelector('.late').addEventListener('transitionend', () => document.querySelector('.late').animate([{ opacity: 1 }, { opacity: 0 }], { duration: 1000, fill: 'forwards' }));
</script>`;

describe.skipIf(here.skip)(`html in Chromium${here.note}`, () => {
  let harness: EngineHarness;

  beforeEach(async () => {
    harness = await EngineHarness.create(htmlEngine, here.detected);
  });
  afterEach(async () => {
    await harness.dispose();
  });

  async function page(html: string, files: Record<string, string | Buffer> = {}): Promise<string> {
    const path = join(harness.folder, 'scene/page.html');
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, html);
    for (const [name, content] of Object.entries(files)) {
      const file = join(harness.folder, 'scene', name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
    return path;
  }

  const open = async (html: string, options: Partial<HarnessOptions> = {}): Promise<EngineSession> =>
    harness.open({ scenePath: await page(html), output: SMALL, ...options });
  const main = (rendered: RenderedFrame): string => rendered.files[0]?.path ?? '';
  const bytes = async (rendered: RenderedFrame): Promise<string> =>
    (await readFile(main(rendered))).toString('base64');
  const pixel = async (rendered: RenderedFrame, x: number, y: number): Promise<number[]> => {
    const { pixels, width } = await decode(main(rendered));
    return [...pixels.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)];
  };
  async function framesOf(session: EngineSession, frames: readonly number[]): Promise<Map<number, string>> {
    const taken = new Map<number, string>();
    for (const frame of frames) taken.set(frame, await bytes(await harness.render(session, frame)));
    return taken;
  }

  it('gives the same bytes for a frame in every session, whatever was rendered before it', async () => {
    const scenePath = await page(MOVING);
    const first = await harness.open({ scenePath, output: SMALL });
    // As deep as a worker's folder can lie.
    const second = await harness.open({ scenePath, output: SMALL, workDir: `deep/${'x'.repeat(120)}/work` });
    const one = await framesOf(first, [0, 1, 2, 13, 27, 40]);
    const two = await framesOf(second, [40, 27, 0, 13, 2, 1]);
    for (const [frame, picture] of one) expect(two.get(frame) === picture, `frame ${frame}`).toBe(true);
    expect(new Set(one.values()).size).toBe(6);
  });

  it('shows CSS, SVG, transitions and scripts where they are at the frame’s time', async () => {
    const session = await open(MOVING);
    const at20 = await harness.render(session, 20);
    // Half of 4 s: the red square has gone half of 150 pixels, the circle half of 160.
    expect(await pixel(at20, 75 + 5, 5)).toEqual([255, 0, 0, 255]);
    expect(await pixel(at20, 80, 35)).toEqual([0, 0, 255, 255]);
    // The timer began the transition at 1 s; at 1.5 s it is half way, at 2 s at its end, and then fades.
    const at15 = await harness.render(session, 15);
    expect(await pixel(at15, 50 + 5, 17)).toEqual([0, 128, 0, 255]);
    expect(await pixel(at20, 100 + 5, 17)).toEqual([0, 128, 0, 255]);
    const [, green = 0] = await pixel(await harness.render(session, 25), 105, 17);
    expect(green).toBeGreaterThan(150);
    expect(at20.warnings).toEqual([]);
  });

  it('asks a page with window.seek for any frame', async () => {
    const session = await open(
      `<!doctype html><meta name="farmhand" content="frames=1-90 fps=30">
      <body style="margin:0;background:#000"><script>
      let asked = 0;
      window.seek = async (frame) => {
        asked++;
        await fetch('level.json').then((answer) => answer.json()).then(({ blue }) => {
          document.body.style.background = 'rgb(' + frame + ',' + Math.round(farmhand.time * 60) + ',' + (blue + asked) + ')';
        });
      };</script>`,
      { output: { format: 'png', width: 160 } },
    );
    await writeFile(join(harness.folder, 'scene/level.json'), '{"blue":100}');
    expect(await pixel(await harness.render(session, 61), 5, 5)).toEqual([61, 120, 101, 255]);
    // Not from the first frame on, and not loaded anew: it was asked twice.
    expect(await pixel(await harness.render(session, 31), 5, 5)).toEqual([31, 60, 102, 255]);
    await expect(harness.render(session, 91)).rejects.toMatchObject({
      failure: 'scene',
      sessionUsable: true,
      message: 'The page has frames 1 to 90, and no frame 91.',
    });
    expect((await harness.render(session, 90)).files).toHaveLength(1);
  });

  it('has data before any script, and keeps text text', async () => {
    const html = `<!doctype html><head><script>window.early = window.__DATA__.title</script></head>
      <body style="margin:0"><p id="t" style="font:10px monospace;margin:0"></p><script>
      document.getElementById('t').textContent = early;
      document.body.style.background = early === ${JSON.stringify('</script><script>document.body.remove()</script>\u2028"\'').replaceAll('</', '<\\/')} && typeof __DATA__.n === 'number' ? '#00ff00' : '#ff0000';
      </script>`;
    const title = '</script><script>document.body.remove()</script>\u2028"\'';
    const session = await open(html, { data: { title, n: 1 } });
    const shown = await harness.render(session, 0);
    expect(await pixel(shown, 150, 80)).toEqual([0, 255, 0, 255]);
    expect(shown.warnings).toEqual([]);
    const other = await open(html, { data: { title: 'plain', n: 1 } });
    expect(await pixel(await harness.render(other, 0), 150, 80)).toEqual([255, 0, 0, 255]);
  });

  it('loads modules, styles, fonts and pictures of its folder, and nothing from elsewhere', async () => {
    const blue = await sharp({ create: { width: 40, height: 40, channels: 3, background: '#0000ff' } })
      .png()
      .toBuffer();
    const html = `<!doctype html><link rel="stylesheet" href="css/a.css"><img src="https://cdn.example.com/logo.png">
      <iframe src="file:///etc/hostname" style="position:absolute;top:60px"></iframe>
      <script type="module">import { paint } from './js/paint.js'; paint();
      fetch('http://127.0.0.1:1/x').catch(() => 0); new WebSocket('ws://127.0.0.1:1/');
      fetch('../../../../etc/hostname').catch(() => 0); fetch('%2e%2e%2fsecret').catch(() => 0);</script>`;
    const scenePath = await page(html, {
      'css/a.css': 'body { margin: 0; background: url(../pics/blue.png) 0 0 no-repeat }',
      'pics/blue.png': blue,
      'js/paint.js':
        'export const paint = () => document.body.insertAdjacentHTML("beforeend", "<b style=\'position:absolute;left:100px;top:0;width:20px;height:20px;background:lime\'></b>");',
    });
    await writeFile(join(harness.folder, 'secret'), 'secret');
    const session = await harness.open({ scenePath, output: SMALL });
    const shown = await harness.render(session, 0);
    expect(await pixel(shown, 30, 30)).toEqual([0, 0, 255, 255]);
    expect(await pixel(shown, 110, 10)).toEqual([0, 255, 0, 255]);
    const warnings = shown.warnings.join('\n');
    expect(warnings).toContain('Blocked: "https://cdn.example.com/logo.png"');
    expect(warnings).toContain('Blocked: "http://127.0.0.1:1/x"');
    expect(warnings).toContain('web socket');
    expect(warnings).toContain('etc/hostname');
  });

  it('names what is missing, what a script threw and what it said', async () => {
    const failure = async (html: string): Promise<unknown> => open(html).catch((error: unknown) => error);
    expect(await failure('<img src="pics/logo.png">')).toMatchObject({
      failure: 'missing-asset',
      message: 'The page needs files that are not there: pics/logo.png.',
    });
    expect(await failure('<body><script>\n  nothing.there()</script>')).toMatchObject({
      failure: 'scene',
      message: expect.stringContaining('nothing is not defined (page.html:2:3)') as string,
    });
    expect(await failure('<meta name="farmhand" content="fps=fast">')).toMatchObject({
      failure: 'scene',
      message: expect.stringContaining('fps is "fast"') as string,
    });
    const session = await open(`<script>console.error('no rows for', 'May');
      setTimeout(() => { throw new TypeError('late') }, 1000)</script>`);
    expect((await harness.render(session, 3)).warnings).toEqual(['The page says: no rows for May']);
    await expect(harness.render(session, 10)).rejects.toMatchObject({
      failure: 'scene',
      message: expect.stringContaining('TypeError: late') as string,
    });
    // The session goes on with other frames.
    expect((await harness.render(session, 4)).files).toHaveLength(1);
  });

  it('waits for what the page asks to be awaited', async () => {
    const html = `<body style="margin:0"><script>fetch('rows.csv').then((a) => a.text()).then((text) => {
      document.body.innerHTML = '<div class="chart" style="height:90px;background:' + text.trim() + '"></div>' })</script>`;
    const scenePath = await page(html, { 'rows.csv': 'red\n' });
    const settings = { waitFor: '.chart' };
    const session = await harness.open({ scenePath, settings, output: SMALL });
    expect(await pixel(await harness.render(session, 0), 9, 9)).toEqual([255, 0, 0, 255]);
    const timeouts = { startSeconds: 20 };
    await expect(
      harness.open({ scenePath, settings: { waitFor: '.map' }, output: SMALL, timeouts }),
    ).rejects.toMatchObject({
      failure: 'scene',
      message: expect.stringContaining('nothing in the page matches ".map"') as string,
    });
  });

  it('is transparent unless told otherwise, in the size asked for', async () => {
    const html =
      '<body style="margin:0"><b style="position:absolute;width:50px;height:50px;background:red"></b>';
    const clear = await harness.render(await open(html), 0);
    expect(await pixel(clear, 10, 10)).toEqual([255, 0, 0, 255]);
    expect(await pixel(clear, 100, 80)).toEqual([0, 0, 0, 0]);
    const settings = { background: '#0000ff', deviceScaleFactor: 2 };
    const large = await harness.render(await open(html, { settings }), 0);
    expect(await decode(main(large))).toMatchObject({ width: 160, height: 90 });
    expect(await pixel(large, 90, 80)).toEqual([255, 0, 0, 255]);
    expect(await pixel(large, 120, 80)).toEqual([0, 0, 255, 255]);
    for (const format of ['jpg', 'webp']) {
      const rendered = await harness.render(await open(html, { output: { ...SMALL, format } }), 0);
      expect(await decode(main(rendered))).toMatchObject({ width: 160, height: 90 });
    }
    await expect(
      open(html, { settings: { deviceScaleFactor: 3 }, output: { ...SMALL, width: 161 } }),
    ).rejects.toMatchObject({ message: expect.stringContaining('no multiple') as string });
  });

  it('takes the next row without anything of the row before', async () => {
    // Whatever a page can leave behind, and what it finds of it.
    const html = `<body style="margin:0;font:10px monospace"><p id="t"></p><p id="c"></p><script>
      window.left = (window.left ?? 0) + 1;
      const found = [window.name, history.length, document.cookie, localStorage.length, sessionStorage.length, window.left, Math.random()];
      window.name = 'used'; history.pushState(null, '', '#x'); document.cookie = 'a=b';
      localStorage.setItem('seen', 'yes'); sessionStorage.setItem('seen', 'yes');
      const opening = indexedDB.open('rows', 1);
      let fresh = false;
      opening.onupgradeneeded = () => { fresh = true };
      window.seek = async (frame) => {
        await new Promise((done) => { if (opening.readyState === 'done') done(); else opening.onsuccess = done });
        const cached = (await caches.keys()).length;
        await caches.open('rows' + cached);
        document.getElementById('t').textContent = [__DATA__.title, frame].join(' ');
        document.getElementById('c').textContent = [...found, fresh, cached].join(' ');
      };
      setInterval(() => { document.body.style.background = '#' + __DATA__.colour }, 100);
    </script>`;
    const scenePath = await page(html);
    const rows = [
      { title: 'one', colour: 'ff0000' },
      { title: 'two', colour: '00ff00' },
      { title: 'one', colour: 'ff0000' },
    ];
    const warm = await harness.open({ scenePath, output: SMALL, data: rows[0]! });
    const warmPictures: string[] = [];
    for (const [row, data] of rows.entries()) {
      if (row > 0) await harness.reload(warm, { scenePath, output: SMALL, data });
      for (const picture of (await framesOf(warm, [5])).values()) warmPictures.push(picture);
    }
    const coldPictures: string[] = [];
    for (const data of rows) {
      const cold = await harness.open({ scenePath, output: SMALL, data });
      for (const picture of (await framesOf(cold, [5])).values()) coldPictures.push(picture);
    }
    expect(coldPictures[0]).not.toBe(coldPictures[1]);
    for (const [row, picture] of warmPictures.entries())
      expect(picture === coldPictures[row], `row ${row}`).toBe(true);
  });

  it('loads a page anew for an earlier frame, without what the page stored', async () => {
    const scenePath = await page(`<body style="margin:0"><script>
      const loads = Number(localStorage.getItem('loads') ?? 0) + 1;
      localStorage.setItem('loads', loads);
      document.body.style.background = loads === 1 ? '#00ff00' : '#ff0000';</script>`);
    const session = await harness.open({ scenePath, output: SMALL });
    for (const frame of [3, 1, 2, 0])
      expect(await pixel(await harness.render(session, frame), 5, 5)).toEqual([0, 255, 0, 255]);
  });

  it('takes another row after one whose page failed', async () => {
    const scenePath = await page(`<body style="margin:0"><script>
      document.body.style.background = __DATA__.colour;
      setTimeout(() => { if (__DATA__.fails) throw new Error('this row') }, 100);</script>`);
    const data = { colour: '#ff0000', fails: true };
    const session = await harness.open({ scenePath, output: SMALL, data });
    await expect(harness.render(session, 2)).rejects.toMatchObject({ failure: 'scene', sessionUsable: true });
    await harness.reload(session, { scenePath, output: SMALL, data: { colour: '#00ff00', fails: false } });
    expect(await pixel(await harness.render(session, 2), 5, 5)).toEqual([0, 255, 0, 255]);
  });

  it('warns of text that the fonts have no glyphs for', async () => {
    const font = new URL('../../examples/templates/title-card/fonts/Inter-Bold.ttf', import.meta.url);
    const scenePath = await page(
      `<!doctype html><style>@font-face { font-family: 'Own'; src: url(own.ttf) } h1 { font: 20px Own, sans-serif }</style>
      <h1></h1><p style="font: 10px sans-serif"></p><script>
      document.querySelector('h1').textContent = __DATA__.title; document.querySelector('p').textContent = __DATA__.note;
      </script>`,
      { 'own.ttf': await readFile(font) },
    );
    const warningsFor = async (data: Record<string, string>): Promise<string[]> => {
      const session = await harness.open({ scenePath, output: SMALL, data });
      const first = await harness.render(session, 0);
      expect((await harness.render(session, 1)).warnings).toEqual(first.warnings);
      return first.warnings;
    };
    expect(await warningsFor({ title: 'Ünïcode — Ελλάδα “1”', note: 'Plain: שלום' })).toEqual([]);
    // A code point that Unicode has given to nothing is in no font.
    expect(await warningsFor({ title: 'A', note: 'Mail \u0378 me' })).toEqual([
      'No font has glyphs for: \u0378 (in the page: sans-serif)',
    ]);
    expect(await warningsFor({ title: 'A שלום', note: 'B' })).toEqual([
      expect.stringMatching(/^The page's font Own has not all glyphs for "A שלום"; .+ stands in for it\.$/),
    ]);
  });

  it('says that Chromium crashed, and leaves no process', async () => {
    const session = await open('<p>here');
    await harness.render(session, 0);
    const profile = join(harness.folder, 'work-1/chromium');
    expect(await processesWith(profile)).not.toEqual([]);
    for (const { pid, type } of await processesWith(profile))
      if (type === 'renderer') process.kill(pid, 'SIGKILL');
    await expect(harness.render(session, 1)).rejects.toMatchObject({ failure: 'engine-crash' });
    await session.close();
    await until(async () => (await processesWith(profile)).length === 0, 'Chromium is gone');
  });

  it('ends a page that never comes to rest', async () => {
    const timeouts = { frameSeconds: 3 };
    const session = await open('<script>setTimeout(() => { for (;;); }, 100)</script>', { timeouts });
    await harness.render(session, 0);
    await expect(harness.render(session, 5)).rejects.toMatchObject({ failure: 'timeout' });
    const timers = await open(
      '<script>const again = () => Promise.resolve().then(() => setTimeout(again, -1)); again()</script>',
    );
    await expect(harness.render(timers, 1)).rejects.toMatchObject({ failure: 'scene' });
  });
});

interface ChromiumProcess {
  pid: number;
  type: string;
}

async function processesWith(text: string): Promise<ChromiumProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      if (!line.includes(text) && !environment.includes(text.replace('/chromium', ''))) return [];
      return [{ pid: Number(pid), type: /--type=([a-z-]+)/.exec(line)?.[1] ?? '' }];
    }),
  );
  return found.flat();
}
