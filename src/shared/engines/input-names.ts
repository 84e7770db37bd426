import type { ArgumentTemplate } from './definition.ts';
import { parseTemplate } from './placeholders.ts';
import type { LoadedDefinition } from './read-definition.ts';

export interface InputNames {
  /** Without these the command line cannot be made. */
  required: readonly string[];
  known: readonly string[];
}

/**
 * The inputs that a definition's arguments speak of, in any version of the program; null where only the engine's code knows.
 */
export function inputNames({
  definition,
  variants,
}: Pick<LoadedDefinition, 'definition' | 'variants'>): InputNames | null {
  const all = [definition, ...variants.map((variant) => variant.definition)].map(
    ({ args }) => args && namesIn(args),
  );
  const named = all.filter((names) => names !== undefined);
  if (named.length < all.length) return null;
  const known = new Set(named.flatMap((names) => names.known));
  return {
    required: [...known].filter((name) => named.every((names) => names.required.includes(name))),
    known: [...known],
  };
}

function namesIn(args: readonly ArgumentTemplate[]): InputNames {
  const names = args.map((item) => {
    if (typeof item === 'string') return { isCertain: true, found: inputsIn(item) };
    return {
      isCertain: item.when === undefined && item.each === undefined,
      found: item.args.flatMap(inputsIn),
    };
  });
  return {
    required: names.filter(({ isCertain }) => isCertain).flatMap(({ found }) => found),
    known: names.flatMap(({ found }) => found),
  };
}

function inputsIn(text: string): string[] {
  return (parseTemplate(text) ?? []).flatMap((part) => {
    const [head, name] = typeof part === 'string' ? [] : part.name.split('.');
    return head === 'input' && name !== undefined ? [name] : [];
  });
}
