import { readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { FarmError } from '../domain/errors.ts';
import { decodeAddress, pathOfAddress } from '../domain/file-address.ts';
import {
  NOTHING_MORE,
  NeededFiles,
  frameRange,
  type DataSlot,
  type InspectOptions,
  type SceneInspection,
} from './scene-inspection.ts';

const MAX_BYTES = 256 * 1_048_576;
/** These never search twice for an end that is missing: in a large file that would take hours. */
const COMMENT = /<!--(?:[\s\S]*?-->|[\s\S]*$)/g;
const ATTRIBUTE = /(?<![\w:.-])([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

/**
 * A drawing for Inkscape: one frame, in the size that it says, and the pictures that it names.
 * @throws FarmError `invalid`
 */
export async function inspectSvg(
  root: string,
  scene: string,
  { shared }: InspectOptions = {},
): Promise<SceneInspection> {
  const text = await readXml(join(root, scene), scene);
  const svg = startTag(text, 'svg');
  if (!svg) throw new FarmError('invalid', `${scene} is no SVG drawing: it has no <svg>.`);
  const box = svg
    .get('viewBox')
    ?.trim()
    .split(/[\s,]+/)
    .map(Number);
  const needed = await neededFiles(new NeededFiles(root, shared), scene, svgReferences(text));
  return {
    ...NOTHING_MORE,
    slots: slotsIn(text, /<(?:\w+:)?(?:text|tspan|flowPara)\b[^<>]*?\bid="([^"]+)"/g, 'text'),
    ...{ engine: 'inkscape', root, scene, frames: '0', fps: null },
    width: pixels(svg.get('width')) ?? pixels(String(box?.[2])),
    height: pixels(svg.get('height')) ?? pixels(String(box?.[3])),
    ...{ files: needed.files, missing: needed.missing, roots: needed.roots, notes: [] },
  };
}

/**
 * An animation of Synfig Studio.
 * @throws FarmError `invalid`
 */
export async function inspectSynfig(
  root: string,
  scene: string,
  { shared }: InspectOptions = {},
): Promise<SceneInspection> {
  const text = await readXml(join(root, scene), scene);
  const canvas = startTag(text, 'canvas');
  if (!canvas) throw new FarmError('invalid', `${scene} is no Synfig animation: it has no <canvas>.`);
  const fps = Number(canvas.get('fps') ?? 24);
  if (!(fps > 0 && fps <= 1000))
    throw new FarmError(
      'invalid',
      `${scene}: fps is ${canvas.get('fps') ?? ''}, expected a number up to 1000.`,
    );
  const first = frameOf(canvas.get('begin-time'), fps);
  const references = [...text.matchAll(/<param name="filename">\s*<string[^>]*>([^<]*)<\/string>/g)].map(
    (match) => match[1]?.trim() ?? '',
  );
  for (const [, file = ''] of text.matchAll(/\b(?:canvas|use)="([^"#:][^"#]*)#/g)) references.push(file);
  const needed = await neededFiles(new NeededFiles(root, shared), scene, references);
  return {
    ...NOTHING_MORE,
    slots: [
      ...slotsIn(text, /<string\b[^<>]*?\bid="([^"]+)"/g, 'text'),
      ...slotsIn(text, /<layer type="text"[^<>]*?\bdesc="([^"]+)"/g, 'text'),
      ...slotsIn(text, /<(?:real|integer|bool)\b[^<>]*?\bid="([^"]+)"/g, 'number', '@value'),
    ],
    ...{ engine: 'synfig', root, scene, fps },
    frames: frameRange(first, Math.max(first, frameOf(canvas.get('end-time'), fps))),
    width: pixels(canvas.get('width')),
    height: pixels(canvas.get('height')),
    ...{ files: needed.files, missing: needed.missing, roots: needed.roots, notes: [] },
  };
}

/** What data can name; `suffix` is how it says that it means the value. */
function slotsIn(text: string, pattern: RegExp, kind: DataSlot['kind'], suffix = ''): DataSlot[] {
  return [...text.matchAll(pattern)].map(([, name = '']) => ({ name: `${name}${suffix}`, kind }));
}

/** `.svgz` and `.sifz` are packed. */
async function readXml(path: string, name: string): Promise<string> {
  const bytes = await readFile(path);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes.toString('utf8');
  try {
    return (await promisify(gunzip)(bytes, { maxOutputLength: MAX_BYTES })).toString('utf8');
  } catch (error) {
    throw new FarmError('invalid', `${name} cannot be unpacked.`, { cause: error });
  }
}

function startTag(text: string, name: string): Map<string, string> | undefined {
  const plain = text.replaceAll(COMMENT, '');
  const tag = new RegExp(`<(?:\\w+:)?${name}\\b[^<>"']*(?:(?:"[^"]*"|'[^']*')[^<>"']*)*>`).exec(plain)?.[0];
  if (tag === undefined) return undefined;
  return new Map(
    [...tag.matchAll(ATTRIBUTE)].map(([, key = '', double, single]) => [key, double ?? single ?? '']),
  );
}

function svgReferences(text: string): string[] {
  const found: string[] = [];
  for (const [tag, name = ''] of text
    .replaceAll(COMMENT, '')
    .matchAll(/<([A-Za-z][\w:-]*)(?![\w:-])[^<>]*>/g)) {
    if (name.split(':').at(-1) === 'a') continue; // a link that nobody follows
    for (const [, key = '', double, single] of tag.matchAll(ATTRIBUTE))
      if (key.split(':').at(-1) === 'href') found.push(double ?? single ?? '');
  }
  return found
    .map((address) => address.trim().split('#')[0] ?? '')
    .filter((address) => address !== '' && !/^data:/i.test(address));
}

async function neededFiles(
  needed: NeededFiles,
  scene: string,
  references: readonly string[],
): Promise<NeededFiles> {
  await needed.add(posix.basename(scene), scene);
  for (const named of new Set(references)) {
    const reference = pathOfAddress(/^file:/i.test(named) ? decodeAddress(named) : named);
    if (/^[a-z][a-z0-9+.-]+:/i.test(reference))
      needed.missing.push(`${reference} (not a file beside the scene)`);
    else if (reference !== '') await needed.add(reference, scene);
  }
  return needed;
}

/** `12`, `12px`; other units depend on who reads them. */
function pixels(text: string | undefined): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)(?:px)?\s*$/.exec(text ?? '');
  return match ? Math.max(1, Math.round(Number(match[1]))) : null;
}

/** Synfig's times: `1m 10s 5f`, `5f`, `2.5s`. */
function frameOf(text: string | undefined, fps: number): number {
  const units: Readonly<Record<string, number>> = { h: 3_600 * fps, m: 60 * fps, s: fps, f: 1 };
  let frame = 0;
  for (const [, amount, unit = 'f'] of (text ?? '').matchAll(/(-?(?<![\d.])\d+(?:\.\d+)?)\s*([hmsf])/g))
    frame += Number(amount) * (units[unit] ?? 0);
  return Math.round(frame);
}
