import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { FarmError } from '../domain/errors.ts';
import {
  readDefinition,
  type DefinitionResult,
  type LoadedDefinition,
  type ReadOptions,
} from './read-definition.ts';

/** Definitions stand beside the code and the logs of their engine. They are read as data: nothing there is imported. */
export const ENGINES_FOLDER = join(import.meta.dirname, '../../worker/engines');
export const DEFINITION_FILE = 'engine.yaml';

export interface DefinitionFile {
  /** The folder's name, which is the definition's id. */
  id: string;
  path: string;
  result: DefinitionResult;
}

/** Reads the definitions of a folder, each `<id>/engine.yaml`, with those that they extend. */
export function readDefinitionsOf(folder: string, options: ReadOptions = {}): DefinitionFile[] {
  const files = new Map(
    readdirSync(folder)
      .sort()
      .filter((name) => existsSync(join(folder, name, DEFINITION_FILE)))
      .map((id) => [id, join(folder, id, DEFINITION_FILE)]),
  );
  const known = new Map<string, DefinitionResult>();
  const underWay = new Set<string>();
  const read = (id: string, path: string): DefinitionResult => {
    const before = known.get(id);
    if (before) return before;
    underWay.add(id);
    const parentOf = (name: string): LoadedDefinition | undefined => {
      const file = files.get(name);
      if (file === undefined) return options.parentOf?.(name);
      // A definition that extends itself by way of others has no end.
      return underWay.has(name) ? undefined : read(name, file).loaded;
    };
    const result = named(
      id,
      readDefinition(readFileSync(path, 'utf8'), { ...options, parentOf, folder: join(folder, id) }),
    );
    underWay.delete(id);
    known.set(id, result);
    return result;
  };
  return [...files].map(([id, path]) => ({ id, path, result: read(id, path) }));
}

function named(folder: string, result: DefinitionResult): DefinitionResult {
  const id = result.loaded?.definition.id;
  if (id === undefined || id === folder) return result;
  const message = `the id is ${id}, the folder’s name ${folder}: they are the same`;
  return { loaded: undefined, problems: [{ path: 'id', line: 1, column: 1, message }] };
}

/** @throws FarmError when one of this installation's own definitions cannot be read */
export function shippedDefinitions(): LoadedDefinition[] {
  return readDefinitionsOf(ENGINES_FOLDER, { trusted: true }).map(({ path, result }) => {
    if (result.loaded) return result.loaded;
    const lines = result.problems.map((problem) => problemLine(path, problem));
    throw new FarmError('internal', `An engine’s definition cannot be read:\n${lines.join('\n')}`);
  });
}

/** `engine.yaml:12:10: events[2].regex: …` */
export function problemLine(
  file: string,
  { line, column, path, message }: { line: number; column: number; path: string; message: string },
): string {
  return `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;
}

/** Engines that have code of their own. */
export function adapters(): string[] {
  return readdirSync(ENGINES_FOLDER).filter((name) => existsSync(join(ENGINES_FOLDER, name, 'engine.ts')));
}
