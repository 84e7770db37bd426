import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ENGINES_FOLDER } from '../shared/engines/shipped-definitions.ts';

const FARMHAND = join(import.meta.dirname, 'main.ts');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'farmhand-check-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function farmhand(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [FARMHAND, ...args], { cwd: folder }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr });
    });
  });
}

function copy(change: (text: string) => string): string {
  const file = join(folder, 'mine.yaml');
  writeFileSync(file, change(readFileSync(join(ENGINES_FOLDER, 'povray/engine.yaml'), 'utf8')));
  return file;
}

describe('engines check', { timeout: 30_000 }, () => {
  it('passes all definitions that come with the farm', async () => {
    const { code, stdout } = await farmhand('engines', 'check');
    expect(stdout).toMatch(/definitions, none wrong; \d+ logs recorded, \d+ from documentation\.$/m);
    expect(code).toBe(0);
  });

  it('fails a copy with one wrong pattern and says where', async () => {
    copy((text) => text.replace("'Rendered (\\d+) of", "'Rendered (\\d+ of"));
    const { code, stdout } = await farmhand('engines', 'check', 'mine.yaml');
    expect(stdout).toMatch(/mine\.yaml:\d+:\d+: events\[0\]\.regex: missing closing \)/);
    expect(code).toBe(1);
  });

  it('fails a copy whose pattern no longer fits the recorded logs, also as JSON', async () => {
    const file = copy((text) => text.replace("'Rendered (\\d+) of", "'Renderd (\\d+) of"));
    const { code, stdout } = await farmhand('engines', 'check', file, '--json');
    const { ok, engines } = JSON.parse(stdout) as {
      ok: boolean;
      engines: { id: string; problems: string[] }[];
    };
    expect([code, ok, engines[0]?.id]).toEqual([1, false, 'povray']);
    expect(engines[0]?.problems[0]).toMatch(
      /mine\.yaml:\d+:\d+: events\[0\]\.regex: .*frame\.log:51 must be/,
    );
  });

  it('shows what a log is understood as', async () => {
    copy((text) => text);
    writeFileSync(join(folder, 'some.log'), 'Rendered 1 of 4 pixels (25%)\n');
    const { code, stdout } = await farmhand('engines', 'check', 'mine.yaml', '--replay', 'some.log');
    expect(stdout).toContain('{"line":1,"type":"ratio","fraction":0.25}');
    expect(code).toBe(0);
  });

  it('takes a folder of definitions, which may extend each other and those of the farm', async () => {
    const files = {
      base: 'id: base\nextends: povray\nlabel: Base\n',
      derived:
        'id: derived\nextends: base\nlabel: Derived\nsettings: { properties: { look: { type: strin } } }\n',
    };
    for (const [id, text] of Object.entries(files)) {
      mkdirSync(join(folder, id));
      writeFileSync(join(folder, id, 'engine.yaml'), text);
    }
    const { code, stdout } = await farmhand('engines', 'check', '.');
    expect(stdout).toMatch(/^ok {2}base$/m);
    expect(stdout).toMatch(/derived\/engine\.yaml:4:\d+: settings\..*: /);
    expect(code).toBe(1);
  });

  it('says what it cannot use', async () => {
    expect(await farmhand('engines', 'check', 'gone.yaml')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/There is no file .*gone\.yaml/) as string,
    });
    expect(await farmhand('engines', 'check', '.')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/holds no definition/) as string,
    });
  });
});
