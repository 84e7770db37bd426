import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { cacheFolder } from '../../local/downloads/cache-folder.ts';
import type { FarmHome } from '../../local/farm-home.ts';
import { rotateLog } from '../../local/processes/log-files.ts';
import { tailOf } from '../../local/processes/managed-process.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import type { CommandContext } from './command.ts';

/** What the process in the background tells the one that waits for it. */
const messageSchema = z.union([z.object({ line: z.string() }), z.object({ ready: z.literal(true) })]);

/**
 * Runs `farmhand up` in a session of its own and waits until its farm is ready; Ctrl-C meanwhile stops it, too.
 * @throws FarmError `unavailable` with the end of its log when it gives up.
 */
export async function startDetached(
  home: FarmHome,
  args: readonly string[],
  { out, signal }: CommandContext,
): Promise<void> {
  home.create();
  const logFile = home.logFile('farm');
  rotateLog(logFile);
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('../main.ts', import.meta.url)), 'up', ...args],
    {
      cwd: home.folder,
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
      env: { ...process.env, FARMHAND_HOME: home.folder, FARMHAND_CACHE: cacheFolder() },
    },
  );
  closeSync(log);
  const stopChild = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stopChild);
  try {
    await new Promise<void>((resolve, reject) => {
      child.on('message', (message) => {
        const parsed = messageSchema.parse(message);
        if ('ready' in parsed) resolve();
        else out.note(parsed.line);
      });
      child.once('error', reject);
      child.once('exit', () => reject(new FarmError('unavailable', 'The farm did not start.')));
    });
  } catch (error) {
    signal.throwIfAborted();
    throw new FarmError(
      'unavailable',
      `The farm did not start. ${logFile} ends with:\n${await tailOf(logFile)}`,
      {
        cause: error,
      },
    );
  } finally {
    signal.removeEventListener('abort', stopChild);
  }
  if (child.connected) child.disconnect();
  child.unref();
}
