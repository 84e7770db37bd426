import { engineCatalogue } from './engine-catalogue.ts';

/** Lets a worker run any program that a job names; see the definition of `command`. */
export const ALLOW_COMMAND = 'FARMHAND_ALLOW_COMMAND';

/** Variables by which people tell a worker about engines: where programs are, and what it may run. */
export function engineVariables(): string[] {
  const catalogue = engineCatalogue();
  const named = catalogue.ids().flatMap((id) => catalogue.definition(id)?.definition.find?.env ?? []);
  return [...new Set([...named, ALLOW_COMMAND])];
}
