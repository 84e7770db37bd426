import { LineCounter, isMap, isPair, isScalar, isSeq, parseDocument, type Document, type Node } from 'yaml';

export interface Position {
  /** Both from 1. */
  line: number;
  column: number;
}

/** One thing that is wrong with a file, and where. */
export interface FileProblem extends Position {
  /** Such as `events[2].regex`; empty for the whole. */
  path: string;
  message: string;
}

export type Path = readonly (string | number)[];

const MAX_BYTES = 262_144;

/** A YAML text that knows where each of its values stands. */
export class YamlSource {
  readonly value: unknown;
  /** What makes it no YAML that can be used; then `value` means nothing. */
  readonly problems: readonly FileProblem[];
  readonly #text: string;
  readonly #document: Document;
  readonly #lines = new LineCounter();

  constructor(text: string) {
    this.#text = text;
    const tooLarge = Buffer.byteLength(text) > MAX_BYTES;
    // A byte-order mark would be part of the first key.
    this.#document = parseDocument(tooLarge ? '' : text.replace(/^\uFEFF/, ' '), {
      lineCounter: this.#lines,
      prettyErrors: false,
      version: '1.2',
      schema: 'core',
    });
    const problems = [...this.#document.errors, ...this.#document.warnings].map((error): FileProblem => ({
      path: '',
      ...this.#at(error.pos[0]),
      message: error.message,
    }));
    if (tooLarge)
      problems.push({ path: '', line: 1, column: 1, message: `has more than ${MAX_BYTES} bytes` });
    this.value = problems.length > 0 ? undefined : this.#plain(problems);
    this.problems = problems;
  }

  /** Where the value of a path stands, or of the nearest thing around it that is there. */
  position(path: Path): Position {
    return this.#at(this.#node(path)?.range?.[0] ?? 0);
  }

  /** Where a key stands, such as one that should not be there. */
  keyPosition(path: Path): Position {
    const map = this.#node(path.slice(0, -1));
    if (isMap(map)) {
      const pair = map.items.find((item) => isScalar(item.key) && String(item.key.value) === path.at(-1));
      if (pair && isScalar(pair.key)) return this.#at(pair.key.range?.[0] ?? 0);
    }
    return this.position(path);
  }

  /** Where a piece of a text stands inside the value of a path. */
  positionOf(path: Path, piece: string): Position {
    const range = this.#node(path)?.range;
    if (!range) return this.position(path);
    const found = this.#text.slice(range[0], range[1]).indexOf(piece);
    return this.#at(range[0] + Math.max(0, found));
  }

  #node(path: Path): Node | null {
    let node: unknown = this.#document.contents;
    for (const key of path) {
      const next: unknown = isMap(node)
        ? node.items.find(
            (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(key),
          )?.value
        : isSeq(node)
          ? node.items[Number(key)]
          : undefined;
      if (next === undefined || next === null) break;
      node = next;
    }
    return node as Node | null;
  }

  #at(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  #plain(problems: FileProblem[]): unknown {
    try {
      return this.#document.toJS({ maxAliasCount: 100 }) as unknown;
    } catch (error) {
      // Aliases that multiply.
      problems.push({ path: '', line: 1, column: 1, message: (error as Error).message });
      return undefined;
    }
  }
}
