import { readFile } from 'node:fs/promises';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import { simulate } from './simulate.ts';
import { readTrace } from './trace.ts';

/**
 * Plays one trace and ends. A process of its own, since the command line talks to coordinators and does not contain one.
 * Arguments: the trace's file, then a number of workers and a seed, each `-` for what the trace says. Prints one JSON
 * document: `{figures, workers, seed, name}`, or `{error: {code, message, issues}}` with exit code 1.
 */
const [file = '', workers = '-', seed = '-'] = process.argv.slice(2);
try {
  const trace = readTrace(await readTraceFile(file));
  const played = {
    workers: workers === '-' ? trace.workers : Number(workers),
    seed: seed === '-' ? trace.seed : Number(seed),
  };
  print({ name: trace.name, ...played, figures: simulate(trace, played) });
} catch (error) {
  const { code, issues } = error instanceof FarmError ? error : new FarmError('internal', '');
  print({ error: { code, message: messageOf(error), issues } });
  process.exitCode = 1;
}

async function readTraceFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new FarmError('not-found', `The trace ${path} cannot be read: ${messageOf(error)}.`);
  }
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
