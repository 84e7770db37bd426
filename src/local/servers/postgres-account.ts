import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chown, cp, mkdir, readFile, rename } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { FarmError } from '../../shared/domain/errors.ts';

export type PostgresAccountKind = 'self' | 'user-namespace' | 'unprivileged-user';

/** PostgreSQL refuses to run as root. As whom it runs, and where its programs and data then have to be. */
export interface PostgresAccount {
  kind: PostgresAccountKind;
  programs: string;
  folder: string;
  uid?: number;
  gid?: number;
  /** Puts the account's wrapper, if it has one, in front of a command. */
  wrap: (command: string, args: readonly string[]) => { command: string; args: string[] };
}

/** Options of unshare(1) that make the caller `nobody` in a user namespace of its own. */
const AS_NOBODY = ['-U', '--map-user=65534', '--map-group=65534'];

/** Where data lies that an unprivileged user has to reach: a home under /root is closed to it. */
const SHARED_STATE = '/var/lib/farmhand';

const direct = (command: string, args: readonly string[]): { command: string; args: string[] } => ({
  command,
  args: [...args],
});

/**
 * An ordinary user runs PostgreSQL as it is. Root maps itself to `nobody` in a user namespace, which needs no account
 * and reads files under /root; where the kernel refuses that, an existing unprivileged user takes over.
 */
export async function choosePostgresAccount(
  programs: string,
  folder: string,
  kind: PostgresAccountKind = detectKind(),
): Promise<PostgresAccount> {
  if (kind === 'self') return { kind, programs, folder, wrap: direct };
  if (kind === 'user-namespace') {
    return {
      kind,
      programs,
      folder,
      wrap: (command, args) => ({ command: 'unshare', args: [...AS_NOBODY, command, ...args] }),
    };
  }
  return useUnprivilegedUser(programs, folder);
}

/** As whom PostgreSQL would run here. */
export function detectKind(): PostgresAccountKind {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && hasName()) return 'self';
  if (allowsUserNamespaces()) return 'user-namespace';
  return isRoot ? 'unprivileged-user' : 'self';
}

/** initdb refuses a user whom the system does not know by name, as in some containers; in a namespace it is `nobody`. */
function hasName(): boolean {
  try {
    return userInfo().username !== '';
  } catch {
    return false;
  }
}

function allowsUserNamespaces(): boolean {
  try {
    execFileSync('unshare', [...AS_NOBODY, 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function useUnprivilegedUser(programs: string, folder: string): Promise<PostgresAccount> {
  const { uid, gid } = await unprivilegedUser();
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  const home = join(SHARED_STATE, name);
  const copy = join(
    SHARED_STATE,
    `programs-${createHash('sha256').update(programs).digest('hex').slice(0, 16)}`,
  );
  await mkdir(SHARED_STATE, { recursive: true, mode: 0o755 });
  if (!existsSync(copy)) {
    // Moved there when whole: a copy that was interrupted must not be taken for one.
    const partial = `${copy}.partial-${process.pid}`;
    await cp(programs, partial, { recursive: true, verbatimSymlinks: true });
    await rename(partial, copy);
  }
  await mkdir(home, { recursive: true, mode: 0o700 });
  await chown(home, uid, gid);
  return { kind: 'unprivileged-user', programs: copy, folder: home, uid, gid, wrap: direct };
}

/** The system's `postgres` user, else `nobody`. @throws FarmError `unavailable` when there is neither. */
export async function unprivilegedUser(): Promise<{ uid: number; gid: number }> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const wanted of ['postgres', 'nobody']) {
    const entry = lines.find(([name]) => name === wanted);
    if (entry?.[2] !== undefined && entry[3] !== undefined)
      return { uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new FarmError(
    'unavailable',
    'PostgreSQL does not run as root, this machine allows no user namespaces, and it has neither a user "postgres" ' +
      'nor "nobody". Start Farmhand as an ordinary user, or give your own server with FARMHAND_DATABASE_URL.',
  );
}
