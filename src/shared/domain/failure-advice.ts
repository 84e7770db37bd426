import type { FailureKind, Fault } from '../contracts/failure-api.ts';

/** What is known of attempts that failed for one reason. */
export interface FailureFacts {
  kind: FailureKind;
  /** What one of them said. */
  message: string;
  attempts: number;
  jobs: number;
  workers: number;
  /** The worker that failed most. */
  worker: string;
}

export interface FailureAdvice {
  fault: Fault;
  title: string;
  why: string;
  remedy: string;
}

interface Knowledge {
  title: string;
  /** Whose fault it is, whatever the pattern of workers and jobs says. */
  always?: Fault;
  /** Whose fault it is where the pattern says nothing. */
  usually: Fault;
  remedy: Partial<Record<Fault, string>>;
}

const LOOK_AT_WORKER = 'Pause the worker, retry the frames elsewhere, and compare it with one that works.';
const LOOK_AT_SCENE = 'Open the scene, mend what the line names, and submit it again.';

/** What each kind of failure means and what helps: one place, for the page and whoever else tells people. */
export const FAILURE_KNOWLEDGE: Record<FailureKind, Knowledge> = {
  scene: {
    title: 'The engine cannot render the scene',
    usually: 'scene',
    remedy: {
      scene: LOOK_AT_SCENE,
      worker:
        'Compare the version and add-ons of the engine on this worker with another one; pause it until then.',
    },
  },
  'missing-asset': {
    title: 'A file that the scene needs is missing',
    usually: 'scene',
    remedy: {
      scene: 'Submit the scene again together with the file that the line names.',
      worker: 'Mount the storage on this worker that others have (./farmhand roots), then retry the frames.',
      farm: 'Check that the shared storage is mounted and readable on the workers (./farmhand roots).',
    },
  },
  'untrusted-scripts': {
    title: 'The scene has scripts that nobody has allowed',
    always: 'scene',
    usually: 'scene',
    remedy: { scene: 'Open the job and answer whether its scripts are trusted.' },
  },
  'engine-crash': {
    title: 'The engine ended unexpectedly',
    usually: 'unclear',
    remedy: {
      scene: 'Try one frame with another version of the engine; simplify what the scene does in this frame.',
      worker: 'Pause the worker, then check its drivers and memory and install the engine anew.',
      farm: 'Check what changed last for all workers: the version of the engine, a driver, a shared add-on.',
    },
  },
  'out-of-memory': {
    title: 'Memory ran out',
    usually: 'scene',
    remedy: {
      scene: 'Ask for more memory in the job (requires.memory), or make the scene smaller.',
      worker: 'Give this worker fewer slots (--slots), so that each has more memory.',
    },
  },
  licence: {
    title: 'No licence was free',
    always: 'farm',
    usually: 'farm',
    remedy: { farm: 'Check the licence server, and set how many may be used at once (./farmhand limits).' },
  },
  timeout: {
    title: 'It took too long, or the engine fell silent',
    usually: 'scene',
    remedy: {
      scene: 'Raise the time-out of the step if the frame is only slow; else look where its log stops.',
      worker: 'Pause the worker and look at its load: others render such frames in time.',
      farm: 'Check the storage and the network: engines wait for something on many workers.',
    },
  },
  'bad-output': {
    title: 'The result is missing or cannot be read',
    usually: 'scene',
    remedy: {
      scene: 'Check the output settings of the scene: format, file name, and whether the camera renders.',
      worker: 'Check the disk of this worker; retry the frames on another one.',
    },
  },
  host: {
    title: 'The machine failed: its disk, memory or a program',
    usually: 'worker',
    remedy: {
      worker: 'Drain the worker, free its disk or mend what the line names, and start it again.',
      farm: 'Many machines fail alike: check what they share, such as a full disk or an update.',
    },
  },
  storage: {
    title: 'The object storage did not take or give a file',
    always: 'farm',
    usually: 'farm',
    remedy: {
      farm: 'Check that the object storage answers and has room; frames are tried again by themselves.',
    },
  },
  loss: {
    title: 'The worker died while it rendered',
    usually: 'worker',
    remedy: {
      worker: 'Look at the machine: power, memory, or somebody who ended the process.',
      scene: 'This scene takes workers down: hold the job, and render one frame where you can watch it.',
      farm: 'Many workers went at once: check power and network.',
    },
  },
  rejected: {
    title: 'The task could not be taken',
    usually: 'worker',
    remedy: {
      worker: 'Check that the worker runs the same version of Farmhand as the coordinator.',
      farm: 'Check that workers and coordinators run the same version of Farmhand.',
    },
  },
};

/** Words that say more than the class: the first that is found counts. */
const TELLTALES: readonly [RegExp, Pick<Knowledge, 'title'> & { remedy: string }][] = [
  [
    /no space left|ENOSPC|disk (is )?full|disk quota/i,
    { title: 'A disk is full', remedy: 'Free the disk of the machines named here, then retry the frames.' },
  ],
  [
    /CUDA|OptiX|\bHIP\b|GPU driver|no device found/i,
    {
      title: 'The graphics card or its driver failed',
      remedy: 'Check the driver and the free memory of the graphics card, or let the job render on the CPU.',
    },
  ],
  [
    /permission denied|EACCES|access is denied/i,
    {
      title: 'A file may not be read or written',
      remedy: 'Give the account that runs the worker the right to the file that the line names.',
    },
  ],
];

/** Fewer jobs say nothing about a worker, fewer workers nothing about a scene, fewer of both nothing about the farm. */
const SEVERAL = 2;
const MANY = 3;

/** Whose fault failures look like, what they mean, and one thing to do. Pure. */
export function adviceFor(facts: FailureFacts): FailureAdvice {
  const known = FAILURE_KNOWLEDGE[facts.kind];
  const { fault, why } = judge(facts, known);
  const telltale = TELLTALES.find(([words]) => words.test(facts.message))?.[1];
  return {
    fault,
    title: telltale?.title ?? known.title,
    why,
    remedy: telltale?.remedy ?? known.remedy[fault] ?? fallback(fault),
  };
}

function judge(facts: FailureFacts, known: Knowledge): { fault: Fault; why: string } {
  const { jobs, workers, attempts, worker } = facts;
  if (known.always === 'farm') return { fault: 'farm', why: 'What all workers share did not answer.' };
  if (known.always !== undefined) return { fault: known.always, why: 'It lies in the scene itself.' };
  if (workers === 1 && jobs >= SEVERAL)
    return { fault: 'worker', why: `Only ${worker} fails so, with ${jobs} jobs.` };
  if (jobs === 1 && workers >= SEVERAL)
    return { fault: 'scene', why: `One job fails so on ${workers} workers.` };
  if (jobs >= MANY && workers >= MANY)
    return { fault: 'farm', why: `${jobs} jobs fail so on ${workers} workers.` };
  const fault = known.usually;
  if (attempts === 1) return { fault, why: 'Seen once only.' };
  const seen = `Seen with ${jobs === 1 ? 'one job' : `${jobs} jobs`} on ${workers === 1 ? 'one worker' : `${workers} workers`}`;
  return { fault, why: `${seen}: too little to be sure.` };
}

function fallback(fault: Fault): string {
  if (fault === 'worker') return LOOK_AT_WORKER;
  if (fault === 'scene') return LOOK_AT_SCENE;
  if (fault === 'farm') return 'Check what all workers share: storage, network, versions.';
  return 'Retry the frames; if another worker renders them, the worker is at fault, otherwise the scene.';
}
