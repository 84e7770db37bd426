import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The version of the installed canvaskit-wasm package, which does not export its package.json. */
export function canvaskitVersion(): string {
  const folder = dirname(createRequire(import.meta.url).resolve('canvaskit-wasm/full'));
  const manifest = JSON.parse(readFileSync(join(folder, '..', '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
