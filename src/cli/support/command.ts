import type { Command } from 'commander';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import { connectToFarm } from './find-farm.ts';
import { EXIT, InterruptedError, exitCodeOf, type ExitCode } from './exit-codes.ts';
import type { FarmClient } from './farm-client.ts';
import { Output, printableLines } from './output.ts';

export interface CommonOptions {
  json?: boolean;
  farm?: string;
}

/** What every command gets beside its own arguments. */
export interface CommandContext {
  out: Output;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
  /** The farm that `--farm`, the environment or the home names. */
  farm: () => Promise<FarmClient>;
}

/** The flags that every command takes. */
export function addCommonOptions(command: Command): Command {
  return command
    .option('--json', 'print one JSON document on stdout')
    .option(
      '--farm <url>',
      "the farm's address (default: FARMHAND_URL, else the farm of this FARMHAND_HOME)",
    );
}

/**
 * Runs a command to its exit code: errors become a sentence on stderr (with `--json` also `{error}` on stdout), Ctrl-C
 * becomes 130. A second Ctrl-C ends at once.
 * @returns nothing; sets `process.exitCode`, so that what was written still gets out.
 */
export async function runCommand(
  options: CommonOptions,
  run: (context: CommandContext) => Promise<ExitCode | undefined>,
): Promise<void> {
  const out = new Output(options.json === true);
  const abort = new AbortController();
  const onSignal = (): void => {
    if (abort.signal.aborted) process.exit(EXIT.interrupted);
    abort.abort(new InterruptedError());
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    const context: CommandContext = {
      out,
      signal: abort.signal,
      farm: () => connectToFarm({ url: options.farm, env: process.env, signal: abort.signal }),
    };
    process.exitCode = (await run(context)) ?? EXIT.done;
  } catch (error) {
    const reason: unknown =
      abort.signal.aborted && !(error instanceof InterruptedError) ? abort.signal.reason : error;
    await reportError(out, reason);
    process.exitCode = exitCodeOf(reason);
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

async function reportError(out: Output, error: unknown): Promise<void> {
  const known = error instanceof FarmError || error instanceof InterruptedError;
  const text = known || process.env['FARMHAND_DEBUG'] === undefined ? messageOf(error) : stackOf(error);
  out.note(`farmhand: ${printableLines(text)}`);
  if (!out.json || error instanceof InterruptedError) return;
  const issues = error instanceof FarmError ? error.issues : [];
  const code = error instanceof FarmError ? error.code : 'internal';
  await out.result({ error: { code, message: messageOf(error), errors: issues } }, () => '');
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
