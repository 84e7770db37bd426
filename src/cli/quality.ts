import type { Command } from 'commander';
import {
  frameQualityPageSchema,
  jobQualitySchema,
  type FrameQualityPage,
  type JobQuality,
} from '../shared/contracts/quality-api.ts';
import { MAX_FRAME_NUMBER } from '../shared/domain/frame-ranges.ts';
import { addCommonOptions, runCommand, type CommonOptions } from './support/command.ts';
import { UsageError } from './support/exit-codes.ts';
import { printable } from './support/output.ts';
import { wholeNumber } from './support/parse-options.ts';
import { decisionsText } from './support/show-job.ts';
import { formatTable } from './support/table.ts';

interface QualityOptions extends CommonOptions {
  frame?: number;
  step?: string;
}

export function registerQuality(program: Command): void {
  const command = program
    .command('quality')
    .description("say what was found in a job's results, what waits for a decision, and what was decided")
    .argument('<id>', 'the job')
    .option('--frame <n>', 'the history of this frame', wholeNumber(-MAX_FRAME_NUMBER, MAX_FRAME_NUMBER))
    .option('--step <name>', 'its step, where the job has several');
  addCommonOptions(command).action(async (id: string, options: QualityOptions) => {
    await runCommand(options, async ({ out, farm }) => {
      const client = await farm();
      const { frame } = options;
      if (frame === undefined) {
        const quality = await client.read(['jobs', id, 'quality'], jobQualitySchema);
        await out.result(quality, () => jobText(id, quality));
        return undefined;
      }
      const step = options.step ?? onlyStep((await client.job(id)).steps);
      const page = await client.read(
        ['jobs', id, 'frames', step, String(frame), 'quality'],
        frameQualityPageSchema,
      );
      await out.result(page, () => frameText(page));
      return undefined;
    });
  });
}

function onlyStep(steps: readonly { name: string }[]): string {
  const [only, ...others] = steps;
  if (only && others.length === 0) return only.name;
  throw new UsageError(
    `The job has several steps; name one with --step: ${steps.map(({ name }) => name).join(', ')}.`,
  );
}

function jobText(id: string, quality: JobQuality): string {
  const { steps, findings, decisions, disagreements } = quality;
  if (steps.length === 0) return 'Nothing of this job is looked at.';
  const verdicts = formatTable(
    ['STEP', 'MODE', 'PASS', 'UNCHECKED', 'WARN', 'FAIL', 'HOLD', ''],
    steps.map(({ step, policy, verdicts: v, comparing }) => [
      step,
      policy.mode ?? '',
      ...[v.pass, v.unchecked, v.warn, v.fail, v.hold].map(String),
      comparing ? 'still to be compared' : '',
    ]),
  );
  const found = formatTable(
    ['STEP', 'CHECK', 'VERDICT', 'FRAMES', 'FIRST', 'SAYS'],
    findings.map(({ step, check, verdict, frames, first, message }) => [
      step,
      check,
      verdict,
      String(frames),
      first.join(','),
      printable(message),
    ]),
  );
  const waiting = decisions?.first.map(({ step, number, reason }) =>
    printable(`  ${step} ${number}: ${reason ?? ''}`),
  );
  const differing = disagreements.map(({ step, frame, workers, difference }) =>
    printable(
      `${step} ${frame}: workers ${workers.join(' and ')} render it differently (${(100 * difference).toFixed(1)} %)`,
    ),
  );
  return [
    verdicts,
    ...(findings.length === 0 ? [] : [found]),
    ...(decisions ? [[decisionsText(id, decisions), ...(waiting ?? [])].join('\n')] : []),
    ...(differing.length === 0 ? [] : [differing.join('\n')]),
  ].join('\n\n');
}

function frameText(page: FrameQualityPage): string {
  const now = `${page.step} ${page.frame}: ${page.state}, generation ${page.generation}, verdict ${page.verdict ?? 'none'}`;
  const findings = page.findings.map(({ check, verdict, message }) =>
    printable(`  ${verdict} ${check}: ${message}`),
  );
  const attempts = formatTable(
    ['GEN', 'WHEN', 'WORKER', 'VERDICT', 'DECISION', 'BY', 'NOTE', 'SAYS'],
    page.attempts.map(({ generation, at, worker, verdict, decision, by, note, findings: found, differs }) =>
      [
        String(generation),
        at,
        worker ?? '',
        verdict ?? '',
        decision ?? '',
        by ?? '',
        note ?? '',
        [...found.map(({ message }) => message), ...(differs ? [`differs from ${differs.worker}`] : [])].join(
          ' ',
        ),
      ].map(printable),
    ),
  );
  return [[now, ...findings].join('\n'), ...(page.attempts.length === 0 ? [] : [attempts])].join('\n\n');
}
