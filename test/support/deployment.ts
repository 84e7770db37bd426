import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { secretFiles } from '../../deploy/make-secrets.ts';
import {
  coordinatorEnvironment,
  gatewayEnvironment,
  workerEnvironment,
} from '../../src/shared/config/environment.ts';

export const ROOT = resolve(import.meta.dirname, '../..');

export const SCHEMAS = {
  coordinator: coordinatorEnvironment,
  gateway: gatewayEnvironment,
  worker: workerEnvironment,
} as const;

export type Role = keyof typeof SCHEMAS;
export const ROLE_NAMES = Object.keys(SCHEMAS) as Role[];

/** A folder with every secret file of a farm, as `deploy/make-secrets.ts` makes them. */
export function writeSecretFiles(databaseHost: string): { folder: string; names: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'farmhand-test-secrets-'));
  const files = secretFiles({ databaseHost, bucket: 'farmhand' });
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), content, { mode: 0o600 });
  return { folder, names: Object.keys(files) };
}

/** The same variables with `*_FILE` paths changed to where the files are here. */
export function withFilesFrom(
  folder: string,
  environment: Readonly<Record<string, string>>,
  nameOf: (path: string) => string = basename,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      name.endsWith('_FILE') ? join(folder, nameOf(value)) : value,
    ]),
  );
}

/** Variables that are neither the process's own nor `NAME_FILE` of one. */
export function unknownVariables(role: Role, names: readonly string[]): string[] {
  const known = new Set(Object.keys(SCHEMAS[role].shape));
  return names.filter((name) => !known.has(name) && !known.has(name.replace(/_FILE$/, '')));
}
