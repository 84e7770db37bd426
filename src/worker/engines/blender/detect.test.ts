import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { detectBlender, parseAnswer } from './detect.ts';

let folder: string;
let program: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'farmhand-detect-'));
  program = join(folder, 'blender');
  vi.stubEnv('PATH', [folder, process.env['PATH']].join(delimiter));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** A program that answers once `ready` is there. */
function install(answer: string): void {
  writeFileSync(program, `#!/bin/sh\n[ -e '${folder}/ready' ] || exit 1\necho '${answer}'\n`);
  chmodSync(program, 0o755);
}

describe('detectBlender', () => {
  it('asks again where there was no answer, and not again where there was one', async () => {
    install('farmhand 4.5.15 LTS True');
    expect(await detectBlender({ cacheDir: undefined })).toBeNull();
    writeFileSync(join(folder, 'ready'), '');
    const found = { version: '4.5.15', features: ['oidn'], program };
    expect(await detectBlender({ cacheDir: undefined })).toEqual(found);
    rmSync(join(folder, 'ready'));
    expect(await detectBlender({ cacheDir: undefined })).toEqual(found);
  });
});

describe('parseAnswer', () => {
  it('reads the version among what Blender prints, and refuses one that is too old', () => {
    const printed = 'Blender 3.4.1\nfarmhand 3.4.1 False\nBlender quit\n';
    expect(parseAnswer(printed, '/usr/bin/blender')).toEqual({
      version: '3.4.1',
      features: [],
      program: '/usr/bin/blender',
    });
    expect(parseAnswer('farmhand 2.93.0 True', '/usr/bin/blender')).toBeNull();
  });
});
