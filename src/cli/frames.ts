import type { Command } from 'commander';
import type { Frame } from '../shared/contracts/api.ts';
import { VERDICTS, type Verdict } from '../shared/contracts/quality.ts';
import { MAX_FRAMES, MAX_FRAME_NUMBER } from '../shared/domain/frame-ranges.ts';
import { FRAME_STATES, type FrameState } from '../shared/domain/states.ts';
import { addCommonOptions, runCommand, type CommonOptions } from './support/command.ts';
import { printable } from './support/output.ts';
import { allFrames } from './support/pages.ts';
import { oneOf, wholeNumber } from './support/parse-options.ts';
import { formatBytes, formatSeconds } from './support/table.ts';

interface FramesOptions extends CommonOptions {
  state?: FrameState;
  verdict?: Verdict;
  step?: string;
  from?: number;
  limit?: number;
}

export function registerFrames(program: Command): void {
  const number = wholeNumber(-MAX_FRAME_NUMBER, MAX_FRAME_NUMBER);
  const command = program
    .command('frames')
    .description("list a job's frames with what became of each")
    .argument('<id>', 'the job')
    .option('--state <state>', `only frames in this state: ${FRAME_STATES.join(', ')}`, oneOf(FRAME_STATES))
    .option('--verdict <verdict>', `only frames with this verdict: ${VERDICTS.join(', ')}`, oneOf(VERDICTS))
    .option('--step <name>', 'only frames of this step')
    .option('--from <n>', 'only frames with this number or a higher one', number)
    .option('--limit <n>', 'at most so many', wholeNumber(1, MAX_FRAMES));
  addCommonOptions(command).action(async (id: string, options: FramesOptions) => {
    await runCommand(options, async ({ out, farm }) => {
      const { state, verdict, step, from, limit } = options;
      const frames = allFrames(await farm(), id, {
        ...(state === undefined ? {} : { state }),
        ...(verdict === undefined ? {} : { verdict }),
        ...(step === undefined ? {} : { step }),
        ...(from === undefined ? {} : { from }),
        ...(limit === undefined ? {} : { limit }),
      });
      if (out.json) await out.streamArray(frames);
      else {
        let heading = `${row(HEADINGS)}\n`; // with the first row: nothing is printed of a job that is not there
        for await (const frame of frames) {
          await out.write(`${heading}${row(cells(frame))}\n`);
          heading = '';
        }
        if (heading !== '') await out.write('No frames.\n');
      }
      return undefined;
    });
  });
}

const HEADINGS = [
  'STEP',
  'FRAME',
  'STATE',
  'VERDICT',
  'GEN',
  'TRY',
  'WORKER',
  'TIME',
  'SIZE',
  'DEFINITION',
  'SAYS',
];
/** Fixed widths, because rows are written before the last one is known. */
const WIDTHS = [14, 7, 9, 9, 3, 3, 20, 11, 9, 20];

function row(texts: readonly string[]): string {
  return texts
    .map((text, column) => printable(text).padEnd(WIDTHS[column] ?? 0))
    .join('  ')
    .trimEnd();
}

function cells(frame: Frame): string[] {
  return [
    frame.step,
    String(frame.frame),
    frame.state,
    frame.verdict ?? '',
    String(frame.generation),
    String(frame.attempt),
    frame.worker ?? '',
    frame.seconds === null ? '' : formatSeconds(frame.seconds),
    frame.bytes === null ? '' : formatBytes(frame.bytes),
    frame.definition ?? '',
    frame.error ?? frame.findings.map(({ message }) => message).join(' '),
  ];
}
