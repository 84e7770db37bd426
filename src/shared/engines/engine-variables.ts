import { engineCatalogue } from './engine-catalogue.ts';

/** Lets a worker run any program that a job names; see the definition of `command`. */
export const ALLOW_COMMAND = 'FARMHAND_ALLOW_COMMAND';

/** With which the variables begin that say where the programs of definitions are that the farm gives to its workers. */
export const PROGRAM_VARIABLE = 'FARMHAND_PROGRAM_';

/**
 * Variables by which people tell a worker about engines: where programs are, and what it may run.
 * @param environment those of definitions that are not here yet are told by their names
 */
export function engineVariables(environment: Readonly<Record<string, string | undefined>>): string[] {
  const catalogue = engineCatalogue();
  const named = catalogue.ids().flatMap((id) => catalogue.definition(id)?.definition.find?.env ?? []);
  const programs = Object.keys(environment).filter((name) => name.startsWith(PROGRAM_VARIABLE));
  return [...new Set([...named, ...programs, ALLOW_COMMAND])];
}
