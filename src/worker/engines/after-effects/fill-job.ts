import { readFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { isSafePath } from '../../../shared/contracts/manifest.ts';
import { describeValue } from '../../../shared/domain/errors.ts';
import { EngineFailure } from '../engine.ts';

/** One value for the layers of a name. */
interface FillValue {
  /** As the job's data calls it. */
  key: string;
  /** null: in every composition. */
  comp: string | null;
  layer: string;
  /** null: the layer's text; `file`: the footage that it shows; else names of properties, with `->` between them. */
  property: string | null;
  value: string | number | boolean | number[];
}

export interface FillJob {
  project: string;
  copy: string;
  /** Where the script says how it went. */
  result: string;
  values: FillValue[];
}

const SCRIPT = readFileSync(join(import.meta.dirname, 'fill.jsx'), 'utf8');

/**
 * What a job's data means: `"Title": "Hello"` is the text of the layer, `"Main/Title"` of the one in that composition,
 * `"Logo@file": "logo.png"` a file of the scene's folder, `"Bar@Effects->Fill->Color": "#ff0000"` a property.
 * @throws EngineFailure `scene` for what cannot be meant, `missing-asset` for a file that is not there
 */
export async function fillValues(
  data: Readonly<Record<string, unknown>>,
  sceneRoot: string,
): Promise<FillValue[]> {
  const values: FillValue[] = [];
  for (const [key, value] of Object.entries(data)) {
    const at = key.lastIndexOf('@');
    const [place, property] = at < 0 ? [key, null] : [key.slice(0, at), key.slice(at + 1)];
    const slash = place.indexOf('/');
    const [comp, layer] = slash < 0 ? [null, place] : [place.slice(0, slash), place.slice(slash + 1)];
    if (layer === '' || comp === '' || property === '')
      throw new EngineFailure(
        'scene',
        `data ${describeValue(key)}: expected "layer", "composition/layer" or "layer@property".`,
      );
    values.push({ key, comp, layer, property, value: await valueOf(key, property, value, sceneRoot) });
  }
  return values;
}

async function valueOf(
  key: string,
  property: string | null,
  value: unknown,
  sceneRoot: string,
): Promise<FillValue['value']> {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
    throw new EngineFailure(
      'scene',
      `data ${describeValue(key)} takes text or a number, not ${describeValue(value)}.`,
    );
  if (property === null) return value;
  if (property === 'file') return footage(key, value, sceneRoot);
  const colour = typeof value === 'string' ? /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(value) : null;
  if (!colour) return value;
  return [...colour.slice(1).map((part) => Number.parseInt(part, 16) / 255), 1];
}

async function footage(key: string, value: unknown, sceneRoot: string): Promise<string> {
  if (typeof value !== 'string' || !isSafePath(value))
    throw new EngineFailure(
      'scene',
      `data ${describeValue(key)}: ${describeValue(value)} is no file of the scene's folder.`,
    );
  const root = await realpath(sceneRoot);
  const file = await realpath(join(root, value)).catch(() => null); // not there: named below
  if (file === null)
    throw new EngineFailure('missing-asset', `data ${describeValue(key)}: the file ${value} is not there.`);
  if (!file.startsWith(root + sep))
    throw new EngineFailure(
      'scene',
      `data ${describeValue(key)}: ${describeValue(value)} leaves the scene's folder.`,
    );
  return file;
}

/** The script with its values. They go in as ASCII literals: no text in them can become code, in whatever encoding it is read. */
export function fillScript(job: FillJob): string {
  const literal = JSON.stringify(job).replaceAll(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${SCRIPT}\nfarmhandFill(${literal});\n`;
}
