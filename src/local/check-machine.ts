import { existsSync } from 'node:fs';
import { mkdir, statfs } from 'node:fs/promises';
import { messageOf } from '../shared/domain/errors.ts';
import { findOnPath } from '../shared/programs/find-on-path.ts';
import { cacheFolder } from './downloads/cache-folder.ts';
import { runProgram } from './downloads/run-program.ts';
import type { FarmHome } from './farm-home.ts';
import { findNewEnough, isAtLeast } from './servers/find-new-enough.ts';
import { detectKind, unprivilegedUser } from './servers/postgres-account.ts';
import { freePort } from './servers/ports.ts';

/** One thing that a farm needs, or that some engine does. */
export interface Check {
  name: string;
  ok: boolean;
  /** Whether a farm cannot start without it. */
  required: boolean;
  found: string;
  /** How to get it, when it is not there. */
  fix?: string;
}

const GIB = 1024 ** 3;
const WANTED_DISK_BYTES = 5 * GIB;

/** Looks at everything that a local farm needs; starts and fetches nothing. */
export async function checkMachine(home: FarmHome): Promise<Check[]> {
  return [
    nodeVersion(),
    await programVersion('git', ['--version'], false, 'needed to fetch newer versions: apt install git'),
    await programVersion('npm', ['--version'], true, 'install Node.js with npm: apt install nodejs npm'),
    await pip(),
    ...(await servers()),
    await postgresAccount(),
    await disk(home),
    await loopback(),
    ...engines(),
  ];
}

function nodeVersion(): Check {
  const ok = isAtLeast(process.versions.node, '24');
  return {
    name: 'Node.js',
    ok,
    required: true,
    found: process.versions.node,
    ...(ok ? {} : { fix: 'start through ./farmhand, which brings Node 24' }),
  };
}

async function programVersion(
  name: string,
  args: readonly string[],
  required: boolean,
  fix: string,
): Promise<Check> {
  try {
    const version = (await runProgram(name, args, { timeoutMs: 30_000 })).trim();
    return { name, ok: true, required, found: version.split('\n')[0] ?? '' };
  } catch (error) {
    return { name, ok: false, required, found: messageOf(error), fix };
  }
}

async function pip(): Promise<Check> {
  const fix = 'Python 3 with pip fetches the servers: apt install python3 python3-pip';
  return {
    ...(await programVersion('python3', ['-m', 'pip', '--version'], true, fix)),
    name: 'Python 3 with pip',
  };
}

/** Servers of the machine's own are used when new enough; the others are fetched at the first start. */
async function servers(): Promise<Check[]> {
  const wanted = [
    { name: 'nats-server', args: ['--version'], minimum: '2.12' },
    { name: 'postgres', args: ['--version'], minimum: '16' },
    { name: 'weed', args: ['version'], minimum: '4.40' },
  ];
  return Promise.all(
    wanted.map(async ({ name, args, minimum }) => {
      const path = await findNewEnough(name, args, minimum);
      const found =
        path ?? `none ${minimum} or newer on the PATH; the pinned version in ${cacheFolder()} is used`;
      return { name, ok: true, required: true, found };
    }),
  );
}

async function postgresAccount(): Promise<Check> {
  const name = 'an account for PostgreSQL';
  try {
    const kind = detectKind();
    if (kind === 'unprivileged-user') await unprivilegedUser();
    const found = {
      self: 'this user',
      'user-namespace': 'this user, as nobody in a user namespace',
      'unprivileged-user':
        'user namespaces are refused; an unprivileged user, with data under /var/lib/farmhand',
    }[kind];
    return { name, ok: true, required: true, found };
  } catch (error) {
    return { name, ok: false, required: true, found: messageOf(error), fix: 'start as an ordinary user' };
  }
}

async function disk(home: FarmHome): Promise<Check> {
  home.create();
  await mkdir(cacheFolder(), { recursive: true });
  const { bavail, bsize } = await statfs(home.folder);
  const ok = bavail * bsize >= WANTED_DISK_BYTES;
  return {
    name: 'disk space',
    ok,
    required: true,
    found: `${((bavail * bsize) / GIB).toFixed(1)} GiB free in ${home.folder}`,
    ...(ok ? {} : { fix: 'free 5 GiB, or set FARMHAND_HOME to a folder on another disk' }),
  };
}

async function loopback(): Promise<Check> {
  try {
    return {
      name: 'ports',
      ok: true,
      required: true,
      found: `127.0.0.1:${await freePort()} can be listened on`,
    };
  } catch (error) {
    const fix = 'allow listening on 127.0.0.1';
    return { name: 'ports', ok: false, required: true, found: messageOf(error), fix };
  }
}

function engines(): Check[] {
  const wanted = [
    { program: 'blender', fix: 'apt install blender, or: farmhand engines install blender' },
    { program: 'povray', fix: 'apt install povray' },
    { program: 'ffmpeg', fix: 'apt install ffmpeg, or: farmhand engines install ffmpeg' },
  ];
  return wanted.map(({ program, fix }) => {
    const path = findOnPath(program);
    const installed = existsSync(`${cacheFolder()}/engines/${program}`);
    const found = path ?? (installed ? 'in the cache folder' : 'not on the PATH');
    const ok = path !== undefined || installed;
    return { name: `engine ${program}`, ok, required: false, found, ...(ok ? {} : { fix }) };
  });
}
