/** Text with placeholders: `f_{frame:08}.{format}`. A brace itself is written twice. */

export interface Placeholder {
  /** `frame`, `settings.camera`, `input.plate.folder` */
  name: string;
  /** `{frame:04}`: at least as many digits. */
  digits: number;
}

export type TemplatePart = string | Placeholder;

const PART = /\{\{|\}\}|\{([A-Za-z][\w-]*(?:\.[\w-]+)*)(?::0?(\d{1,2}))?\}|[{}]/g;

/** @returns the parts, or undefined when a brace stands alone */
export function parseTemplate(text: string): TemplatePart[] | undefined {
  const parts: TemplatePart[] = [];
  let literal = '';
  let at = 0;
  for (const match of text.matchAll(PART)) {
    literal += text.slice(at, match.index);
    at = match.index + match[0].length;
    if (match[0] === '{{' || match[0] === '}}') literal += match[0][0] ?? '';
    else if (match[1] === undefined) return undefined;
    else {
      if (literal !== '') parts.push(literal);
      literal = '';
      parts.push({ name: match[1], digits: Number(match[2] ?? 0) });
    }
  }
  literal += text.slice(at);
  if (literal !== '') parts.push(literal);
  return parts;
}

/** Placeholders whose value the farm gives. */
export const FARM_PLACEHOLDERS: Readonly<Record<string, string>> = {
  scene: 'the scene’s file',
  sceneDir: 'its folder',
  sceneName: 'its name without the ending',
  frame: 'the frame’s number',
  start: 'the first frame of the run: the frame’s number',
  end: 'the last frame of the run: the frame’s number',
  step: 'from frame to frame: 1',
  frames: 'the frames of the run: the frame’s number',
  outDir: 'the empty folder that the frame’s files go into',
  out: 'path of the main file of `outputs`',
  work: 'a scratch folder of the session',
  threads: 'how many threads it may use',
  width: 'width asked for, in pixels; missing when nothing was asked',
  height: 'height asked for',
  fps: 'frames a second asked for',
  format: 'the output’s format',
  here: 'the folder of the definition file; only of definitions that are files on the worker',
  dataFile: 'a JSON file with the job’s data',
};

/** Of `{input.NAME.…}`. */
export const INPUT_PARTS: Readonly<Record<string, string>> = {
  folder: 'folder with the files as 00000000.EXT, 00000001.EXT …',
  count: 'how many there are',
  format: 'their ending, without the dot',
};

/** A condition of `when`. */
export interface Guard {
  name: string;
  test: 'present' | 'absent' | 'equal' | 'different';
  value: string;
}

const GUARD = /^(!)?\s*([A-Za-z][\w-]*(?:\.[\w-]+)*)\s*(?:(==|!=)\s*(\S.*?))?\s*$/;

/** @returns undefined for what is no condition */
export function parseGuard(text: string): Guard | undefined {
  const match = GUARD.exec(text);
  if (match?.[2] === undefined || (match[1] !== undefined && match[3] !== undefined)) return undefined;
  const test =
    match[3] === '==' ? 'equal' : match[3] === '!=' ? 'different' : match[1] ? 'absent' : 'present';
  return { name: match[2], test, value: match[4] ?? '' };
}
