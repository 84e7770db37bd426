import { beforeExtension, nameKey } from './file-names.ts';
import {
  MAIN_OUTPUT,
  patternUses,
  touches,
  valueOf,
  type OutputNameValues,
  type OutputPattern,
} from './output-pattern.ts';

/** A place in a name: a certain character, or one or more of a class. */
type Token = string | { many: RegExp };

const DIGITS = { many: /[0-9-]/ };
/** Of outputs and extensions, which are ids. */
const WORD = { many: /[a-z0-9_-]/ };

/** Where frame, output and extension stand in a name that is written out; none can come from a person's text. */
const MARKS: Readonly<Record<string, Token>> = { '\u0001': DIGITS, '\u0002': WORD };

/** All names that a step's files can have, upper and lower case not told apart. */
export type NameShape = readonly (readonly Token[])[];

/**
 * @param values job, project, labels and step; of outputs and extensions any
 * @param tail as for `formatOutputName`
 */
export function nameShape(
  pattern: OutputPattern,
  values: Pick<OutputNameValues, 'job' | 'project' | 'step' | 'labels'>,
  tail: string,
): NameShape {
  const filled: OutputNameValues = { ...values, output: MAIN_OUTPUT, frame: 0, ext: '' };
  const text = pattern.parts
    .map((part, index) => {
      const gap = touches(pattern.parts[index - 1], part) ? '_' : '';
      if (!('placeholder' in part)) return nameKey(valueOf(part, filled));
      if (part.placeholder === 'frame') return `${gap}\u0001`;
      if (part.placeholder === 'output' || part.placeholder === 'ext') return `${gap}\u0002`;
      return nameKey(valueOf(part, filled));
    })
    .join('');
  const tails = patternUses(pattern, 'output') ? [tail] : [tail, `_\u0002${tail}`];
  return tails.map((each) => tokensOf(beforeExtension(text, nameKey(each))));
}

const tokensOf = (text: string): Token[] => Array.from(text, (character) => MARKS[character] ?? character);

/** Whether some file of the one could have the name of some file of the other. */
export function shapesOverlap(a: NameShape, b: NameShape): boolean {
  return a.some((one) => b.some((other) => overlap(one, other)));
}

/** Walks both at once, as far as one character fits both. */
function overlap(a: readonly Token[], b: readonly Token[]): boolean {
  if (differBeforeClasses(a, b)) return false;
  const seen = new Set<number>();
  const open: [number, number][] = [[0, 0]];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const [i, j] = at;
    if (i === a.length && j === b.length) return true;
    const [one, other] = [a[i], b[j]];
    const place = i * (b.length + 1) + j;
    if (one === undefined || other === undefined || seen.has(place)) continue;
    seen.add(place);
    if (!fit(one, other)) continue;
    for (const nextI of nexts(one, i)) for (const nextJ of nexts(other, j)) open.push([nextI, nextJ]);
  }
  return false;
}

/** So with nearly all, and quickly: a thousand steps make half a million pairs. */
function differBeforeClasses(a: readonly Token[], b: readonly Token[]): boolean {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (typeof a[i] !== 'string' || typeof b[i] !== 'string') return false;
    if (a[i] !== b[i]) return true;
  }
  return false;
}

const nexts = (token: Token, at: number): number[] => (typeof token === 'string' ? [at + 1] : [at, at + 1]);

function fit(a: Token, b: Token): boolean {
  if (typeof a === 'string') return typeof b === 'string' ? a === b : b.many.test(a);
  return typeof b === 'string' ? a.many.test(b) : true; // every two classes have the digits in common
}
