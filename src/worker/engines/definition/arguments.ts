import { basename, dirname, extname } from 'node:path';
import type { ArgumentTemplate } from '../../../shared/engines/definition.ts';
import { parseGuard, parseTemplate, type Placeholder } from '../../../shared/engines/placeholders.ts';
import { describeValue } from '../../../shared/domain/errors.ts';
import { EngineFailure, type FrameRequest, type SessionSpec } from '../engine.ts';

/** What placeholders stand for. */
export interface TemplateValues {
  spec: Pick<SessionSpec, 'scenePath' | 'workDir' | 'threads' | 'output'>;
  /** With the defaults of the definition's schema. */
  settings: Readonly<Record<string, unknown>>;
  data: Readonly<Record<string, unknown>>;
  /** The definition's folder. */
  here: string | null;
  dataFile: string;
  /** null where no frame is asked for yet: a session that starts. */
  request: Pick<FrameRequest, 'frame' | 'outDir'> | null;
  /** The main output's path. */
  out: string | null;
  inputs: Readonly<Record<string, InputValues>>;
}

export interface InputValues {
  /** The file for this frame. */
  file: string | undefined;
  folder: string;
  count: number;
  format: string;
}

/** Placeholders whose value people make: it must not be taken for an option. */
const FROM_PEOPLE = new Set(['sceneName', 'settings', 'data', 'item', 'key', 'value']);

/**
 * The arguments for a run: each list item is one argument, whatever its values contain.
 * @throws EngineFailure `scene` for a value that is missing or that no argument can hold
 */
export function expandArguments(list: readonly ArgumentTemplate[], values: TemplateValues): string[] {
  const argv: string[] = [];
  const push = (text: string, extra: Readonly<Record<string, unknown>>): void => {
    // After `--` a program takes no options any more.
    argv.push(expand(text, values, extra, argv.includes('--') ? undefined : optionGuard));
  };
  for (const item of list) {
    if (typeof item === 'string') push(item, {});
    else if (item.when === undefined || holds(item.when, values))
      for (const extra of rounds(item.each, values)) for (const text of item.args) push(text, extra);
  }
  return argv;
}

/** One text with placeholders. @throws EngineFailure `scene` for a value that is missing */
export function expandText(text: string, values: TemplateValues): string {
  return expand(text, values, {}, undefined);
}

function expand(
  text: string,
  values: TemplateValues,
  extra: Readonly<Record<string, unknown>>,
  guard: ((text: string, first: Placeholder, value: unknown) => void) | undefined,
): string {
  let result = '';
  for (const part of parseTemplate(text) ?? []) {
    if (typeof part === 'string') {
      result += part;
      continue;
    }
    const value = Object.hasOwn(extra, part.name) ? extra[part.name] : valueOf(part.name, values);
    if (value === undefined || value === null)
      throw new EngineFailure(
        'scene',
        `The argument "${text}" needs a value for {${part.name}}; the job gives none.`,
      );
    if (result === '') guard?.(text, part, value);
    result += asText(value, part.digits);
  }
  if (result.includes('\0'))
    throw new EngineFailure(
      'scene',
      `The value for "${text}" has a NUL character, which no argument can hold.`,
    );
  return result;
}

function optionGuard(text: string, { name }: Placeholder, value: unknown): void {
  if (typeof value !== 'string' || !value.startsWith('-')) return;
  if (!FROM_PEOPLE.has(name.split('.')[0] ?? '')) return;
  throw new EngineFailure(
    'scene',
    `The value for "${text}" is ${describeValue(value)}: it begins with "-", and the program would take it for an option.`,
  );
}

function rounds(each: string | undefined, values: TemplateValues): Readonly<Record<string, unknown>>[] {
  if (each === undefined) return [{}];
  const value = each === 'data' ? values.data : valueOf(each, values);
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.map((item: unknown) => ({ item }));
  if (typeof value === 'object')
    return Object.entries(value).map(([key, inner]: [string, unknown]) => ({ key, value: inner }));
  return [{ item: value }];
}

function holds(condition: string, values: TemplateValues): boolean {
  const guard = parseGuard(condition);
  if (!guard) return false;
  // Whether an input is there may be asked; only to use one that is not is wrong.
  const [head, input = ''] = guard.name.split('.');
  const isMissing = head === 'input' && !Object.hasOwn(values.inputs, input);
  const value = isMissing ? undefined : valueOf(guard.name, values);
  const isThere = value !== undefined && value !== null && value !== false;
  const text = value === undefined || value === null ? '' : asText(value, 0);
  switch (guard.test) {
    case 'present':
      return isThere;
    case 'absent':
      return !isThere;
    case 'equal':
      return text === guard.value;
    case 'different':
      return text !== guard.value;
  }
}

function valueOf(name: string, values: TemplateValues): unknown {
  const [head = '', ...rest] = name.split('.');
  if (head === 'settings') return pick(values.settings, rest);
  if (head === 'data') return pick(values.data, rest);
  if (head === 'input') return inputValue(values, rest);
  return FARM_VALUES[name]?.(values);
}

/** By the names of FARM_PLACEHOLDERS. */
const FARM_VALUES: Readonly<Record<string, (values: TemplateValues) => unknown>> = {
  scene: ({ spec }) => spec.scenePath,
  sceneDir: ({ spec }) => spec.scenePath && dirname(spec.scenePath),
  sceneName: ({ spec }) => spec.scenePath && basename(spec.scenePath, extname(spec.scenePath)),
  frame: ({ request }) => request?.frame,
  start: ({ request }) => request?.frame,
  end: ({ request }) => request?.frame,
  frames: ({ request }) => request?.frame,
  step: () => 1,
  outDir: ({ request }) => request?.outDir,
  out: ({ out }) => out,
  work: ({ spec }) => spec.workDir,
  threads: ({ spec }) => spec.threads,
  width: ({ spec }) => spec.output.width,
  height: ({ spec }) => spec.output.height,
  fps: ({ spec }) => spec.output.fps,
  format: ({ spec }) => spec.output.format,
  here: ({ here }) => here,
  dataFile: ({ dataFile }) => dataFile,
};

function inputValue({ inputs, request }: TemplateValues, [name = '', part]: readonly string[]): unknown {
  const input = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
  if (!input) {
    const there = Object.keys(inputs).join(', ') || 'none';
    throw new EngineFailure('scene', `The step needs an input called "${name}"; it has ${there}.`);
  }
  if (part === undefined && input.file === undefined)
    throw new EngineFailure('missing-asset', `The input "${name}" has no frame ${request?.frame ?? ''}.`);
  return part === undefined ? input.file : input[part as 'folder' | 'count' | 'format'];
}

/** `a.b`: a value called so, else the value `b` inside `a`. */
function pick(values: unknown, names: readonly string[]): unknown {
  if (typeof values !== 'object' || values === null) return undefined;
  const whole = names.join('.');
  if (Object.hasOwn(values, whole)) return (values as Record<string, unknown>)[whole];
  const [first = '', ...rest] = names;
  if (rest.length === 0 || !Object.hasOwn(values, first)) return undefined;
  return pick((values as Record<string, unknown>)[first], rest);
}

function asText(value: unknown, digits: number): string {
  if (typeof value === 'number' && digits > 0)
    return `${value < 0 ? '-' : ''}${String(Math.abs(value)).padStart(digits, '0')}`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
