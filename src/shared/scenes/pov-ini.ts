/** What the farm reads of a POV-Ray `.ini`; POV-Ray itself reads all of it. */
export interface PovIni {
  inputFile: string | null;
  initialFrame: number | null;
  finalFrame: number | null;
  width: number | null;
  height: number | null;
  /** Folders to search for includes, as they stand there. */
  libraryPaths: string[];
  /** Names that further `.ini` files are read by. */
  includes: string[];
}

const NAMES: Readonly<Record<string, keyof PovIni>> = {
  input_file_name: 'inputFile',
  initial_frame: 'initialFrame',
  final_frame: 'finalFrame',
  width: 'width',
  height: 'height',
  library_path: 'libraryPaths',
  include_ini: 'includes',
};

/** The same as switches, longest first: `+KFI1`. */
const SWITCHES: readonly (readonly [string, keyof PovIni])[] = [
  ['kfi', 'initialFrame'],
  ['kff', 'finalFrame'],
  ['w', 'width'],
  ['h', 'height'],
  ['i', 'inputFile'],
  ['l', 'libraryPaths'],
];

/**
 * Reads the options that stand before the first `[section]`, which are the ones that POV-Ray uses unless told otherwise.
 * Syntax: POV-Ray 3.7 documentation, "INI Files": `Option=value`, switches, `;` and `#` start a comment.
 */
export function readPovIni(text: string): PovIni {
  const ini: PovIni = {
    inputFile: null,
    initialFrame: null,
    finalFrame: null,
    width: null,
    height: null,
    libraryPaths: [],
    includes: [],
  };
  for (const raw of text.split(/\r\n|\r|\n/)) {
    const line = withoutComment(raw).trim();
    if (line.startsWith('[')) break;
    if (line.startsWith('+') || line.startsWith('-')) readSwitches(line, ini);
    else readOption(line, ini);
  }
  return ini;
}

function withoutComment(line: string): string {
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const character = line.charAt(i);
    if (quote !== '') quote = character === quote ? '' : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character === ';' || character === '#') return line.slice(0, i);
  }
  return line;
}

function readOption(line: string, ini: PovIni): void {
  const equals = line.indexOf('=');
  if (equals < 0) {
    // A bare word is another file: `.ini` or scene.
    if (/\.ini$/i.test(line)) ini.includes.push(unquoted(line));
    return;
  }
  const name = NAMES[line.slice(0, equals).trim().toLowerCase()];
  if (name) setValue(ini, name, unquoted(line.slice(equals + 1)));
}

function readSwitches(line: string, ini: PovIni): void {
  for (const word of words(line)) {
    if (!word.startsWith('+') && !word.startsWith('-')) {
      readOption(word, ini);
      continue;
    }
    const body = word.slice(1);
    const match = SWITCHES.find(
      ([name]) => body.toLowerCase().startsWith(name) && isValueOf(name, body.slice(name.length)),
    );
    if (match) setValue(ini, match[1], unquoted(body.slice(match[0].length)));
  }
}

const isValueOf = (name: string, value: string): boolean =>
  name === 'i' || name === 'l' ? value !== '' : /^\d+$/.test(value);

function words(line: string): string[] {
  return line.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [];
}

function unquoted(text: string): string {
  return text.trim().replace(/^(["'])(.*)\1$/, '$2');
}

function setValue(ini: PovIni, name: keyof PovIni, value: string): void {
  switch (name) {
    case 'inputFile':
      ini.inputFile = value;
      break;
    case 'libraryPaths':
    case 'includes':
      ini[name].push(value);
      break;
    default:
      if (/^\d{1,9}$/.test(value)) ini[name] = Number(value);
  }
}
