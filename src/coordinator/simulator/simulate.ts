import { nth, round, waiting } from './figures.ts';
import { capacitiesOf, lowerBoundMs } from './lower-bound.ts';
import type { SimStep } from './sim-step.ts';
import { Simulation } from './simulation.ts';
import { stepsOf } from './steps.ts';
import type { Trace } from './trace.ts';

export interface SimulationFigures {
  /** Tasks started in a second of real time, the simulation itself included. */
  assignmentsPerSecond: number;
  /** Slot-time in use, of what unfinished frames could have used. */
  utilisation: number;
  /** When the last frame ended, by the earliest that any schedule could have. */
  makespanRatio: number;
  /** Of what projects had, by what they were due. */
  jain: number;
  /** Of slot-time in use: frames that were accepted. */
  useful: number;
  tasks: number;
  framesDone: number;
  framesFailed: number;
  framesUnfinished: number;
  makespanSeconds: number;
  lowerBoundSeconds: number;
  rounds: number;
  roundP50Ms: number;
  roundP99Ms: number;
  takenBack: Record<string, number>;
  shares: Record<string, number>;
  waiting: ReturnType<typeof waiting>;
}

interface SimulationOptions {
  workers?: number;
  seed?: number;
}

/**
 * Plays a trace on virtual time with the farm's own planning, and checks as it goes that no frame is lost or rendered
 * twice, no worker gets more than it has, and no limit is exceeded. The same trace and seed always give the same farm.
 * @throws FarmError `invalid` for jobs that fit nowhere
 * @throws Error when a check fails: that is a defect of the planner or of the simulator
 */
export function simulate(trace: Trace, options: SimulationOptions = {}): SimulationFigures {
  const workers = options.workers ?? trace.workers;
  const steps = stepsOf(trace, options.seed ?? trace.seed);
  const simulation = new Simulation(trace, workers, steps);
  const bound = lowerBoundMs(steps, simulation.farm.groups, capacitiesOf(trace, workers));
  const began = performance.now();
  simulation.run();
  return figuresOf(simulation, steps, bound, (performance.now() - began) / 1_000);
}

function figuresOf(
  { measures, roundsMs, takenBack, unfinished }: Simulation,
  steps: readonly SimStep[],
  bound: number,
  seconds: number,
): SimulationFigures {
  const rounds = [...roundsMs].sort((a, b) => a - b);
  return {
    assignmentsPerSecond: Math.round(measures.assigned / seconds),
    utilisation: round(measures.utilisation),
    makespanRatio: round(bound === 0 ? 1 : measures.lastEndMs / bound),
    jain: round(measures.jain),
    useful: round(measures.useful),
    tasks: measures.assigned,
    framesDone: measures.rendered,
    framesFailed: measures.failedFrames,
    framesUnfinished: unfinished,
    makespanSeconds: round(measures.lastEndMs / 1_000),
    lowerBoundSeconds: round(bound / 1_000),
    rounds: rounds.length,
    roundP50Ms: round(nth(rounds, 0.5)),
    roundP99Ms: round(nth(rounds, 0.99)),
    takenBack,
    shares: measures.shares,
    waiting: waiting(steps),
  };
}
