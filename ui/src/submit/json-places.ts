import { findNodeAtLocation, parse, parseTree, printParseErrorCode, type ParseError } from 'jsonc-parser';
import type { InputIssue } from '../../../src/shared/domain/errors.ts';
import { isObject, type Draft } from './draft.ts';

/** Something wrong with a text, at its line. */
export interface PlacedIssue {
  /** From 1. */
  line: number;
  offset: number;
  text: string;
}

const STRICT = { disallowComments: true, allowTrailingComma: false };

/** A job document as text → the document, or everything that is wrong with it, each where it stands. */
export function readDocument(text: string): { draft: Draft } | { issues: PlacedIssue[] } {
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, STRICT);
  const [first] = errors;
  if (first) {
    const what = printParseErrorCode(first.error)
      .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
      .toLowerCase();
    return { issues: [placed(text, first.offset, `This is no JSON: ${what}.`)] };
  }
  if (!isObject(value))
    return { issues: [placed(text, 0, 'A job document is an object: { "version": 1, … }.')] };
  return { draft: value };
}

/** What the contract says of a document, at the lines of its text. */
export function placeIssues(text: string, issues: readonly InputIssue[]): PlacedIssue[] {
  const tree = parseTree(text, [], STRICT);
  return issues.map(({ path, value, expected }) => {
    const said = `${path || 'the document'}: ${value}; expected ${expected}`;
    const keys = keysOf(path);
    for (let length = keys.length; tree && length > 0; length--) {
      const node = findNodeAtLocation(tree, keys.slice(0, length));
      if (node) return placed(text, node.offset, said);
    }
    return placed(text, tree?.offset ?? 0, said);
  });
}

/** `steps[0].frames` → `['steps', 0, 'frames']` */
function keysOf(path: string): (string | number)[] {
  return [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, name]) =>
    index === undefined ? (name ?? '') : Number(index),
  );
}

function placed(text: string, offset: number, said: string): PlacedIssue {
  return { line: text.slice(0, offset).split('\n').length, offset, text: said };
}
