import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import { elapsedSeconds, formatAge, formatSeconds, formatTime } from '../common/units.ts';
import type { ColumnId } from './columns.ts';
import { enginesOf } from './job-list.ts';
import { leftText, leftTitle } from './job-text.ts';
import type { ToldWhy } from './use-whys.ts';

export type TextColumn = Exclude<ColumnId, 'state' | 'picture' | 'name' | 'progress'>;

export interface CellText {
  text: string;
  /** What is shown to whoever points at it. */
  title: string;
  /** `quiet`: nothing to look at. */
  tone: 'plain' | 'quiet' | 'alarm';
}

/** What stands in a cell that holds nothing but text. */
export function cellText(
  job: JobSummary,
  column: TextColumn,
  told: ToldWhy | undefined,
  nowMs: number,
): CellText {
  switch (column) {
    case 'frames':
    case 'running':
    case 'failed':
      return countText(job, column);
    case 'eta': {
      const isOpen = job.finishedAt === null && job.state !== 'paused';
      return { text: isOpen ? leftText(told, nowMs) : '', title: leftTitle(told), tone: 'plain' };
    }
    case 'elapsed': {
      const seconds = elapsedSeconds(job.startedAt, job.finishedAt, nowMs);
      const text = seconds === null ? '–' : formatSeconds(Math.floor(seconds));
      return { text, title: formatTime(job.startedAt), tone: 'plain' };
    }
    case 'submitted':
      return { text: formatAge(job.submittedAt, nowMs), title: formatTime(job.submittedAt), tone: 'plain' };
    default: {
      const text = plainText(job, column);
      return { text: text.slice(0, 120), title: text, tone: 'plain' };
    }
  }
}

function countText(job: JobSummary, column: 'frames' | 'running' | 'failed'): CellText {
  const count = column === 'frames' ? job.frames.total : job.frames[column];
  const text = count.toLocaleString('en-US');
  if (column === 'frames') return { text, title: text, tone: 'plain' };
  return { text, title: text, tone: count === 0 ? 'quiet' : column === 'failed' ? 'alarm' : 'plain' };
}

function plainText(
  job: JobSummary,
  column: 'engine' | 'owner' | 'project' | 'shot' | 'version' | 'priority',
): string {
  if (column === 'engine') return enginesOf(job).join(', ');
  if (column === 'priority') return String(job.priority);
  if (column === 'owner' || column === 'project') return job[column];
  return Object.hasOwn(job.labels, column) ? (job.labels[column] ?? '') : '';
}
