import { InvalidInputError } from '../../shared/domain/errors.ts';
import { fits } from '../planning/fitting.ts';
import { chanceAt } from './random.ts';
import { SimStep } from './sim-step.ts';
import { SimGroup } from './sim-worker.ts';
import type { Trace, TraceJobs } from './trace.ts';

/**
 * The jobs of a trace, each with when it comes.
 * @throws InvalidInputError when none of the groups could ever render one of them
 */
export function stepsOf(trace: Trace, seed: number): SimStep[] {
  const groups = trace.groups.map((group) => new SimGroup(group));
  const steps: SimStep[] = [];
  trace.jobs.forEach((jobs, place) => {
    const arrivals = arrivalsOf(jobs, seed, place);
    arrivals.forEach((submittedAtMs, nth) => {
      const jobId = jobs.count === 1 ? jobs.name : `${jobs.name}-${nth + 1}`;
      steps.push(new SimStep(jobs, { index: steps.length, jobId, submittedAtMs, seed }));
    });
    const last = steps.at(-1);
    if (last && !groups.some((group) => fits(last.needs, group)))
      throw new InvalidInputError('The trace', [
        {
          path: `jobs[${place}].requires`,
          value: JSON.stringify(jobs.requires),
          expected: 'what one of the groups has',
        },
      ]);
  });
  return steps;
}

function arrivalsOf({ count, firstAt, every, random }: TraceJobs, seed: number, place: number): number[] {
  const arrivals: number[] = [];
  for (let nth = 0, at = firstAt; nth < count; nth++) {
    arrivals.push(Math.round(at * 1_000));
    at += random ? -Math.log(1 - chanceAt(seed, place, nth, 7)) * every : every;
  }
  return arrivals;
}
