import { readFile } from 'node:fs/promises';
import { FarmHome, farmHomeFolder } from '../../local/farm-home.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { UnreachableError, UsageError } from './exit-codes.ts';
import { exchange } from './exchange.ts';
import { FarmClient } from './farm-client.ts';

interface RunningFarm {
  url: string;
  token: string;
}

interface FindOptions {
  /** `--farm` */
  url: string | undefined;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
}

/**
 * The farm by `--farm`, else `FARMHAND_URL`, else the one that runs from this `FARMHAND_HOME`. The token comes from
 * `FARMHAND_TOKEN` or `FARMHAND_TOKEN_FILE`; the home's own token is sent to the home's own farm only.
 * @throws UsageError for an address or token that cannot be used; UnreachableError when no farm is known, or when the
 * one that is named needs a token and does not answer.
 */
export async function connectToFarm({ url: flag, env, signal }: FindOptions): Promise<FarmClient> {
  const named = flag ?? (env['FARMHAND_URL'] === '' ? undefined : env['FARMHAND_URL']);
  const here = runningFarm(env);
  const given = await givenToken(env);
  if (named === undefined) {
    if (here === undefined)
      throw new UnreachableError(
        'No farm runs here. Start one with ./farmhand up, or name one with --farm URL or FARMHAND_URL.',
      );
    return new FarmClient({ url: here.url, token: given ?? here.token, signal });
  }
  const url = farmUrl(named, flag === undefined ? 'FARMHAND_URL' : '--farm');
  const token = given ?? (here !== undefined && isSameFarm(url, here) ? here.token : undefined);
  if (token === undefined) {
    await assertReachable(url, signal);
    throw new UsageError(
      `The token of the farm at ${url.origin} is not known here. Put it into FARMHAND_TOKEN, or its file's name into FARMHAND_TOKEN_FILE (./farmhand env prints it on the farm's machine).`,
    );
  }
  return new FarmClient({ url: url.origin, token, signal });
}

/** An address at which nobody answers is said before a token is asked for. Sends no token. */
async function assertReachable(url: URL, signal: AbortSignal): Promise<void> {
  await exchange(new URL('/livez', url), { redirect: 'manual', signal });
}

/**
 * Checks an address such as `http://127.0.0.1:7780`.
 * @throws UsageError
 */
export function farmUrl(text: string, what: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new UsageError(`${what} ${JSON.stringify(text)} is not an address such as http://127.0.0.1:7780.`);
  if (url.hash !== '' || url.username !== '' || url.password !== '')
    throw new UsageError(
      `${what} must not carry a token or password: other users of this machine can read it. Put the token into FARMHAND_TOKEN.`,
    );
  if (url.pathname !== '/' || url.search !== '')
    throw new UsageError(`${what} ${JSON.stringify(text)} has a path; expected only ${url.origin}.`);
  return url;
}

/** @returns the farm that runs from this home and answers already, with its own token; undefined when none does. */
function runningFarm(env: NodeJS.ProcessEnv): RunningFarm | undefined {
  const home = new FarmHome(farmHomeFolder(env));
  const url = home.running()?.url;
  const token = home.token();
  return url === undefined || token === undefined ? undefined : { url: new URL(url).origin, token };
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

function isSameFarm(url: URL, here: RunningFarm): boolean {
  const own = new URL(here.url);
  if (url.port !== own.port || url.protocol !== own.protocol) return false;
  return url.hostname === own.hostname || (LOOPBACK.has(url.hostname) && LOOPBACK.has(own.hostname));
}

async function givenToken(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const token = env['FARMHAND_TOKEN'];
  if (token !== undefined && token !== '') return token;
  const file = env['FARMHAND_TOKEN_FILE'];
  if (file === undefined || file === '') return undefined;
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new UsageError(`FARMHAND_TOKEN_FILE names a file that cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
