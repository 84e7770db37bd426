import type { BlendBlock, BlendFile } from './blend-file.ts';

/** DNA_text_types.h, DNA_anim_types.h of Blender's sources. */
const TEXT_IS_MODULE = 1 << 4;
const DRIVER_IS_PYTHON = 1;

/** Functions that Blender works out itself, without Python (BLI_expr_pylike_eval.c). */
const OWN_FUNCTIONS: ReadonlySet<string> = new Set(
  `radians degrees abs fabs floor ceil trunc round int sin cos tan asin acos atan atan2 exp log sqrt pow fmod lerp clamp
  smoothstep min max`.split(/\s+/),
);
const OWN_WORDS: ReadonlySet<string> = new Set(['if', 'else', 'and', 'or', 'not']);

/** What would run by itself when the file is opened, and is not run unless somebody trusts it: a line each. */
export function scriptsOf(blend: BlendFile): string[] {
  const found = new Set<string>();
  for (const block of blend.blocks) {
    const struct = blend.structName(block);
    if (struct === 'Text') addModule(blend, block, found);
    else if (struct === 'ChannelDriver') addDriver(blend, block, found);
  }
  return [...found];
}

function addModule(blend: BlendFile, block: BlendBlock, found: Set<string>): void {
  const flags = blend.int(block, blend.struct('Text'), 'flags') ?? 0;
  if ((flags & TEXT_IS_MODULE) !== 0) found.add(`the text block ${JSON.stringify(blend.idName(block))}`);
}

function addDriver(blend: BlendFile, block: BlendBlock, found: Set<string>): void {
  const struct = blend.struct('ChannelDriver');
  const expression = blend.text(block, struct, 'expression') ?? '';
  if (blend.int(block, struct, 'type') === DRIVER_IS_PYTHON && needsPython(expression))
    found.add(`the driver ${JSON.stringify(expression)}`);
}

/** Whether Blender has to ask Python for the value of a driver. In doubt it says no: the worker sees it for certain. */
export function needsPython(expression: string): boolean {
  if (/[[\]{}'"@]|\*\*|\/\/|[A-Za-z_)]\.|\blambda\b|\bfor\b/.test(expression)) return true;
  for (const [, name = ''] of expression.matchAll(/([A-Za-z_]\w*)\s*\(/g))
    if (!OWN_FUNCTIONS.has(name) && !OWN_WORDS.has(name)) return true;
  return false;
}
