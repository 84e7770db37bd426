import { expect, it } from 'vitest';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectScene } from './inspect-scene.ts';
import type { DataSlot } from './scene-inspection.ts';

async function slotsOf(name: string, content: string): Promise<DataSlot[]> {
  const folder = await mkdtemp(join(tmpdir(), 'farmhand-slots-'));
  try {
    await writeFile(join(folder, name), content);
    return (await inspectScene(join(folder, name))).slots;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

it('tells the values of a POV-Ray scene that the command line may set', async () => {
  const source = `
    #ifndef (Tilt) #declare Tilt = 28; #end
    #ifndef( Title )
      #declare Title = "Hello";
    #end
    #ifndef (Sky) #declare Sky = rgb 1; #end
    // #ifndef (Comment) #declare Comment = 1; #end
    #ifndef (Asked) #declare Other = 1; #end
    #ifdef (Given) #declare Given = 1; #end
    #declare Fixed = 3;`;
  expect(await slotsOf('s.pov', source)).toEqual([
    { name: 'Tilt', kind: 'number' },
    { name: 'Title', kind: 'text' },
    { name: 'Sky', kind: 'value' },
  ]);
});

it('tells what a page asks of its data, by whatever name', async () => {
  const page = `<script>
    document.title = window.__DATA__.title + __DATA__?.note + window.__DATA__['sub-line'];
    const data$ = window.__DATA__ ?? {};
    data$.colour; other.nothing;
    const { rows, size: height } = window.__DATA__;
  </script>`;
  const names = (await slotsOf('a.html', page)).map((slot) => slot.name);
  expect(names.sort()).toEqual(['colour', 'note', 'rows', 'size', 'sub-line', 'title']);
});

it('follows a page’s names for its data as far as people write them', async () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => `const d${i} = __DATA__; d${i}.name${i};`);
  const names = (await slotsOf('a.html', `<script>${lines.join('\n')}</script>`)).map((slot) => slot.name);
  expect(names).toContain('name40');
  expect(names.length).toBeLessThan(100);
});

it('tells the slots of a Lottie animation and its text layers', async () => {
  const slots = {
    accent: { p: { a: 0, k: [1, 0, 0, 1] } },
    size: { p: { a: 0, k: 12 } },
    headline: { p: { k: [{ s: { t: 'Hello', f: 'Inter' }, t: 0 }] } },
  };
  const layers = [{ ty: 5, nm: 'Line', t: { d: { k: [{ s: { t: 'x' }, t: 0 }] } } }];
  const json = { v: '5.12.0', fr: 24, ip: 0, op: 48, w: 640, h: 360, slots, layers };
  expect(await slotsOf('a.json', JSON.stringify(json))).toEqual([
    { name: 'accent', kind: 'colour' },
    { name: 'size', kind: 'number' },
    { name: 'headline', kind: 'text' },
    { name: 'Line', kind: 'text' },
  ]);
});
