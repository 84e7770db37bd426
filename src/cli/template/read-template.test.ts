import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FarmError } from '../../shared/domain/errors.ts';
import { readTemplate } from './read-template.ts';

const EXAMPLE = join(import.meta.dirname, '../../../examples/templates/title-card');
const SCENE = '{"v":"5.7.0","fr":24,"ip":0,"op":12,"w":64,"h":64,"layers":[]}';

let root: string;
let folder: string;
let made = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'farmhand-template-test-'));
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(async () => {
  folder = join(root, `card-${++made}`);
  await mkdir(folder);
  await writeFile(join(folder, 'card.json'), SCENE);
});

async function problems(yaml: string): Promise<{ path: string; value: string; expected: string }[]> {
  await writeFile(join(folder, 'template.yaml'), yaml);
  try {
    await readTemplate(folder);
  } catch (error) {
    if (error instanceof FarmError) return [...error.issues];
    throw error;
  }
  return [];
}

describe('readTemplate', () => {
  it('reads the example', async () => {
    const { request, files } = await readTemplate(EXAMPLE);
    expect(request).toMatchObject({ name: 'title-card', engine: 'lottie', scenePath: 'title-card.json' });
    expect(files.map((file) => file.path)).toContain('title-card.json');
    expect(files.map((file) => file.path)).not.toContain('rows.csv');
  });

  it('needs little: an engine and a scene', async () => {
    expect(await problems('engine: lottie\nscene: card.json\n')).toEqual([]);
    const { request } = await readTemplate(folder);
    expect(request).toMatchObject({
      name: `card-${made}`,
      label: `card-${made}`,
      defaults: { frames: '0-11' },
    });
    expect((await readTemplate(join(folder, 'template.yaml'), 'other')).request.name).toBe('other');
  });

  it('says everything that is wrong, by line, column and pointer', async () => {
    const issues = await problems(
      [
        'name: card',
        'engine: lotti',
        'scene: ../card.json',
        'preview: card.png',
        'schema:',
        '  type: object',
        '  properties:',
        '    title: { type: strin, minLength: -1 }',
        'slots:',
        '  titel: { kind: text, slot: t }',
        'defaults: { frames: 10- }',
      ].join('\n'),
    );
    const file = join(folder, 'template.yaml');
    expect(issues.map(({ path, value }) => [path, value])).toEqual([
      ['/engine', `${file}:2:9`],
      ['/scene', `${file}:3:8`],
      ['/preview', `${file}:4:10`],
      ['/schema/properties/title/type', `${file}:8:20`],
      ['/schema/properties/title/minLength', `${file}:8:38`],
      ['/slots/titel', `${file}:10:3`],
      ['/defaults/frames', `${file}:11:21`],
    ]);
  });

  it('names an XPath that is none, where the scene is XML', async () => {
    const text = (engine: string): string =>
      [
        `engine: ${engine}`,
        'scene: card.json',
        'schema: { type: object, properties: { title: {}, bar: {} } }',
        'slots:',
        '  title: { kind: text, slot: "//svg:text[@id=\'a\'" }',
        '  bar: { kind: number, slot: "/svg:svg/svg:rect/@width" }',
      ].join('\n');
    const issues = await problems(text('inkscape'));
    expect(issues.map(({ path }) => path)).toContain('/slots/title/slot');
    expect(issues.map(({ path }) => path)).not.toContain('/slots/bar/slot');
    expect(await problems(text('lottie')).catch(() => [])).toEqual([]);
  });

  it('names fields that are missing or that nobody knows, and a file that is no YAML', async () => {
    const unknown = await problems('engine: lottie\ncolour: red\n');
    expect(unknown.map(({ path }) => path).sort()).toEqual(['/colour', '/scene']);
    await writeFile(join(folder, 'template.yaml'), 'engine: [lottie\nscene: x');
    await expect(readTemplate(folder)).rejects.toThrow(/template\.yaml:\d+:\d+/);
  });

  it('refuses a scene for another engine, a scene whose files are missing, and links that leave the folder', async () => {
    const other = await problems('engine: blender\nscene: card.json\n');
    expect(other.map(({ path }) => path)).toEqual(['/engine']);
    await writeFile(
      join(folder, 'card.json'),
      SCENE.replace('"layers"', '"assets":[{"id":"a","u":"","p":"logo.png","e":0,"w":1,"h":1}],"layers"'),
    );
    const missing = await problems('engine: lottie\nscene: card.json\n');
    expect(missing.map(({ path }) => path)).toEqual(['/scene']);
    expect(missing[0]?.expected).toContain('logo.png');
    await writeFile(join(folder, 'card.json'), SCENE);
    await symlink('/etc/hostname', join(folder, 'logo.png'));
    await expect(readTemplate(folder)).rejects.toThrow(/leaves the folder/);
  });
});
