import type { FrameResult } from '../../shared/contracts/messages.ts';
import { resultFile, resultKey } from '../../shared/storage/keys.ts';

const EXTENSION = /\.([a-z0-9]{1,8})$/;

/**
 * Why a result cannot be taken, or undefined. A worker may only point at objects under its own attempt, so that it can
 * never make a frame of somebody else's file.
 */
export function resultProblem(
  result: FrameResult,
  task: { jobId: string; step: string; engine: string; attempt: string; frames: ReadonlyMap<number, number> },
): string | undefined {
  const generation = task.frames.get(result.number);
  if (generation === undefined) return `frame ${result.number} is not in the task`;
  if (generation !== result.generation)
    return `frame ${result.number} is generation ${generation} in the task, not ${result.generation}`;
  const names = new Set(result.outputs.map((output) => output.name));
  if (names.size < result.outputs.length) return `frame ${result.number} has two outputs of one name`;
  for (const output of result.outputs) {
    if (output.key === null || output.sha256 === null) {
      if (task.engine !== 'null') return `output ${output.name} of frame ${result.number} names no object`;
      continue;
    }
    const extension = EXTENSION.exec(output.key)?.[1] ?? '';
    const expected = resultKey({
      jobId: task.jobId,
      step: task.step,
      attempt: task.attempt,
      file: resultFile(output.name, result.number, extension),
    });
    if (output.key !== expected)
      return `output ${output.name} of frame ${result.number} points at ${output.key.slice(0, 200)}, expected ${expected}`;
  }
  return undefined;
}
