import { z } from 'zod';
import type { StreamEvent } from '../../shared/contracts/events.ts';
import type { ReadFrom, StatusRange } from '../messaging/status-reader.ts';

const EVENT_ID = /^(\d{1,15})(?:\.([0-9a-z]{1,12}))?$/;

/** Query parameter `since` and header `Last-Event-ID`: a sequence, as ids of events are, or a time. */
export const sinceSchema = z.union(
  [z.string().regex(EVENT_ID), z.iso.datetime({ offset: true })],
  'the id or sequence of an event, or a time such as 2026-01-31T12:00:00Z',
);

type Gap = Extract<StreamEvent, { type: 'gap' }>['data'];

/** Tells a stream from one that was made anew in its place. */
const markOf = ({ created }: StatusRange): string => Date.parse(created).toString(36);

/** The id of the last event of a message: its sequence, and a mark of the stream. */
export function eventIdOf(sequence: number, range: StatusRange): string {
  return `${sequence}.${markOf(range)}`;
}

/**
 * Where the stream begins for somebody who has seen everything up to `since`, and what is missing in between.
 * @param since undefined: from now on
 */
export function streamStart(since: string | undefined, range: StatusRange): { from: ReadFrom; gap?: Gap } {
  if (since === undefined) return { from: { sequence: range.last + 1 } };
  const [, sequence, mark] = EVENT_ID.exec(since) ?? [];
  if (sequence === undefined) return afterTime(new Date(since), range);
  const last = Number(sequence);
  if ((mark !== undefined && mark !== markOf(range)) || last > range.last) {
    const reason = 'The stream was made anew since; what was said before is no longer there.';
    return { from: { sequence: 1 }, gap: { from: null, to: null, reason } };
  }
  const next = last + 1;
  if (next >= range.first) return { from: { sequence: next } };
  return { from: { sequence: range.first }, gap: { from: next, to: range.first - 1, reason: TOO_OLD } };
}

const TOO_OLD = 'It is older than what is kept (seven days, 4 GiB).';

function afterTime(time: Date, range: StatusRange): { from: ReadFrom; gap?: Gap } {
  const isGone = range.first > 1 && time < range.firstAt;
  return {
    from: { time },
    ...(isGone ? { gap: { from: null, to: range.first - 1, reason: TOO_OLD } } : {}),
  };
}
