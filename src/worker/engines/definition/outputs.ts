import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { OutputTemplate } from '../../../shared/engines/definition.ts';
import { EngineFailure, type ProducedFile } from '../engine.ts';
import { expandText, type TemplateValues } from './arguments.ts';

/** Name of the file that an output is, which may have `*` in it. @throws EngineFailure `scene` */
export function outputFile({ file }: OutputTemplate, values: TemplateValues): string {
  const name = expandText(file, values);
  if (!/[/\\]/.test(name)) return name;
  throw new EngineFailure('scene', `"${name}" cannot be the name of an output’s file.`);
}

/**
 * The files that a frame must have given.
 * @param saved the file that the program says it wrote
 * @throws EngineFailure `bad-output` where one is missing, or cannot be told from others
 */
export async function findOutputs(
  label: string,
  outputs: readonly OutputTemplate[],
  outDir: string,
  values: TemplateValues,
  saved: string | null,
): Promise<ProducedFile[]> {
  const there = await readdir(outDir);
  return outputs.flatMap((output) => {
    const wanted = outputFile(output, values);
    const matching = there.filter((name) => fits(name, wanted));
    const [file] = matching;
    if (file !== undefined && matching.length === 1) return [{ name: output.name, path: join(outDir, file) }];
    if (file === undefined && output.optional) return [];
    const claim = saved === null ? '' : `, and says that it wrote ${saved}`;
    const found = file === undefined ? `it left ${listed(there)}${claim}` : `these fit: ${listed(matching)}`;
    throw new EngineFailure('bad-output', `${label} was to write ${wanted} for "${output.name}"; ${found}.`);
  });
}

/** Whether a name fits a pattern in which each `*` stands for any characters. */
function fits(name: string, pattern: string): boolean {
  const [head = '', ...pieces] = pattern.split('*');
  const tail = pieces.pop();
  if (tail === undefined) return name === pattern;
  if (!name.startsWith(head) || name.length < head.length + tail.length || !name.endsWith(tail)) return false;
  let at = head.length;
  const end = name.length - tail.length;
  for (const piece of pieces) {
    const found = name.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.slice(0, 5).join(', ') + (names.length > 5 ? ' …' : '');
}
