/** A piece of a line with how a terminal would show it. */
export interface Span {
  text: string;
  /** One of eight colours that both themes have; undefined: as all text. */
  colour?: AnsiColour;
  bold: boolean;
}

const COLOURS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;
export type AnsiColour = (typeof COLOURS)[number];

const CODE = /\u001b(?:\[([0-?]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;

/** A line with terminal codes → its pieces. Only colours and bold are kept; everything else is left out. */
export function ansiSpans(line: string): Span[] {
  const spans: Span[] = [];
  let style: Omit<Span, 'text'> = { bold: false };
  let at = 0;
  const add = (text: string): void => {
    if (text !== '') spans.push({ text, ...style });
  };
  for (const match of line.matchAll(CODE)) {
    add(line.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[2] === 'm') style = styled(style, (match[1] ?? '').split(/[;:]/).map(Number));
  }
  add(line.slice(at));
  return spans;
}

function styled(before: Omit<Span, 'text'>, codes: readonly number[]): Omit<Span, 'text'> {
  let style = before;
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0;
    if (code === 0) style = { bold: false };
    else if (code === 1) style = { ...style, bold: true };
    else if (code === 22) style = { ...style, bold: false };
    else if (code === 39) style = { bold: style.bold };
    else if (code === 38) {
      const [colour, used] = extended(codes.slice(i + 1));
      style = { bold: style.bold, ...(colour === undefined ? {} : { colour }) };
      i += used;
    } else if (code === 48) i += extended(codes.slice(i + 1))[1];
    else {
      const colour = COLOURS[code >= 90 ? code - 90 : code - 30];
      if (colour !== undefined) style = { ...style, colour };
    }
  }
  return style;
}

/** `5;n` of 256 colours or `2;r;g;b` → the nearest of eight, and how many codes that took. */
function extended(codes: readonly number[]): [AnsiColour | undefined, number] {
  if (codes[0] === 2) return [nearest(codes[1] ?? 0, codes[2] ?? 0, codes[3] ?? 0), 4];
  const index = codes[1] ?? 0;
  if (index < 16) return [COLOURS[index % 8], 2];
  if (index >= 232) return [index < 244 ? 'black' : 'white', 2];
  const cube = index - 16;
  const part = (value: number): number => (value % 6) * 51;
  return [nearest(part(Math.floor(cube / 36)), part(Math.floor(cube / 6)), part(cube)), 2];
}

function nearest(red: number, green: number, blue: number): AnsiColour {
  const most = Math.max(red, green, blue);
  const bit = (value: number): number => (most > 40 && value > most * 0.6 ? 1 : 0);
  return COLOURS[bit(red) + 2 * bit(green) + 4 * bit(blue)] ?? 'white';
}
