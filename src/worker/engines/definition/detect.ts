import { globSync } from 'node:fs';
import type { EngineDefinition } from '../../../shared/engines/definition.ts';
import { Pattern } from '../../../shared/engines/patterns.ts';
import { versionInRange } from '../../../shared/domain/engine-versions.ts';
import { findOnPath, isProgram } from '../../../shared/programs/find-on-path.ts';
import type { DetectedProgram } from '../engine.ts';
import { probe } from '../probe.ts';

type Found = Pick<EngineDefinition, 'find' | 'version' | 'features' | 'platforms'>;

/** More of what a program prints about itself is not looked at. */
const MAX_ANSWER = 65_536;
const MAX_VERSION = 64;

/**
 * Looks for an engine's program as its definition says.
 * @param further where to look besides, last
 * @returns null when this machine does not have it, or not in a version that can be used
 */
export async function detectProgram(
  definition: Found,
  further: readonly (string | undefined)[] = [],
): Promise<DetectedProgram | null> {
  if (definition.platforms && !definition.platforms.some((name) => name === process.platform)) return null;
  for (const program of [...candidates(definition.find), ...further]) {
    if (program === undefined || !isProgram(program)) continue;
    const detected = await ask(program, definition);
    if (detected) return detected;
  }
  return null;
}

/** Paths at which the program may be, the likeliest first. */
export function candidates(find: EngineDefinition['find']): string[] {
  if (!find) return [];
  const named = find.env === undefined ? undefined : process.env[find.env];
  return [
    ...(named === undefined || named === '' ? [] : [named]),
    ...find.names.flatMap((name) => findOnPath(name) ?? []),
    ...find.globs.flatMap(newestFirst),
  ];
}

/** Of several versions the highest, by the numbers in their paths. */
function newestFirst(glob: string): string[] {
  const byNumbers = new Intl.Collator('en', { numeric: true });
  return globSync(glob).sort((a, b) => byNumbers.compare(b, a));
}

async function ask(program: string, { version, features }: Found): Promise<DetectedProgram | null> {
  if (!version) return null;
  const found = 'fixed' in version ? version.fixed : await askVersion(program, version);
  if (found === undefined) return null;
  const has: string[] = [];
  // Several features may be told by one answer.
  const answers = new Map<string, string | null>();
  for (const { name, args, regex, required } of features) {
    const question = JSON.stringify(args);
    const answer = answers.has(question) ? (answers.get(question) ?? null) : await probe(program, args);
    answers.set(question, answer);
    if (answer !== null && new Pattern(regex).match(answer, MAX_ANSWER)) has.push(name);
    else if (required) return null;
  }
  return { version: found, features: has, program };
}

async function askVersion(
  program: string,
  { args, regex, range, anyExit }: Exclude<NonNullable<EngineDefinition['version']>, { fixed: string }>,
): Promise<string | undefined> {
  const answer = await probe(program, args, { anyExit });
  const match = answer === null ? undefined : new Pattern(regex).match(answer, MAX_ANSWER);
  const version = (match?.[1] ?? '').trim().slice(0, MAX_VERSION);
  return version === '' || (range !== undefined && !versionInRange(version, range)) ? undefined : version;
}
