import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import { startTimeOf, type ProcessIdentity } from '../../shared/lifecycle/process-identity.ts';
import { signalGroup } from './end-processes.ts';
import { guard, unguard } from './guardian.ts';

export interface ProcessSpec {
  name: string;
  command: string;
  args: readonly string[];
  /** The whole environment; secrets belong here or in files, never in `args`. */
  env: NodeJS.ProcessEnv;
  cwd: string;
  logFile: string;
  uid?: number;
  gid?: number;
  /** What asks it to stop in order; SIGTERM by default. */
  stopSignal?: NodeJS.Signals;
  stopTimeoutMs?: number;
}

export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A child in a process group of its own that ends with this process, even when that is killed. */
export interface ManagedProcess {
  readonly name: string;
  readonly identity: ProcessIdentity;
  readonly logFile: string;
  readonly exited: Promise<ProcessExit>;
  readonly exit: ProcessExit | undefined;
  /** Asks it to stop, then kills its group after the bounded wait. Resolves when it is gone. */
  stop: () => Promise<void>;
}

/** @throws FarmError `unavailable` when the program cannot be started at all. */
export async function startProcess(spec: ProcessSpec): Promise<ManagedProcess> {
  const log = openSync(spec.logFile, 'a', 0o600);
  const child = spawn(spec.command, spec.args, {
    cwd: spec.cwd,
    env: spec.env,
    detached: true,
    stdio: ['ignore', log, log],
    ...(spec.uid === undefined ? {} : { uid: spec.uid }),
    ...(spec.gid === undefined ? {} : { gid: spec.gid }),
  });
  closeSync(log);
  const exit = Promise.withResolvers<ProcessExit>();
  const state: { exit: ProcessExit | undefined } = { exit: undefined };
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) =>
      reject(
        new FarmError('unavailable', `${spec.name} cannot be started: ${error.message}`, { cause: error }),
      ),
    );
  });
  const pid = child.pid ?? 0;
  const identity: ProcessIdentity = { pid, startTime: startTimeOf(pid) ?? '' };
  guard(identity);
  child.once('exit', (code, signal) => {
    unguard(identity);
    state.exit = { code, signal };
    exit.resolve(state.exit);
  });
  return {
    name: spec.name,
    identity,
    logFile: spec.logFile,
    exited: exit.promise,
    get exit() {
      return state.exit;
    },
    stop: async () => {
      if (state.exit !== undefined) return;
      child.kill(spec.stopSignal ?? 'SIGTERM');
      const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), spec.stopTimeoutMs ?? 10_000);
      await exit.promise;
      clearTimeout(timer);
    },
  };
}

/** A child that ended while it was still being waited for. */
export class EndedEarlyError extends FarmError {
  constructor(name: string, exit: ProcessExit, logFile: string, tail: string) {
    const how = exit.signal ?? `exit code ${exit.code}`;
    super(
      'unavailable',
      `${name} ended while starting (${how}). Its log is ${logFile} and ends with:\n${tail}`,
    );
    this.name = 'EndedEarlyError';
  }
}

/**
 * Asks again and again until `probe` succeeds.
 * @throws EndedEarlyError when the process ends first; FarmError `unavailable` after `timeoutMs`, with the last answer.
 */
export async function waitUntilReady(
  child: ManagedProcess,
  probe: () => Promise<unknown>,
  timeoutMs = 60_000,
  signal?: AbortSignal,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  for (let delayMs = 20; ; delayMs = Math.min(delayMs * 1.5, 250)) {
    if (child.exit !== undefined)
      throw new EndedEarlyError(child.name, child.exit, child.logFile, await tailOf(child.logFile));
    signal?.throwIfAborted();
    try {
      await probe();
      return;
    } catch (error) {
      if (Date.now() >= end) {
        throw new FarmError(
          'unavailable',
          `${child.name} did not become ready within ${timeoutMs / 1000} s (${messageOf(error)}). Its log is ${child.logFile}.`,
          { cause: error },
        );
      }
    }
    await pause(delayMs);
  }
}

/** The last lines of a log. */
export async function tailOf(file: string, lines = 8): Promise<string> {
  const text = await readFile(file, 'utf8');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}
