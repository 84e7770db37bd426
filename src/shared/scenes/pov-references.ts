import type { DataSlot } from './scene-inspection.ts';

/** A file that a scene in POV-Ray's language names. */
export interface PovReference {
  name: string;
  kind: 'include' | 'file';
  /** It stands in an `#if`, `#macro` or the like, and may never be asked for. */
  conditional: boolean;
}

/**
 * Names that a scene gives a value only where nobody else has: `#ifndef (Title) #declare Title = …`, which `Declare=` on the
 * command line then fills.
 */
export function findPovParameters(source: string): DataSlot[] {
  const found = new Map<string, DataSlot>();
  const last: Token[] = [];
  for (const token of tokens(source)) {
    last.push(token);
    const [ask, , name, , declare, declared, , value] = last;
    const text = last.slice(0, 7).map((each) => each.text);
    if (
      last.length === 8 &&
      ask?.kind === 'directive' &&
      declare?.kind === 'directive' &&
      name?.kind === 'word' &&
      declared?.text === name.text &&
      text.join(' ') === `ifndef ( ${name.text} ) declare ${name.text} =` &&
      value
    )
      found.set(name.text, { name: name.text, kind: kindOf(value) });
    if (last.length === 8) last.shift();
  }
  return [...found.values()];
}

function kindOf({ kind, text }: Token): DataSlot['kind'] {
  if (kind === 'string') return 'text';
  return kind === 'other' && /^[-+.\d]$/.test(text) ? 'number' : 'value';
}

/** Words after which a string is the name of a file that is read. */
const FILE_WORDS = new Set(
  'gif tga iff ppm pgm png jpeg tiff sys bmp exr hdr pot ttf df3 image_map bump_map material_map'.split(' '),
);
const OPENING = new Set(['if', 'ifdef', 'ifndef', 'while', 'for', 'switch', 'macro']);

interface Token {
  kind: 'word' | 'directive' | 'string' | 'other';
  text: string;
}

/**
 * Finds the files that a scene names by plain strings: `#include "x"`, pictures, height fields, fonts, `#fopen … read`.
 * Names that are put together while the scene is parsed cannot be seen.
 */
export function findPovReferences(source: string): PovReference[] {
  const references: PovReference[] = [];
  let depth = 0;
  let previous: Token = { kind: 'other', text: '' };
  let opened: string | null = null;
  for (const token of tokens(source)) {
    if (token.kind === 'directive') {
      if (OPENING.has(token.text)) depth++;
      else if (token.text === 'end') depth = Math.max(0, depth - 1);
    }
    const conditional = depth > 0;
    if (token.kind === 'string' && token.text !== '') {
      if (previous.kind === 'directive' && previous.text === 'include')
        references.push({ name: token.text, kind: 'include', conditional });
      else if (previous.kind === 'word' && FILE_WORDS.has(previous.text))
        references.push({ name: token.text, kind: 'file', conditional });
      else opened = token.text;
    } else if (
      token.kind === 'word' &&
      token.text === 'read' &&
      previous.kind === 'string' &&
      opened !== null
    ) {
      // The scene may have written it itself.
      references.push({ name: opened, kind: 'file', conditional: true });
    }
    previous = token;
  }
  return references;
}

const isWordStart = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95;
const isWordPart = (code: number): boolean => isWordStart(code) || (code >= 48 && code <= 57);

/** Splits at words and strings, leaving out comments, which nest. */
function* tokens(source: string): Generator<Token> {
  let at = 0;
  while (at < source.length) {
    const character = source.charAt(at);
    if (source.startsWith('//', at)) at = endOfLine(source, at);
    else if (source.startsWith('/*', at)) at = endOfComment(source, at);
    else if (character === '"') {
      const end = endOfString(source, at);
      yield { kind: 'string', text: source.slice(at + 1, end).replace(/\\(.)/g, '$1') };
      at = end + 1;
    } else if (character === '#') {
      let start = at + 1;
      while (source.charAt(start) === ' ' || source.charAt(start) === '\t') start++;
      at = endOfWord(source, start);
      yield { kind: 'directive', text: source.slice(start, at) };
    } else if (isWordStart(source.charCodeAt(at))) {
      const start = at;
      at = endOfWord(source, at);
      yield { kind: 'word', text: source.slice(start, at) };
    } else {
      at++;
      if (character.trim() !== '') yield { kind: 'other', text: character };
    }
  }
}

function endOfWord(source: string, from: number): number {
  let at = from;
  while (at < source.length && isWordPart(source.charCodeAt(at))) at++;
  return at;
}

function endOfLine(source: string, from: number): number {
  const end = source.indexOf('\n', from);
  return end < 0 ? source.length : end;
}

function endOfString(source: string, from: number): number {
  let at = from + 1;
  while (at < source.length && source.charAt(at) !== '"') at += source.charAt(at) === '\\' ? 2 : 1;
  return at;
}

function endOfComment(source: string, from: number): number {
  let depth = 0;
  let at = from;
  while (at < source.length) {
    if (source.startsWith('/*', at)) {
      depth++;
      at += 2;
    } else if (source.startsWith('*/', at)) {
      depth--;
      at += 2;
      if (depth === 0) return at;
    } else at++;
  }
  return at;
}
