import { FarmError, describeValue } from './errors.ts';
import { beforeExtension, byteLength, fitName, fitValue } from './file-names.ts';
import { padFrame } from './frame-ranges.ts';

/** The name of a frame's first and usual output. */
export const MAIN_OUTPUT = 'main';

const PLACEHOLDERS = ['job', 'step', 'output', 'frame', 'project', 'ext'] as const;
type Placeholder = (typeof PLACEHOLDERS)[number];

/** Labels that have a placeholder of their own; others are `{label.<name>}`. */
const LABELS = ['shot', 'sequence', 'version', 'department'] as const;

export type PatternPart = { text: string } | { placeholder: Placeholder; width: number } | { label: string };

/** File names at download, as somebody wrote them: literal text and placeholders. Made by {@link parseOutputPattern}. */
export interface OutputPattern {
  text: string;
  parts: readonly PatternPart[];
}

/** What a file's name is made of. */
export interface OutputNameValues {
  job: string;
  project: string;
  step: string;
  output: string;
  frame: number;
  ext: string;
  /** Of the job. One that it does not have is `_` in the name. */
  labels?: Readonly<Record<string, string>>;
}

const EXPECTED =
  'text with {job}, {project}, {shot}, {sequence}, {version}, {department}, {label.<name>}, {step}, {output}, {frame}, {frame:04} or {ext}';
const MAX_WIDTH = 12;
const MAX_LITERAL_BYTES = 160;

/**
 * Reads a pattern such as `{step}_{frame:04}.{ext}`.
 * @throws FarmError `invalid` for unknown placeholders, stray braces, path separators and names like `..`.
 */
export function parseOutputPattern(text: string): OutputPattern {
  const parts: PatternPart[] = [];
  for (let at = 0; at < text.length;) {
    const open = text.indexOf('{', at);
    const literal = text.slice(at, open === -1 ? undefined : open);
    if (literal !== '') parts.push({ text: checkedLiteral(literal, text) });
    if (open === -1) break;
    const close = text.indexOf('}', open);
    if (close === -1) throw patternError(text, 'a "{" is not closed');
    parts.push(parsePlaceholder(text.slice(open + 1, close), text));
    at = close + 1;
  }
  const literals = parts.reduce((sum, part) => sum + ('text' in part ? byteLength(part.text) : 0), 0);
  if (literals > MAX_LITERAL_BYTES)
    throw patternError(
      text,
      `its own text has ${literals} bytes, and a name may have ${MAX_LITERAL_BYTES} of it`,
    );
  if (/^\.+$/.test(text) || text.trim() === '') throw patternError(text, 'it names no file');
  if (text.startsWith('.')) throw patternError(text, 'the name would start with a dot and be hidden');
  return { text, parts };
}

export function patternUses(pattern: OutputPattern, placeholder: Placeholder): boolean {
  return pattern.parts.some((part) => 'placeholder' in part && part.placeholder === placeholder);
}

/**
 * The file's name, as every usual file system takes it. An output other than `main` that the pattern does not tell apart
 * gets `_<output>` before the extension, so that passes and view layers never collide with the picture itself.
 * @param tail put before the extension too: what tells steps apart that the pattern does not
 */
export function formatOutputName(pattern: OutputPattern, values: OutputNameValues, tail = ''): string {
  const texts = pattern.parts.map((part, index) => {
    const text = valueOf(part, values);
    return touches(pattern.parts[index - 1], part) ? `_${text}` : text;
  });
  const own = values.output === MAIN_OUTPUT || patternUses(pattern, 'output') ? '' : `_${values.output}`;
  return fitName(beforeExtension(texts.join(''), `${own}${tail}`));
}

/** Output `a1` of frame 1 and output `a` of frame 11 must not become one name. */
export function touches(before: PatternPart | undefined, part: PatternPart): boolean {
  if (before === undefined || !('placeholder' in before) || !('placeholder' in part)) return false;
  const pair = [before.placeholder, part.placeholder];
  return pair.includes('output') && pair.includes('frame');
}

/**
 * Why two files of a job would get one name, or undefined when none can.
 * @param step how many frames it has, and whether another step of the job uses the same pattern.
 */
export function patternCollision(
  pattern: OutputPattern,
  step: { frames: number; othersWithSamePattern: boolean },
): string | undefined {
  if (step.frames > 1 && !patternUses(pattern, 'frame'))
    return 'a pattern with {frame}, because the step has more than one frame';
  if (step.othersWithSamePattern && !patternUses(pattern, 'step'))
    return 'a pattern with {step}, because another step uses the same one';
  return undefined;
}

function parsePlaceholder(inner: string, text: string): PatternPart {
  const label = LABELS.find((known) => known === inner) ?? /^label\.([^:{}]{1,64})$/.exec(inner)?.[1];
  if (label !== undefined) return { label };
  const [name = '', width, ...rest] = inner.split(':');
  const placeholder = PLACEHOLDERS.find((known) => known === name);
  if (placeholder === undefined || rest.length > 0)
    throw patternError(text, `{${inner}} is not a placeholder`);
  if (width === undefined) return { placeholder, width: 0 };
  const digits = Number(width);
  if (placeholder !== 'frame' || !/^0?[1-9][0-9]?$/.test(width) || digits > MAX_WIDTH)
    throw patternError(
      text,
      `{${inner}} has a wrong width; only {frame:01} to {frame:${MAX_WIDTH}} have one`,
    );
  return { placeholder, width: digits };
}

function checkedLiteral(literal: string, text: string): string {
  if (literal.includes('}')) throw patternError(text, 'a "}" has no "{"');
  if (/[/\\]/.test(literal)) throw patternError(text, 'it holds a path separator; only a file name is taken');
  if (literal.includes('..')) throw patternError(text, 'it holds ".."');
  if (/[\u0000-\u001f\u007f<>:"|?*]/.test(literal))
    throw patternError(text, 'it holds a character that file names cannot have everywhere');
  return literal;
}

/** What stands in the name for a part of the pattern. */
export function valueOf(part: PatternPart, values: OutputNameValues): string {
  if ('text' in part) return part.text;
  if ('label' in part) return fitValue(labelOf(values.labels, part.label));
  if (part.placeholder === 'frame') return padFrame(values.frame, part.width);
  return fitValue(values[part.placeholder]);
}

function labelOf(labels: OutputNameValues['labels'], name: string): string {
  return labels !== undefined && Object.hasOwn(labels, name) ? (labels[name] ?? '') : '';
}

function patternError(text: string, wrong: string): FarmError {
  return new FarmError('invalid', `Output pattern ${describeValue(text)}: ${wrong}; expected ${EXPECTED}.`, {
    issues: [{ path: 'output.pattern', value: describeValue(text), expected: `${EXPECTED} (${wrong})` }],
  });
}
