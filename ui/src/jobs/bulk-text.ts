import type { ControlManyBody } from '../../../src/shared/contracts/api.ts';
import type { JobSummary } from '../../../src/shared/contracts/messages.ts';

export interface BulkChoice {
  verb: 'pause' | 'resume' | 'retry' | 'priority' | 'cancel' | 'delete';
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

const INVERSE = { pause: 'resume', resume: 'pause', cancel: 'resume', delete: 'restore' } as const;

/** What takes a verb back for the jobs that it changed, one request a line; nothing where there is no way back. */
export function inverseOf(
  verb: ControlManyBody['verb'],
  changed: readonly string[],
  before: ReadonlyMap<string, JobSummary>,
): ControlManyBody[] {
  if (changed.length === 0) return [];
  if (verb in INVERSE) return [{ verb: INVERSE[verb as keyof typeof INVERSE], ids: [...changed] }];
  if (verb !== 'priority') return [];
  // Of jobs that the page does not know the old priority is not known either.
  const byPriority = Map.groupBy(
    changed.flatMap((id) => before.get(id) ?? []),
    (job) => job.priority,
  );
  return [...byPriority].map(([priority, jobs]) => ({ verb, priority, ids: jobs.map((job) => job.id) }));
}
