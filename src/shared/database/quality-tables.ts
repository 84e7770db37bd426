import type { Generated, JSONColumnType } from 'kysely';
import type { Finding, Measures, Verdict } from '../contracts/quality.ts';
import type { DatabaseTime, NullableTime } from './schema.ts';

/** What was measured of the result that a frame has; frames without files have no row. */
export interface FrameQualityTable {
  step_key: string;
  number: number;
  generation: number;
  measures: JSONColumnType<Measures | null, string | null, string | null>;
  /** SHA-256 of the decoded pixels. */
  pixels: Buffer | null;
  /** 64 × 36 as WebP; removed once its job is delivered and old. */
  thumbnail: Buffer | null;
}

/**
 * What became of a result that was not simply taken. `rendered-again`, `held` and `settled` are the farm's own; the others
 * are a person's.
 */
export const DECISIONS = ['rendered-again', 'held', 'settled', 'accepted', 'retried', 'skipped'] as const;
export type Decision = (typeof DECISIONS)[number];

/** Results that something was decided about, and those that a later one has taken the place of: a frame's history. */
export interface JudgedAttemptsTable {
  key: Generated<string>;
  step_key: string;
  number: number;
  generation: number;
  attempt: string | null;
  worker: string | null;
  verdict: Verdict | null;
  findings: JSONColumnType<Finding[]>;
  measures: JSONColumnType<Measures | null, string | null, string | null>;
  pixels: Buffer | null;
  thumbnail: Buffer | null;
  object_key: string | null;
  judged_at: DatabaseTime;
  decision: Decision | null;
  decided_by: string | null;
  note: string | null;
  decided_at: NullableTime;
  /** 0–1: how much a later result of another worker differs, where it should not. */
  difference: number | null;
  differs_attempt: string | null;
  differs_worker: string | null;
}
