import type { EngineDefinition } from './definition.ts';
import { parseTemplate } from './placeholders.ts';

export interface InputNames {
  /** Without these the command line cannot be made. */
  required: readonly string[];
  known: readonly string[];
}

/** The inputs that a definition's arguments speak of; null where only the engine's code knows. */
export function inputNames({ args }: Pick<EngineDefinition, 'args'>): InputNames | null {
  if (!args) return null;
  const required = new Set<string>();
  const known = new Set<string>();
  for (const item of args) {
    const isCertain = typeof item === 'string' || (item.when === undefined && item.each === undefined);
    for (const text of typeof item === 'string' ? [item] : item.args)
      for (const name of inputsIn(text)) {
        known.add(name);
        if (isCertain) required.add(name);
      }
  }
  return { required: [...required], known: [...known] };
}

function inputsIn(text: string): string[] {
  return (parseTemplate(text) ?? []).flatMap((part) => {
    const [head, name] = typeof part === 'string' ? [] : part.name.split('.');
    return head === 'input' && name !== undefined ? [name] : [];
  });
}
