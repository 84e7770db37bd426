import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scriptCommand } from './engine.ts';
import { fillScript, fillValues } from './fill-job.ts';

/*
 * After Effects does not run here. What the script asks of it is held against a stand-in of the few objects that Adobe's
 * scripting guide describes; whether they are described rightly, only a run can show.
 */
class Property {
  value: unknown;
  numKeys = 2;
  canSetExpression = true;
  expressionEnabled = true;
  constructor(value: unknown) {
    this.value = value;
  }
  removeKey(): void {
    this.numKeys--;
  }
  setValue(value: unknown): void {
    this.value = value;
  }
}

class Group {
  readonly #members: Record<string, Property | Group>;
  constructor(members: Record<string, Property | Group>) {
    this.#members = members;
  }
  property(name: string): Property | Group | null {
    return this.#members[name] ?? null;
  }
}

class Layer extends Group {
  readonly name: string;
  readonly source: { replace: (file: { path: string }) => void } | null;
  replacedBy: string | undefined;
  constructor(name: string, members: Record<string, Property | Group> = {}, isFootage = false) {
    super(members);
    this.name = name;
    this.source = isFootage ? { replace: (file) => (this.replacedBy = file.path) } : null;
  }
}

class CompItem {
  readonly name: string;
  readonly #layers: Layer[];
  constructor(name: string, layers: Layer[]) {
    this.name = name;
    this.#layers = layers;
  }
  get numLayers(): number {
    return this.#layers.length;
  }
  layer(index: number): Layer | undefined {
    return this.#layers[index - 1];
  }
}

function runScript(
  script: string,
  items: unknown[],
): { files: Map<string, string>; saved: string[]; quit: boolean } {
  const said = { files: new Map<string, string>(), saved: [] as string[], quit: false };
  class File {
    readonly path: string;
    constructor(path: string) {
      this.path = path;
    }
    open(): void {
      said.files.set(this.path, '');
    }
    write(text: string): void {
      said.files.set(this.path, text);
    }
    close(): void {
      // written at once
    }
  }
  const project = {
    numItems: items.length,
    item: (index: number) => items[index - 1],
    save: (file: File) => said.saved.push(file.path),
    close: () => true,
  };
  const app = {
    beginSuppressDialogs: () => undefined,
    endSuppressDialogs: () => undefined,
    open: (file: File) => (file.path === '/s/card.aep' ? project : null),
    quit: () => (said.quit = true),
  };
  runInContext(script, createContext({ app, File, CompItem, CloseOptions: { DO_NOT_SAVE_CHANGES: 1 } }));
  return said;
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farmhand-ae-'));
  await writeFile(join(folder, 'logo.png'), 'picture');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const HOSTILE = '"); app.quit(); // \\ \u2028 \u202e é </script>';
const fill = async (data: Record<string, unknown>, items: unknown[]) => {
  const values = await fillValues(data, folder);
  return runScript(
    fillScript({ project: '/s/card.aep', copy: '/w/copy.aep', result: '/w/result', values }),
    items,
  );
};
const textLayer = (name: string): { layer: Layer; text: Property } => {
  const text = new Property({ text: 'Old', font: 'Inter' });
  return { layer: new Layer(name, { 'Source Text': text }), text };
};

describe('data for After Effects', () => {
  it('becomes texts, footage, colours and numbers of the layers that it names, in a copy', async () => {
    const title = textLayer('Title');
    const other = textLayer('Title');
    const logo = new Layer('Logo', {}, true);
    const [colour, size] = [new Property([0, 0, 0, 1]), new Property(10)];
    const bar = new Layer('Bar', { Effects: new Group({ Fill: new Group({ Color: colour }) }), Scale: size });
    const items = [{}, new CompItem('Main', [title.layer, logo, bar]), new CompItem('End', [other.layer])];
    const said = await fill(
      {
        'Main/Title': HOSTILE,
        'Logo@file': 'logo.png',
        'Bar@Effects->Fill->Color': '#ff0080',
        'Bar@Scale': 50,
      },
      items,
    );
    expect(said).toMatchObject({ saved: ['/w/copy.aep'], quit: true });
    expect(said.files.get('/w/result')).toBe('ok');
    expect(title.text).toMatchObject({
      value: { text: HOSTILE, font: 'Inter' },
      ...{ numKeys: 0, expressionEnabled: false },
    });
    expect(other.text.value).toMatchObject({ text: 'Old' });
    expect(logo.replacedBy).toBe(join(folder, 'logo.png'));
    expect(colour.value).toEqual([1, 0, 128 / 255, 1]);
    expect(size.value).toBe(50);
    await fill({ Title: 'Both' }, items);
    expect([title.text.value, other.text.value]).toMatchObject([{ text: 'Both' }, { text: 'Both' }]);
  });

  it.each([
    [{ Titel: 'x' }, 'failed: data Titel: the project has no such layer'],
    [{ 'Title@Effects->Glow': 1 }, 'failed: data Title@Effects->Glow: the layer has no Effects->Glow'],
    [{ 'Title@file': 'logo.png' }, 'failed: data Title@file: the layer shows no file'],
  ])('that finds no place is named, and nothing is saved: %j', async (data, message) => {
    const said = await fill(data, [new CompItem('Main', [textLayer('Title').layer])]);
    expect(said.files.get('/w/result')).toBe(message);
    expect(said).toMatchObject({ saved: [], quit: true });
  });

  it('is refused where it cannot be meant', async () => {
    await symlink('/etc/hostname', join(folder, 'link.png'));
    for (const [data, failure] of [
      [{ 'Logo@file': '../logo.png' }, 'scene'],
      [{ 'Logo@file': 'link.png' }, 'scene'],
      [{ 'Logo@file': 'none.png' }, 'missing-asset'],
      [{ Title: { a: 1 } }, 'scene'],
      [{ '/Title': 'x' }, 'scene'],
      [{ 'Title@': 'x' }, 'scene'],
    ] as const)
      await expect(fillValues(data, folder)).rejects.toMatchObject({ failure });
  });

  it('goes in as plain ASCII', () => {
    const values = [{ key: 'T', comp: null, layer: 'T', property: null, value: HOSTILE }];
    const script = fillScript({ project: '/s/ü.aep', copy: '/c', result: '/r', values });
    expect(script).toMatch(/^[\n\x20-\x7e]*$/);
  });
});

it('the application beside aerender runs the script', () => {
  const windows = 'C:\\Program Files\\Adobe\\Adobe After Effects 2025\\Support Files\\aerender.exe';
  expect(scriptCommand('win32', windows, 'C:\\w\\fill.jsx')).toEqual({
    program: 'C:\\Program Files\\Adobe\\Adobe After Effects 2025\\Support Files\\AfterFX.exe',
    args: ['-noui', '-r', 'C:\\w\\fill.jsx'],
  });
  expect(scriptCommand('darwin', '/Applications/Adobe After Effects 2025/aerender', '/w/a "b".jsx')).toEqual({
    program: '/usr/bin/osascript',
    args: ['-e', 'tell application "Adobe After Effects 2025" to DoScriptFile "/w/a \\"b\\".jsx"'],
  });
  expect(() => scriptCommand('darwin', '/opt/ae/aerender', '/w/a.jsx')).toThrow(
    'does not know the application',
  );
});
