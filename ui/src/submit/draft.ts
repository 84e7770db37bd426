import {
  SINGLE_STEP,
  jobDocumentSchema,
  type JobDocument,
} from '../../../src/shared/contracts/job-document.ts';
import { parseWith } from '../../../src/shared/contracts/decode.ts';
import { InvalidInputError, type InputIssue } from '../../../src/shared/domain/errors.ts';
import { VIDEOS } from '../templates/template-job.ts';

export type Json = NonNullable<JobDocument['data']>[string];
/** A job document on its way: what is written in it may be wrong still. */
export type Draft = Record<string, Json>;
export type Path = readonly (string | number)[];

export const EMPTY_DRAFT: Draft = { version: 1 };

/** What a job says of the work itself; with several steps it stands in the step. */
const WORK = [
  ...[
    'engine',
    'scene',
    'frames',
    'requires',
    'licences',
    'chunk',
    'targetSeconds',
    'maxAttempts',
    'timeouts',
  ],
  ...['data', 'settings', 'output', 'quality'],
];

export function readAt(value: Json | undefined, path: Path): Json | undefined {
  return path.reduce<Json | undefined>((at, key) => {
    if (Array.isArray(at)) return typeof key === 'number' ? at[key] : undefined;
    return isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }, value);
}

/** A copy with a value in its place; undefined takes it away, and what is empty then with it. */
export function writeAt(draft: Draft, path: Path, value: Json | undefined): Draft {
  const [key, ...rest] = path;
  if (key === undefined) return draft;
  const before = draft[key];
  const now = rest.length === 0 ? value : writeInside(before, rest, value);
  if (now !== undefined) return { ...draft, [key]: now };
  return Object.fromEntries(Object.entries(draft).filter(([name]) => name !== key));
}

function writeInside(before: Json | undefined, path: Path, value: Json | undefined): Json | undefined {
  if (Array.isArray(before)) {
    const [index, ...rest] = path;
    return before.map((one, at) => (at === index && isObject(one) ? writeAt(one, rest, value) : one));
  }
  const now = writeAt(isObject(before) ? before : {}, path, value);
  return Object.keys(now).length === 0 ? undefined : now;
}

/** Where the step stands that renders the scene: nowhere for a job of one step, else the first that has one. */
export function stepPath(draft: Draft): Path {
  const steps = draft['steps'];
  if (!Array.isArray(steps)) return [];
  const index = steps.findIndex((step) => isObject(step) && step['scene'] !== undefined);
  return ['steps', Math.max(0, index)];
}

/** A preset; empty: only frames; null: it has further steps of its own. */
export function videoOf(draft: Draft): string | null {
  const steps = draft['steps'];
  if (!Array.isArray(steps) || steps.length === 0) return '';
  const [, film, ...others] = steps;
  if (others.length > 0 || readAt(film, ['engine']) !== 'ffmpeg') return null;
  const preset = readAt(film, ['settings', 'encode']);
  return VIDEOS.find((video) => video.preset === preset)?.preset ?? null;
}

/** With a video of its frames, another one, or none. */
export function withVideo(draft: Draft, preset: string): Draft {
  const at = stepPath(draft);
  const step = at.length === 0 ? pick(draft, (key) => WORK.includes(key)) : readAt(draft, at);
  const { name: stepName = SINGLE_STEP, ...work } = isObject(step) ? step : {};
  const head = pick(draft, (key) => !WORK.includes(key) && key !== 'steps');
  const video = VIDEOS.find((one) => one.preset === preset);
  if (!video) return { ...head, ...work };
  const film = {
    name: 'encode',
    engine: 'ffmpeg',
    inputs: { frames: { step: stepName } },
    settings: { encode: video.preset },
    output: { format: video.format },
  };
  return { ...head, steps: [{ name: stepName, ...work }, film] };
}

/** What a scene says where the job does not. */
export interface SceneFacts {
  scene: string;
  engine: string;
  name: string;
  frames: string | undefined;
  fps: number | null;
  settings: Record<string, Json>;
}

/** The document that renders a scene: the draft, with what the scene itself says where the draft does not. */
export function documentFor(draft: Draft, facts: SceneFacts, several: boolean): Draft {
  const at = stepPath(draft);
  let document = writeAt(draft, [...at, 'scene'], facts.scene);
  document = writeAt(document, [...at, 'engine'], facts.engine);
  if (readAt(document, [...at, 'frames']) === undefined)
    document = writeAt(document, [...at, 'frames'], facts.frames);
  for (const [name, value] of Object.entries(facts.settings))
    if (readAt(document, [...at, 'settings', name]) === undefined)
      document = writeAt(document, [...at, 'settings', name], value);
  const isFilm = videoOf(document);
  if (isFilm && facts.fps !== null && readAt(document, ['steps', 1, 'output', 'fps']) === undefined)
    document = writeAt(document, ['steps', 1, 'output', 'fps'], facts.fps);
  const name = document['name'];
  if (name === undefined) return { ...document, name: facts.name };
  return several && typeof name === 'string' ? { ...document, name: `${name} · ${facts.name}` } : document;
}

/** Everything that is wrong with a document, as the farm would say it. */
export function issuesOf(document: Json): readonly InputIssue[] {
  try {
    parseWith(jobDocumentSchema, document, 'The job');
    return [];
  } catch (error) {
    if (error instanceof InvalidInputError) return error.issues;
    throw error;
  }
}

/** `['steps', 0, 'frames']` → `steps[0].frames`, as issues name it. */
export function pathText(path: Path): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`),
    '',
  );
}

export function isObject(value: unknown): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function pick(draft: Draft, wanted: (key: string) => boolean): Draft {
  return Object.fromEntries(Object.entries(draft).filter(([key]) => wanted(key)));
}
