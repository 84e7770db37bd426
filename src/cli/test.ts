import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { TestCounts } from './support/count-reporter.ts';
import { runCommand, type CommandContext } from './support/command.ts';
import { EXIT, type ExitCode } from './support/exit-codes.ts';

export function registerTest(program: Command): void {
  program
    .command('test')
    .description('Run the tests with servers and farms of their own. Arguments and options go to Vitest.')
    .argument('[args...]', 'files or Vitest options, such as: --project unit')
    .option('--json', 'print {passed, failed, skipped} on stdout and everything else on stderr')
    .allowUnknownOption()
    .passThroughOptions()
    .action((args: string[], options: { json?: boolean }) =>
      runCommand(options, (context) => test(args, context)),
    );
}

async function test(args: readonly string[], { out, signal }: CommandContext): Promise<ExitCode> {
  const folder = await mkdtemp(join(tmpdir(), 'farmhand-counts-'));
  const countsFile = join(folder, 'counts.json');
  try {
    const vitestFailed = (await runVitest(args, countsFile, out.json, signal)) !== 0;
    signal.throwIfAborted();
    const counts = existsSync(countsFile)
      ? (JSON.parse(await readFile(countsFile, 'utf8')) as TestCounts)
      : { passed: 0, failed: 0, skipped: 0 };
    // Vitest also fails for what is no test: an error in the set-up, something thrown out of band, no test at all.
    if (vitestFailed && counts.failed === 0) counts.failed = 1;
    const { passed, failed, skipped } = counts;
    await out.result(counts, () => `${passed} passed, ${failed} failed, ${skipped} skipped`);
    return failed === 0 ? EXIT.done : EXIT.failed;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runVitest(
  args: readonly string[],
  countsFile: string,
  json: boolean,
  signal: AbortSignal,
): Promise<number> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporter = fileURLToPath(new URL('support/count-reporter.ts', import.meta.url));
  const reporters = ['--reporter=default', `--reporter=${reporter}`];
  const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...args], {
    cwd: root,
    stdio: ['ignore', json ? 2 : 'inherit', 'inherit'],
    env: { ...testEnvironment(process.env), FARMHAND_TEST_COUNTS: countsFile },
  });
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop);
  const [code] = (await once(child, 'exit')) as [number | null];
  signal.removeEventListener('abort', stop);
  return code ?? EXIT.failed;
}

const LIVE_FARM = /^(NATS_|DATABASE_URL|PG[A-Z]+$|S3_|AWS_|FARMHAND_)/;
const KEPT = /^FARMHAND_(CACHE|TEST_.+|REQUIRE_.+)$/;

/** The environment without anything that could lead a test to a farm that is in use, whatever the shell has set. */
export function testEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => KEPT.test(name) || !LIVE_FARM.test(name)),
  );
}
