import type { ChildProcess } from 'node:child_process';
import { constants as osConstants } from 'node:os';
import { EngineFailure } from '../engines/engine.ts';

export interface EngineExit {
  /** Exit code, or null when a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Why the worker ended it (time-out, memory, `fail`), or why it could not start; null: it ended by itself or by `stop`. */
  failure: EngineFailure | null;
  /** The last lines that it printed, for the reason of a failure. */
  lastLines: readonly string[];
  peakMemoryBytes: number;
}

/** `exit code 3`, `signal SIGSEGV`. */
export function howItEnded({ code, signal }: Pick<EngineExit, 'code' | 'signal'>): string {
  return signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`;
}

/** Exit code and signal of the guard; neither when it could not be started. */
export function exitOf(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      resolve([code, signal]);
    });
    child.once('error', () => {
      if (child.pid === undefined) resolve([null, null]);
    });
  });
}

/** A shell reports its child's signal n as exit code 128 + n. */
export function meaningOf(
  code: number | null,
  signal: NodeJS.Signals | null,
): Pick<EngineExit, 'code' | 'signal'> {
  if (code === null || code <= 128) return { code, signal };
  const name = Object.entries(osConstants.signals).find(([, number]) => number === code - 128)?.[0];
  return name === undefined ? { code, signal } : { code: null, signal: name as NodeJS.Signals };
}

/** `nice` ends with 126 or 127 when the program cannot be run at all. */
export function startFailure(
  code: number | null,
  program: string,
  lastLines: readonly string[],
): EngineFailure | null {
  if ((code !== 126 && code !== 127) || !lastLines.some((line) => line.includes('nice:'))) return null;
  return new EngineFailure('host', `${program} cannot be run: ${lastLines.at(-1) ?? 'no reason given'}`);
}
