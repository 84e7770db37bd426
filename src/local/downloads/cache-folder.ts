import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Environment } from '../../shared/config/environment.ts';

/** Where fetched programs are kept: `FARMHAND_CACHE`, else `farmhand` in the XDG cache folder. */
export function cacheFolder(environment: Environment = process.env): string {
  if (environment['FARMHAND_CACHE']) return resolve(environment['FARMHAND_CACHE']);
  const base = environment['XDG_CACHE_HOME'] ?? '';
  return join(base.startsWith('/') ? base : join(homedir(), '.cache'), 'farmhand');
}
