import type { Worker } from '../../../src/shared/contracts/api.ts';
import type { WorkerVerb } from '../../../src/shared/contracts/manage-api.ts';
import { plural } from '../common/units.ts';

export interface WorkerVerbChoice {
  verb: WorkerVerb;
  label: string;
  icon: string;
  /** Shown on hover: what it means. */
  help: string;
}

const CHOICES: readonly WorkerVerbChoice[] = [
  {
    verb: 'pause',
    label: 'Pause',
    icon: 'i-lucide-pause',
    help: 'Finishes its tasks, takes no further ones',
  },
  { verb: 'resume', label: 'Resume', icon: 'i-lucide-play', help: 'Works again; ends a quarantine, too' },
  {
    verb: 'give-back',
    label: 'Give back',
    icon: 'i-lucide-user-round',
    help: 'Its owner has it within ten seconds; its tasks go to others',
  },
  {
    verb: 'drain',
    label: 'Drain',
    icon: 'i-lucide-log-out',
    help: 'Finishes its tasks, then its process ends',
  },
];

/** What can be done with these workers: what changes none of them is left out. */
export function workerVerbs(workers: readonly Pick<Worker, 'state' | 'pause'>[]): WorkerVerbChoice[] {
  const gone = ({ state }: Pick<Worker, 'state'>): boolean => state === 'lost' || state === 'offline';
  const byPerson = ({ pause }: Pick<Worker, 'pause'>): boolean => pause !== null && pause.by !== 'timetable';
  const useful: Record<WorkerVerb, boolean> = {
    pause: workers.some((worker) => !byPerson(worker)),
    resume: workers.some(byPerson),
    'give-back': workers.some((worker) => !gone(worker) && worker.pause?.by !== 'owner'),
    drain: workers.some((worker) => !gone(worker) && worker.state !== 'draining'),
    timetable: true,
  };
  return CHOICES.filter(({ verb }) => useful[verb]);
}

const NAMES: Record<WorkerVerb, string> = {
  pause: 'Pause',
  resume: 'Resume',
  drain: 'Drain',
  'give-back': 'Give back',
  timetable: 'Set the timetable of',
};

/** The question's title. */
export function verbTitle(verb: WorkerVerb, ids: readonly string[]): string {
  return `${NAMES[verb]} ${ids.length === 1 ? (ids[0] ?? '') : plural(ids.length, 'worker')}?`;
}

/** What the button says that does it. */
export function verbYes(verb: WorkerVerb, count: number): string {
  return verb === 'timetable' ? 'Set it' : `${NAMES[verb]} ${plural(count, 'worker')}`;
}
