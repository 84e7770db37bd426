import type { ToldWhy } from './use-whys.ts';
import { formatSeconds } from '../common/units.ts';

/** When a job is expected to end, as a range of time from now: `8–12 m`, `up to 3 m`. */
export function leftText(told: ToldWhy | undefined, nowMs: number): string {
  const range = told?.why.endSeconds;
  if (!told || !range) return '–';
  const passed = (nowMs - told.atMs) / 1_000;
  const min = Math.max(0, range.min - passed);
  const max = Math.max(0, range.max - passed);
  const [low, high] = [inOneUnit(min), inOneUnit(max)];
  if (low.text === high.text) return `~ ${high.text}`;
  if (low.value === 0) return `up to ${high.text}`;
  return low.unit === high.unit ? `${low.value}–${high.text}` : `${low.text} – ${high.text}`;
}

/** Both ends exactly, for whoever points at it. */
export function leftTitle(told: ToldWhy | undefined): string {
  const range = told?.why.endSeconds;
  if (!range) return 'The farm cannot say yet when it will end.';
  return `Expected to end in ${formatSeconds(range.min)} to ${formatSeconds(range.max)}, as the farm estimated it last.`;
}

const UNITS = [
  { below: 90, size: 1, unit: 's' },
  { below: 5_400, size: 60, unit: 'm' },
  { below: 172_800, size: 3_600, unit: 'h' },
  { below: Infinity, size: 86_400, unit: 'd' },
] as const;

function inOneUnit(seconds: number): { value: number; unit: string; text: string } {
  const { size, unit } = UNITS.find(({ below }) => seconds < below) ?? UNITS[3];
  const value = Math.round(seconds / size);
  return { value, unit, text: `${value} ${unit}` };
}
