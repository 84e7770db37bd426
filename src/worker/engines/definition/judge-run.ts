import type { EngineDefinition } from '../../../shared/engines/definition.ts';
import type { RunReport } from '../../../shared/engines/run-report.ts';
import { howItEnded, type EngineExit } from '../../execution/engine-exit.ts';
import { EngineFailure } from '../engine.ts';

/**
 * Why a run failed, by what the program printed and how it ended; undefined where nothing speaks against it. Whether its
 * files are there is another question.
 */
export function judgeRun(
  { label, exit: rules, events }: Pick<EngineDefinition, 'label' | 'exit' | 'events'>,
  exit: EngineExit,
  report: RunReport,
): EngineFailure | undefined {
  const failure = (kind: EngineFailure['failure'], message: string): EngineFailure =>
    new EngineFailure(kind, message, { sessionUsable: true });
  const fatal = report.fatal();
  if (fatal) return failure(fatal.class, fatal.message);
  const reason = report.reason();
  const { code, signal } = exit;
  const said = reason?.message ?? exit.lastLines.at(-1) ?? 'it gave no reason';
  if (code === null || signal !== null)
    return failure('engine-crash', `${label} ended with ${howItEnded(exit)}: ${said}`);
  if (!rules.ok.includes(code)) {
    const kind = rules.classes[String(code)] ?? reason?.class ?? 'engine-crash';
    return failure(kind, `${label} ended with ${howItEnded(exit)}: ${said}`);
  }
  if (!report.ended && events.some(({ type }) => type === 'end'))
    return failure('engine-crash', `${label} ended without saying that it came to the end: ${said}`);
  return undefined;
}
