import { FarmError, describeValue, messageOf, type InputIssue } from '../domain/errors.ts';
import { isAbsoluteAnywhere, pathOfAddress } from '../domain/file-address.ts';
import { isSafePath } from '../contracts/manifest.ts';

/** A JSON object as it was parsed. */
export type Json = Record<string, unknown>;

export const MAX_LOTTIE_BYTES = 64 * 1024 * 1024;

/** An image that an animation refers to, by its place beside the animation or by its bytes. */
export interface LottieImage {
  /** The entry of `assets`, to be changed in place. */
  asset: Json;
  /** Path relative to the animation's folder; null for an image inside the JSON, or an address that is not a path. */
  path: string | null;
  /** The same as an absolute path of some machine, where it is one. */
  absolute: string | null;
  /** The `data:` address of an image that stands in the JSON itself. */
  embedded: string | null;
  /** How messages call it. */
  label: string;
}

export interface LottieFont {
  /** `fName`: by this the text refers to it. */
  name: string;
  family: string;
  style: string;
  /** `fPath` when it is a path beside the animation or a `data:` address. */
  path: string | null;
  /** `fPath` as an absolute path of some machine, where it is one. */
  absolute: string | null;
}

/** A Lottie animation, checked as far as a renderer needs. */
export interface LottieAnimation {
  json: Json;
  /** The first and last whole frame, both rendered: `ip` rounded up, and the last one before `op`. */
  firstFrame: number;
  lastFrame: number;
  /** `ip` as it stands: Skottie counts frames from there. */
  inPoint: number;
  fps: number;
  width: number;
  height: number;
  images: LottieImage[];
  fonts: LottieFont[];
  /** Things that Skottie leaves out. */
  notes: string[];
}

/**
 * Reads a Lottie animation (lottie.github.io/lottie-spec): `fr` frames a second, frames `ip` up to but without `op`,
 * `w`×`h` pixels.
 * @throws FarmError `invalid` with every field that keeps it from being one.
 */
export function readLottie(bytes: Uint8Array, name: string): LottieAnimation {
  const json = parse(bytes, name);
  const issues: InputIssue[] = [];
  const number = (field: string, expected: string, ok: (value: number) => boolean): number => {
    const value = json[field];
    if (typeof value === 'number' && Number.isFinite(value) && ok(value)) return value;
    issues.push({ path: field, value: describeValue(value), expected });
    return 1;
  };
  const inPoint = number('ip', 'the first frame, a number', () => true);
  const outPoint = number('op', 'the frame after the last, greater than ip', (value) => value > inPoint);
  const fps = number('fr', 'frames a second, up to 1000', (value) => value > 0 && value <= 1000);
  const width = number('w', 'the width in pixels, up to 16384', (value) => value >= 1 && value <= 16_384);
  const height = number('h', 'the height in pixels, up to 16384', (value) => value >= 1 && value <= 16_384);
  if (!Array.isArray(json['layers']))
    issues.push({ path: 'layers', value: describeValue(json['layers']), expected: 'a list of layers' });
  if (issues.length > 0) {
    const lines = issues.map((issue) => `${issue.path} is ${issue.value}, expected ${issue.expected}`);
    throw new FarmError('invalid', `${name} is not a Lottie animation: ${lines.join('; ')}.`, { issues });
  }
  const firstFrame = Math.ceil(inPoint);
  return {
    json,
    firstFrame,
    lastFrame: Math.max(firstFrame, Math.ceil(outPoint) - 1),
    inPoint,
    fps,
    width: Math.round(width),
    height: Math.round(height),
    images: imagesOf(json),
    fonts: fontsOf(json),
    notes: notesOf(json),
  };
}

function parse(bytes: Uint8Array, name: string): Json {
  if (bytes.length > MAX_LOTTIE_BYTES)
    throw new FarmError('too-large', `${name} has ${bytes.length} bytes; at most ${MAX_LOTTIE_BYTES}.`);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (error) {
    throw new FarmError('invalid', `${name} is not readable as JSON: ${messageOf(error)}`, { cause: error });
  }
  throw new FarmError('invalid', `${name} is not a Lottie animation: it holds no JSON object.`);
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function objectsIn(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function imagesOf(json: Json): LottieImage[] {
  const images: LottieImage[] = [];
  for (const asset of objectsIn(json['assets'])) {
    const file = text(asset['p']);
    // Sounds have a `p` too, but no size.
    if (file === '' || typeof asset['w'] !== 'number') continue;
    if (file.startsWith('data:')) {
      images.push({
        asset,
        path: null,
        absolute: null,
        embedded: file,
        label: `image ${text(asset['id']) || 'inside the file'}`,
      });
      continue;
    }
    const folder = text(asset['u']).replace(/^\.?\//, '');
    const path = `${folder === '' || folder.endsWith('/') ? folder : `${folder}/`}${file}`.replace(
      /^\.\//,
      '',
    );
    images.push({
      asset,
      path: isSafePath(path) && !path.includes('://') ? path : null,
      absolute: absoluteOf(file) ?? absoluteOf(text(asset['u']).replace(/(?<![\\/])$/, '/') + file),
      embedded: null,
      label: path,
    });
  }
  return images;
}

function absoluteOf(reference: string): string | null {
  const path = pathOfAddress(reference);
  return isAbsoluteAnywhere(path) ? path : null;
}

function fontsOf(json: Json): LottieFont[] {
  const list = isObject(json['fonts']) ? objectsIn(json['fonts']['list']) : [];
  return list
    .filter((font) => text(font['fName']) !== '')
    .map((font) => {
      const path = text(font['fPath']);
      return {
        name: text(font['fName']),
        family: text(font['fFamily']),
        style: text(font['fStyle']),
        path: path.startsWith('data:') || (isSafePath(path) && !path.includes('://')) ? path : null,
        absolute: absoluteOf(path),
      };
    });
}

/** Every object of the document, without recursion: a hostile file may be deep. */
export function* walk(root: unknown): Generator<Json> {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (Array.isArray(value)) for (const inner of value) open.push(inner);
    else if (isObject(value)) {
      yield value;
      for (const key of Object.keys(value)) {
        const inner = value[key];
        if (typeof inner === 'object' && inner !== null) open.push(inner);
      }
    }
  }
}

function notesOf(json: Json): string[] {
  let expressions = 0;
  for (const object of walk(json['layers'])) {
    if (typeof object['x'] === 'string' && 'k' in object) expressions++;
  }
  const notes: string[] = [];
  if (expressions > 0) notes.push(`${expressions} expressions are not evaluated; their key frames are used`);
  const sounds = objectsIn(json['layers']).filter((layer) => layer['ty'] === 6).length;
  if (sounds > 0) notes.push('sound is left out');
  return notes;
}
