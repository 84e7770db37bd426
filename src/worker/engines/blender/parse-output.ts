/** Blender 5 starts its lines with a clock and the name of the part: `00:04.230  render           | `. */
const PREFIX = /^(?:\d+:)?\d{2}:\d{2}\.\d{3}\s+[\w.]+\s*\|\s*/;
const SAMPLES = /(?:Sample|Rendering) (\d+)\s?\/\s?(\d+)/;
const TILES = /Rendered (\d+)\/(\d+) Tiles/;
const FATAL = /^(?:Error:|ERROR\b)\s*(.*)/;
const MEMORY =
  /^(?:Calloc|Malloc|Realloc) (?:array )?returns null|System is out of (?:GPU )?memory|Out of memory/i;
/** Printed when the program ends, or about things that do not change the picture. */
const HARMLESS =
  /Not freed memory blocks|No active .*object|audio device|OpenAL|could not get a list of mounted file-systems/i;

export interface BlenderLine {
  /** Share of the samples or tiles done. */
  fraction: number | null;
  /** Blender's own words, when the line says that the frame cannot be right. */
  error: string | null;
  outOfMemory: boolean;
}

/** Reads a line that Blender 2.8 to 5 prints while it renders. */
export function parseBlenderLine(line: string): BlenderLine {
  const text = line.replace(PREFIX, '').trim();
  const progress = SAMPLES.exec(text) ?? TILES.exec(text);
  const total = Number(progress?.[2] ?? 0);
  const fraction = progress && total > 0 ? Math.min(1, Number(progress[1]) / total) : null;
  const outOfMemory = MEMORY.test(text);
  const isError = outOfMemory || (FATAL.test(text) && !HARMLESS.test(text));
  return { fraction, error: isError ? text : null, outOfMemory };
}

/** Its own last error among the last lines, to say why it ended. */
export function blenderReason(lines: readonly string[]): string | undefined {
  const errors = lines.map((line) => parseBlenderLine(line).error).filter((error) => error !== null);
  return errors.at(-1) ?? lines.findLast((line) => /^[A-Za-z]*(?:Error|Exception): /.test(line));
}
