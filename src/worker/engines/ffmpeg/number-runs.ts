/** Pictures `from` … `to` of a sequence, counted from 0, whose frame numbers are `first`, `first + by` and so on. */
export interface NumberRun {
  from: number;
  to: number;
  first: number;
  by: number;
}

/** Frame numbers, one a picture, as even runs: what FFmpeg can count by itself. */
export function numberRuns(numbers: readonly number[]): NumberRun[] {
  const runs: NumberRun[] = [];
  for (const [at, number] of numbers.entries()) {
    const run = runs.at(-1);
    if (run && run.from === run.to) {
      run.by = number - run.first;
      run.to = at;
    } else if (run && number === run.first + run.by * (at - run.from)) run.to = at;
    else runs.push({ from: at, to: at, first: number, by: 1 });
  }
  return runs;
}
