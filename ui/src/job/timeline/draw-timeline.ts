import type { JobTimeline } from '../../../../src/shared/contracts/job-views.ts';
import { OUTCOMES, outcomeOf, type Bar, type OutcomeName, type TimeWindow } from './timeline-view.ts';

export const LANE = 12;
export const ROW_GAP = 8;

export interface TimelineLayout {
  window: TimeWindow;
  width: number;
  /** Pixels from the top to each worker's first lane, and the lanes that it has. */
  tops: readonly number[];
  rows: readonly number[];
  lanes: readonly number[];
  height: number;
}

export interface TimelinePaint {
  colours: Record<OutcomeName, string>;
  line: string;
  accent: string;
}

export function paintOf(element: Element): TimelinePaint {
  const style = getComputedStyle(element);
  const names = Object.keys(OUTCOMES) as OutcomeName[];
  return {
    colours: Object.fromEntries(
      names.map((name) => [name, style.getPropertyValue(`--state-${OUTCOMES[name].mark}`).trim()]),
    ) as Record<OutcomeName, string>,
    line: style.getPropertyValue('--ui-border').trim(),
    accent: style.getPropertyValue('--ui-text-highlighted').trim(),
  };
}

/** Where each worker's lanes begin. */
export function layoutRows(rows: readonly number[]): { tops: number[]; height: number } {
  let top = 4;
  const tops = rows.map((lanes) => {
    const here = top;
    top += lanes * LANE + ROW_GAP;
    return here;
  });
  return { tops, height: top };
}

export const xOf = (at: number, { window, width }: Pick<TimelineLayout, 'window' | 'width'>): number =>
  ((at - window.start) / Math.max(1, window.end - window.start)) * width;

/** @param now where bars of attempts that run end, in milliseconds after the beginning */
export function drawTimeline(
  context: CanvasRenderingContext2D,
  { bars, sums }: Pick<JobTimeline, 'bars' | 'sums'>,
  layout: TimelineLayout,
  look: { paint: TimelinePaint; ticks: readonly number[]; now: number; pointed: Bar | null },
): void {
  const { width, height, tops, rows } = layout;
  const { paint } = look;
  context.clearRect(0, 0, width, height);
  context.fillStyle = paint.line;
  for (const tick of look.ticks) context.fillRect(Math.round(xOf(tick, layout)), 0, 1, height);
  tops.forEach((top, row) => {
    context.fillRect(0, top + (rows[row] ?? 1) * LANE + ROW_GAP / 2 - 1, width, 1);
  });
  // Colour by colour: setting one is what costs.
  for (const name of Object.keys(OUTCOMES) as OutcomeName[]) {
    context.fillStyle = paint.colours[name];
    bars.forEach((bar, index) => {
      if (outcomeOf(bar) !== name) return;
      const box = boxOf(bar, layout.lanes[index] ?? 0, layout, look.now);
      if (box) context.fillRect(...box);
    });
  }
  const slots = busiest(sums);
  for (const sum of sums) {
    const x = xOf(sum.start, layout);
    const wide = Math.max(1, xOf(sum.end, layout) - x);
    const share = Math.min(1, sum.busy / (sum.end - sum.start) / slots);
    const top = tops[sum.worker] ?? 0;
    context.fillStyle = paint.colours.completed;
    context.fillRect(x, top + LANE * (1 - share), wide, LANE * share);
    if (sum.failed === 0) continue;
    context.fillStyle = paint.colours.failed;
    const failed = Math.max(0.15, (sum.failed / sum.attempts) * share);
    context.fillRect(x, top + LANE * (1 - failed), wide, LANE * failed);
  }
  if (look.pointed) {
    const box = boxOf(look.pointed, layout.lanes[bars.indexOf(look.pointed)] ?? 0, layout, look.now);
    context.strokeStyle = paint.accent;
    context.lineWidth = 2;
    if (box) context.strokeRect(...box);
  }
}

/** As many slots as a worker was ever busy with; what is full is drawn full. */
const busiest = (sums: JobTimeline['sums']): number =>
  sums.reduce((most, { busy, start, end }) => Math.max(most, busy / Math.max(1, end - start)), 1);

/** Left, top, width and height of a bar; undefined beside the window. A bar is seen, however short it was. */
function boxOf(
  bar: Bar,
  lane: number,
  layout: TimelineLayout,
  now: number,
): [number, number, number, number] | undefined {
  const left = xOf(bar.start, layout);
  const right = xOf(bar.end ?? Math.max(now, bar.start), layout);
  if (right < -1 || left > layout.width) return undefined;
  const x = Math.max(left, -2);
  const gap = right - x > 4 ? 1 : 0;
  return [
    x,
    (layout.tops[bar.worker] ?? 0) + lane * LANE,
    Math.max(1, Math.min(right, layout.width + 2) - x - gap),
    LANE - 2,
  ];
}

/** The bar at a point; undefined: there is none. */
export function barAt(
  bars: readonly Bar[],
  layout: TimelineLayout,
  now: number,
  x: number,
  y: number,
): Bar | undefined {
  return bars.find((bar, index) => {
    const box = boxOf(bar, layout.lanes[index] ?? 0, layout, now);
    if (!box) return false;
    const [left, top, width, height] = box;
    return x >= left - 1 && x <= left + Math.max(width, 2) + 1 && y >= top && y <= top + height;
  });
}
