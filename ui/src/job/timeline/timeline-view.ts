import type { JobTimeline } from '../../../../src/shared/contracts/job-views.ts';

export type Bar = JobTimeline['bars'][number];

/** The part of the time that is drawn, in milliseconds after the timeline's beginning. */
export interface TimeWindow {
  start: number;
  end: number;
}

const SHORTEST_MS = 200;

/** Closer or further away around a moment, never beyond the whole. @param by above 1: further away */
export function zoomTime({ start, end }: TimeWindow, at: number, by: number, whole: number): TimeWindow {
  const span = Math.min(Math.max((end - start) * by, Math.min(SHORTEST_MS, whole)), whole);
  const share = end === start ? 0.5 : (at - start) / (end - start);
  return within(at - share * span, span, whole);
}

/** Earlier or later by a part of what is seen. */
export function panTime({ start, end }: TimeWindow, share: number, whole: number): TimeWindow {
  return within(start + share * (end - start), end - start, whole);
}

function within(start: number, span: number, whole: number): TimeWindow {
  const first = Math.min(Math.max(0, start), Math.max(0, whole - span));
  return { start: first, end: first + span };
}

/** Bars that overlap lie in lanes below each other: a worker has several slots. */
export function lanesOf(bars: readonly Bar[], workers: number): { lanes: number[]; rows: number[] } {
  const ends: number[][] = Array.from({ length: workers }, () => []);
  const lanes = bars.map((bar) => {
    const taken = (ends[bar.worker] ??= []);
    const free = taken.findIndex((end) => end <= bar.start);
    const lane = free >= 0 ? free : taken.length;
    taken[lane] = bar.end ?? Infinity;
    return lane;
  });
  return { lanes, rows: ends.map((taken) => Math.max(1, taken.length)) };
}

/** Steps of time that people count in, in milliseconds. */
const STEPS = [
  100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000,
  1_800_000, 3_600_000, 7_200_000, 14_400_000, 43_200_000, 86_400_000, 604_800_000,
];

/** Moments that are worth a mark in a window, with about so many pixels between them. */
export function ticksOf({ start, end }: TimeWindow, width: number, apart = 110): number[] {
  const wanted = ((end - start) / Math.max(1, width)) * apart;
  const step = STEPS.find((one) => one >= wanted) ?? 604_800_000;
  const ticks: number[] = [];
  for (let at = Math.ceil(start / step) * step; at <= end; at += step) ticks.push(at);
  return ticks;
}

/** What became of an attempt, in the colours of the states that it is like. */
export const OUTCOMES = {
  running: { word: 'Running', icon: 'i-lucide-play', colour: 'var(--state-running)', mark: 'running' },
  completed: { word: 'Completed', icon: 'i-lucide-check', colour: 'var(--state-done)', mark: 'done' },
  failed: { word: 'Failed', icon: 'i-lucide-triangle-alert', colour: 'var(--state-failed)', mark: 'failed' },
  lost: { word: 'Worker lost', icon: 'i-lucide-unplug', colour: 'var(--state-warned)', mark: 'warned' },
  released: { word: 'Given back', icon: 'i-lucide-undo-2', colour: 'var(--state-held)', mark: 'held' },
  rejected: { word: 'Refused', icon: 'i-lucide-circle-x', colour: 'var(--state-queued)', mark: 'queued' },
  cancelled: { word: 'Cancelled', icon: 'i-lucide-ban', colour: 'var(--state-waiting)', mark: 'waiting' },
} as const;
export type OutcomeName = keyof typeof OUTCOMES;

export function outcomeOf({ outcome }: Pick<Bar, 'outcome'>): OutcomeName {
  return outcome !== null && outcome in OUTCOMES ? (outcome as OutcomeName) : 'running';
}
