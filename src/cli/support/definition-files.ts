import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DEFINITION_FILE } from '../../shared/engines/shipped-definitions.ts';
import { UsageError } from './exit-codes.ts';

/** A definition's file, or those of a folder. @throws UsageError when there is none */
export function definitionFiles(path: string): string[] {
  existing(path);
  if (!statSync(path).isDirectory()) return [path];
  const own = join(path, DEFINITION_FILE);
  if (existsSync(own)) return [own];
  const found = readdirSync(path)
    .sort()
    .flatMap((name) => {
      const inFolder = join(path, name, DEFINITION_FILE);
      if (existsSync(inFolder)) return [inFolder];
      return /\.ya?ml$/.test(name) ? [join(path, name)] : [];
    });
  if (found.length > 0) return found;
  throw new UsageError(`${path} holds no definition: neither ${DEFINITION_FILE} nor */${DEFINITION_FILE}.`);
}

/** @throws UsageError when it is not there */
export function existing(path: string): string {
  if (!existsSync(path)) throw new UsageError(`There is no file ${path}.`);
  return path;
}
