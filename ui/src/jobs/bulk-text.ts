import type { ControlManyBody } from '../../../src/shared/contracts/api.ts';
import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import type { ManyIds } from './control-slices.ts';

type BulkVerb = 'pause' | 'resume' | 'retry' | 'priority' | 'cancel' | 'delete';

export interface BulkChoice {
  verb: BulkVerb;
  label: string;
  icon: string;
  /** It can be taken back, or loses nothing. */
  harmless: boolean;
  priority?: number;
}

export const BULK_CHOICES: readonly BulkChoice[] = [
  { verb: 'pause', label: 'Pause', icon: 'i-lucide-pause', harmless: true },
  { verb: 'resume', label: 'Resume', icon: 'i-lucide-play', harmless: true },
  { verb: 'retry', label: 'Retry failed', icon: 'i-lucide-rotate-ccw', harmless: true },
  { verb: 'cancel', label: 'Cancel', icon: 'i-lucide-x', harmless: false },
  { verb: 'delete', label: 'Delete', icon: 'i-lucide-trash-2', harmless: false },
];

const INVERSE = { pause: 'resume', cancel: 'resume', delete: 'restore' } as const;

/** What takes a verb back for the jobs that it changed, one request a line; nothing where there is no way back. */
export function inverseOf(
  verb: ControlManyBody['verb'],
  changed: readonly string[],
  before: ReadonlyMap<string, JobSummary>,
): ManyIds[] {
  if (changed.length === 0) return [];
  if (verb in INVERSE) return [{ verb: INVERSE[verb as keyof typeof INVERSE], ids: [...changed] }];
  // Of jobs that the page does not know it is not known either what they were.
  const known = changed.flatMap((id) => before.get(id) ?? []);
  const idsOf = (jobs: readonly JobSummary[]): string[] => jobs.map((job) => job.id);
  if (verb === 'priority')
    return [...Map.groupBy(known, (job) => job.priority)].map(([priority, jobs]) => ({
      verb,
      priority,
      ids: idsOf(jobs),
    }));
  if (verb === 'resume')
    return [
      ...Map.groupBy(known, ({ state }) => (state === 'cancelled' ? 'cancel' : 'pause') satisfies BulkVerb),
    ].map(([back, jobs]) => ({ verb: back, ids: idsOf(jobs) }));
  return [];
}
