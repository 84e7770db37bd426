import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';

const execute = promisify(execFile);

export interface ProgramOptions {
  cwd?: string;
  timeoutMs?: number;
}

/**
 * Runs a program to its end and returns its stdout.
 * @throws FarmError `unavailable` with the last lines that the program printed, or with what to install when it is missing.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<string> {
  try {
    const { stdout } = await execute(program, args, {
      cwd: options.cwd,
      timeout: options.timeoutMs ?? 600_000,
      maxBuffer: 16_777_216,
    });
    return stdout;
  } catch (error) {
    if (isMissing(error)) throw new FarmError('unavailable', missingProgram(program));
    if (outputOf(error).includes('No module named pip')) throw new FarmError('unavailable', NO_PIP);
    const lines = outputOf(error).trim().split('\n').slice(-6).join('\n  ');
    throw new FarmError(
      'unavailable',
      `${program} ${args[0] ?? ''} failed:\n  ${lines || messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}

const NO_PIP = 'Python 3 has no pip. Install it (Debian: apt install python3-pip) and start again.';

const HOW_TO_GET: Readonly<Record<string, string>> = {
  python3: 'Install Python 3 with pip (Debian: apt install python3 python3-pip) and start again.',
  npm: 'Install Node.js with npm (Debian: apt install nodejs npm) and start again.',
  tar: 'Install it (Debian: apt install tar) and start again.',
};

function missingProgram(program: string): string {
  return `The program ${program} is not installed. ${HOW_TO_GET[program] ?? 'Install it and start again.'}`;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function outputOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const stderr = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr : '';
  const stdout = 'stdout' in error && typeof error.stdout === 'string' ? error.stdout : '';
  return stderr.trim() === '' ? stdout : stderr;
}
