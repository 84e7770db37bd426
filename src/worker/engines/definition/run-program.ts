import type { EngineDefinition } from '../../../shared/engines/definition.ts';
import type { OutputEvent } from '../../../shared/engines/output-reader.ts';
import type { RunReport } from '../../../shared/engines/run-report.ts';
import type { OneShotRunner, Run } from '../one-shot.ts';
import { judgeRun } from './judge-run.ts';
import { RunOutput } from './output-rules.ts';

/**
 * Runs an engine's program once, reads what it prints by its definition, and judges how it ended.
 * @throws EngineFailure
 */
export async function runProgram(
  runner: OneShotRunner,
  definition: EngineDefinition,
  run: Pick<Run, 'args' | 'cwd' | 'env' | 'signal'>,
  onEvent: (event: OutputEvent, report: RunReport) => void,
): Promise<{ report: RunReport; peakMemoryBytes: number }> {
  const output = new RunOutput(definition, onEvent);
  const exit = await runner.run({
    ...run,
    graceMs: definition.cancel.graceSeconds * 1_000,
    onStdout: output.stdout,
    onStderr: output.stderr,
    onReply: output.reply,
  });
  const report = output.end();
  const failure = judgeRun(definition, exit, report);
  if (failure) throw failure;
  return { report, peakMemoryBytes: exit.peakMemoryBytes };
}
