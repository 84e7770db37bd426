import type { Check, Finding, Verdict } from '../../shared/contracts/quality.ts';
import { formatFrames } from '../../shared/domain/frame-ranges.ts';
import type { CompiledPolicy } from '../../shared/quality/policy.ts';
import { CommonCounter } from '../../shared/quality/sequence/consistent.ts';
import { findMissing, missingCheck } from '../../shared/quality/sequence/missing.ts';
import { SequenceChecker } from '../../shared/quality/sequence/sequence-checker.ts';
import type { SequenceFinding, SequenceFrame } from '../../shared/quality/sequence/sequence-frame.ts';
import { verdictOf } from '../../shared/quality/verdict.ts';
import { checkFile, type CheckedFile } from './check-file.ts';
import type { FileSequence } from './find-sequences.ts';

export interface FileReport {
  file: string;
  verdict: Verdict;
  findings: Pick<Finding, 'check' | 'verdict' | 'message' | 'value' | 'threshold'>[];
}

export interface SequenceReport {
  check: Check;
  verdict: Verdict;
  message: string;
  /** A frame range. */
  frames: string;
  /** `folder/name_####.png`. */
  sequence: string;
}

/** Checks the files of a sequence one by one and together. Of each only a little stays in memory. */
export async function checkSequence(
  { name, files }: FileSequence,
  policy: CompiledPolicy,
  signal: AbortSignal,
  onFile: () => void,
): Promise<{ files: FileReport[]; sequence: SequenceReport[] }> {
  const checker = new SequenceChecker(policy);
  const common = new CommonCounter();
  const checked: CheckedFile[] = [];
  const found: SequenceFinding[] = [];
  for (const { path, number } of files) {
    const file = await checkFile(path, number, policy, signal);
    const frame = frameOf(file);
    if (frame) {
      found.push(...checker.add(frame));
      common.add(frame);
    }
    checked.push({ ...file, thumbnail: null });
    onFile();
  }
  found.push(...checker.finish(), ...unlikeMost(checked, common, policy));
  const explained = new Set(checker.explainedBlanks);
  return {
    files: checked.map((file) => reportOf(file, explained)),
    sequence: [...together(found, name), ...gapsOf(files, name, policy)],
  };
}

function frameOf({ number, judged, thumbnail }: CheckedFile): SequenceFrame | null {
  if (number === null || !judged.measures) return null;
  const isBlank = judged.findings.some(({ check }) => check === 'blank');
  return { number, measures: judged.measures, thumbnail, isBlank };
}

/** What most frames are like is known only in the end. */
function unlikeMost(
  checked: readonly CheckedFile[],
  counter: CommonCounter,
  policy: CompiledPolicy,
): SequenceFinding[] {
  const common = counter.most();
  if (common === null) return [];
  const checker = new SequenceChecker(policy, common);
  const frames = checked.flatMap((file) => frameOf(file) ?? []);
  return [...frames.flatMap((frame) => checker.add(frame)), ...checker.finish()];
}

function reportOf({ path, number, judged }: CheckedFile, explained: ReadonlySet<number>): FileReport {
  const findings = judged.findings
    .filter(({ check }) => check !== 'blank' || number === null || !explained.has(number))
    .map(({ check, verdict, message, value, threshold }) => ({ check, verdict, message, value, threshold }));
  return { file: path, verdict: verdictOf(findings), findings };
}

/** Findings of the same check in one line; the first tells the figures. */
function together(found: readonly SequenceFinding[], sequence: string): SequenceReport[] {
  const groups = Map.groupBy(found, ({ finding }) => `${finding.check} ${finding.verdict}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const { check, verdict, message } = first.finding;
    const frames = formatFrames(group.map(({ frame }) => frame).sort((a, b) => a - b));
    return [{ check, verdict, message: `Frame ${first.frame}: ${message}`, frames, sequence }];
  });
}

function gapsOf(files: FileSequence['files'], sequence: string, policy: CompiledPolicy): SequenceReport[] {
  const missing = findMissing(files.flatMap(({ number }) => number ?? []));
  const told = missing.flatMap((frame) => {
    const rule = policy.rule(missingCheck, frame);
    return rule ? [{ frame, rule }] : [];
  });
  const [first] = told;
  if (!first) return [];
  const frames = formatFrames(told.map(({ frame }) => frame));
  const message = `${told.length} of its frames ${told.length === 1 ? 'is' : 'are'} missing.`;
  return [{ check: missingCheck.name, verdict: first.rule.verdict, message, frames, sequence }];
}
