import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Noon, so that the day is the same in every time zone that a page may ask for. */
const EPOCH_MS = Date.UTC(2000, 0, 1, 12);

const FOLDER = join(import.meta.dirname, 'in-page');
const PARTS = ['clock.js', 'animations.js', 'glyphs.js', 'driver.js'].map((name) =>
  readFileSync(join(FOLDER, name), 'utf8'),
);

export interface PageScriptOptions {
  /** Becomes `window.__DATA__`. */
  data: Record<string, unknown>;
  fps: number;
  /** The frame at time 0. */
  firstFrame: number;
}

/**
 * The script that runs in every document before its own. Data goes in as JSON inside a string literal and is parsed
 * there: no text in it can become code or markup.
 */
export function pageScript({ data, fps, firstFrame }: PageScriptOptions): string {
  const options = JSON.stringify({ dataText: JSON.stringify(data), fps, firstFrame, epochMs: EPOCH_MS });
  return `(() => {\n'use strict';\n${PARTS.join('\n')}\ninstallDriver(${options});\n})();`;
}
