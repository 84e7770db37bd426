import type { EngineDefinition } from '../../../shared/engines/definition.ts';
import { expandText, type TemplateValues } from './arguments.ts';

/**
 * Variables that the program gets besides the minimal environment: those of the definition, and those of the worker that say
 * where its licences come from.
 * @throws EngineFailure `scene` for a placeholder that has no value
 */
export function engineVariables(
  { env, licenceEnv }: Pick<EngineDefinition, 'env' | 'licenceEnv'>,
  values: TemplateValues,
): Record<string, string> {
  const licences = licenceEnv.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const own = Object.entries(env).map(([name, text]) => [name, expandText(text, values)] as const);
  return Object.fromEntries([...licences, ...own]);
}
