import type { Command } from 'commander';
import type { Verdict } from '../shared/contracts/quality.ts';
import { CompiledPolicy } from '../shared/quality/policy.ts';
import type { FileReport, SequenceReport } from './check/check-sequence.ts';
import { checkSequence } from './check/check-sequence.ts';
import { findFiles } from './check/find-files.ts';
import { findSequences } from './check/find-sequences.ts';
import { readPolicy } from './check/read-policy.ts';
import { runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import { EXIT, type ExitCode } from './support/exit-codes.ts';
import { count, formatTable } from './support/table.ts';

interface CheckOptions extends CommonOptions {
  policy?: string;
}

interface Report {
  files: FileReport[];
  sequence: SequenceReport[];
}

const SHOWN_LINES = 200;

export function registerCheck(program: Command): void {
  program
    .command('check')
    .description('decode pictures and videos and say what is wrong with them; needs no farm')
    .argument('<path...>', 'pictures, videos, or folders of them')
    .option('--policy <file>', 'thresholds, verdicts and intended ranges, as a job has them in "quality"')
    .option('--json', 'print one JSON document on stdout')
    .action(async (paths: string[], options: CheckOptions) => {
      await runCommand(options, (context) => check(context, paths, options));
    });
}

/** Exit 1 where anything fails, or waits for a person. */
async function check(
  { out, signal }: CommandContext,
  paths: string[],
  options: CheckOptions,
): Promise<ExitCode> {
  const given = options.policy === undefined ? {} : await readPolicy(options.policy);
  const policy = new CompiledPolicy(given);
  const found = await findFiles(paths);
  const report: Report = { files: [], sequence: [] };
  const { interactive } = out.terminal;
  for (const sequence of findSequences(found)) {
    const before = report.files.length;
    let done = 0;
    const { files, sequence: together } = await checkSequence(sequence, policy, signal, () => {
      done++;
      if (interactive) out.draw(`\rchecked ${before + done} of ${found.length} …`);
    });
    report.files.push(...files);
    report.sequence.push(...together);
  }
  if (interactive) out.draw('\r\u001b[K');
  await out.result(report, () => reportText(report));
  const counts = given.mode === 'warn' ? isUnreadable : isBad;
  return report.files.some(counts) || (given.mode !== 'warn' && report.sequence.some(isBad))
    ? EXIT.failed
    : EXIT.done;
}

const isBad = ({ verdict }: { verdict: Verdict }): boolean => verdict === 'fail' || verdict === 'hold';

/** Nothing makes a result of what cannot be read. */
const isUnreadable = ({ findings }: FileReport): boolean =>
  findings.some(({ check, verdict }) => check === 'unreadable' && verdict === 'fail');

function reportText({ files, sequence }: Report): string {
  const rows = [
    ...files.flatMap(({ file, findings }) =>
      findings.map(({ check, verdict, message }) => [verdict, file, check, message]),
    ),
    ...sequence.map((one) => [one.verdict, `${one.sequence} ${one.frames}`, one.check, one.message]),
  ];
  const counts = Map.groupBy(files, ({ verdict }) => verdict);
  const summary = [...counts].map(([verdict, of]) => `${of.length} ${verdict}`).join(', ');
  const lines = [`${count(files.length, 'file')}: ${summary}.`];
  if (rows.length > SHOWN_LINES) lines.unshift(`and ${rows.length - SHOWN_LINES} more; --json lists all`);
  if (rows.length > 0)
    lines.unshift(formatTable(['VERDICT', 'FILE', 'CHECK', 'FOUND'], rows.slice(0, SHOWN_LINES)));
  return lines.join('\n');
}
