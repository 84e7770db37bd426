import { FarmError, describeValue, type InputIssue } from '../domain/errors.ts';
import { parseFrameSelection } from '../domain/frame-ranges.ts';

/** What a page says about itself in `<meta name="farmhand" content="frames=1-90 fps=30 width=1280 height=720">`. */
export interface HtmlPageFacts {
  /** The frame at time 0; 0 where the page does not say. */
  firstFrame: number;
  /** null: it has as many as anybody asks for. */
  lastFrame: number | null;
  fps: number;
  /** In CSS pixels. */
  width: number;
  height: number;
  /** Which of these the page says itself. */
  says: ReadonlySet<string>;
}

export const MAX_HTML_BYTES = 16_000_000;
const DEFAULTS = { fps: 30, width: 1280, height: 720 };
/** What is never closed goes on to the end: looking for its end again and again would take hours in a large page. */
export const HTML_COMMENT = /<!--(?:[\s\S]*?-->|[\s\S]*$)/g;
const META = /<meta\s[^>]*>?/gi;
const ATTRIBUTE = /(?<![\w-])([a-z][\w-]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/gi;

/** Attributes of a tag's text, names in lower case. */
export function attributesOf(tag: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name = '', double, single, bare] of tag.matchAll(ATTRIBUTE)) {
    const key = name.toLowerCase();
    if (!found.has(key)) found.set(key, decodeEntities(double ?? single ?? bare ?? ''));
  }
  return found;
}

function decodeEntities(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&');
}

/**
 * Reads what the page says in its `<meta name="farmhand">`; a page without one is no error.
 * @throws FarmError `invalid` for a value that makes no sense, `too-large`
 */
export function readHtmlPage(bytes: Uint8Array, name: string): HtmlPageFacts {
  if (bytes.length > MAX_HTML_BYTES)
    throw new FarmError('too-large', `${name} has ${bytes.length} bytes; at most ${MAX_HTML_BYTES}.`);
  const said = saidBy(new TextDecoder().decode(bytes));
  const issues: InputIssue[] = [];
  const number = (key: 'fps' | 'width' | 'height', max: number, whole: boolean): number => {
    const text = said.get(key);
    if (text === undefined) return DEFAULTS[key];
    const value = Number(text);
    if (value > 0 && value <= max && (!whole || Number.isInteger(value))) return value;
    issues.push({
      path: key,
      value: describeValue(text),
      expected: `a ${whole ? 'whole ' : ''}number up to ${max}`,
    });
    return DEFAULTS[key];
  };
  const facts = {
    ...frames(said.get('frames'), issues),
    fps: number('fps', 1000, false),
    width: number('width', 16_384, true),
    height: number('height', 16_384, true),
    says: new Set(said.keys()),
  };
  if (issues.length === 0) return facts;
  const lines = issues.map((issue) => `${issue.path} is ${issue.value}, expected ${issue.expected}`);
  throw new FarmError('invalid', `${name}: in <meta name="farmhand"> ${lines.join('; ')}.`, { issues });
}

function saidBy(html: string): Map<string, string> {
  // What is commented out is not said.
  for (const [tag] of html.replaceAll(HTML_COMMENT, '').matchAll(META)) {
    const attributes = attributesOf(tag);
    if (attributes.get('name')?.toLowerCase() !== 'farmhand') continue;
    const words = (attributes.get('content') ?? '').split(/[\s,;]+/).filter((word) => word !== '');
    return new Map(words.map((word) => [word.split('=')[0] ?? '', word.split('=')[1] ?? '']));
  }
  return new Map();
}

function frames(
  text: string | undefined,
  issues: InputIssue[],
): { firstFrame: number; lastFrame: number | null } {
  if (text === undefined) return { firstFrame: 0, lastFrame: null };
  const expected = 'a range such as 1-90';
  try {
    const [run, ...others] = parseFrameSelection(text);
    if (run?.step === 1 && others.length === 0)
      return { firstFrame: run.start, lastFrame: run.start + run.count - 1 };
    if (run?.count === 1 && others.length === 0) return { firstFrame: run.start, lastFrame: run.start };
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
  }
  issues.push({ path: 'frames', value: describeValue(text), expected });
  return { firstFrame: 0, lastFrame: null };
}
