import type { FrameChange } from './messages.ts';
import type { FrameRun } from './realtime.ts';

/** Changes of frames as runs: what a farm renders side by side costs little more than one frame. */
export function packFrames(changes: readonly FrameChange[]): FrameRun[] {
  const sorted = changes.toSorted((a, b) =>
    a.step === b.step ? a.number - b.number : a.step < b.step ? -1 : 1,
  );
  const runs: FrameRun[] = [];
  let run: FrameRun | undefined;
  for (const change of sorted) {
    if (!run || !continues(run, change)) {
      const { step, number: first, state, generation, worker, error } = change;
      run = { step, first, state, generation, worker, error, seconds: [] };
      runs.push(run);
    }
    run.seconds.push(change.seconds);
  }
  return runs;
}

/** By step, then by number. */
export function unpackFrames(runs: readonly FrameRun[]): FrameChange[] {
  return runs.flatMap(({ first, seconds, ...alike }) =>
    seconds.map((each, at) => ({ ...alike, number: first + at, seconds: each })),
  );
}

function continues(run: FrameRun, change: FrameChange): boolean {
  return (
    change.number === run.first + run.seconds.length &&
    change.step === run.step &&
    change.state === run.state &&
    change.generation === run.generation &&
    change.worker === run.worker &&
    change.error === run.error
  );
}
