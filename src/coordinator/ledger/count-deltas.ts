import { sql } from 'kysely';
import {
  FRAME_STATES,
  FRAME_TRANSITIONS,
  type FrameCounts,
  type FrameState,
} from '../../shared/domain/states.ts';
import type { LedgerTransaction } from './job-repository.ts';

/** Frames that moved between states, added up by step until they are written. */
export class CountDeltas {
  readonly #steps = new Map<string, { counts: Partial<FrameCounts>; seconds: number }>();

  /** @throws Error when the table of transitions does not have this one: a defect, and the transaction is not to commit. */
  move(stepKey: string, from: FrameState, to: FrameState, frames = 1): void {
    if (from === to || frames === 0) return;
    if (!FRAME_TRANSITIONS[from].includes(to)) throw new Error(`A frame cannot go from ${from} to ${to}`);
    const { counts } = this.#entry(stepKey);
    counts[from] = (counts[from] ?? 0) - frames;
    counts[to] = (counts[to] ?? 0) + frames;
  }

  addSeconds(stepKey: string, seconds: number): void {
    this.#entry(stepKey).seconds += seconds;
  }

  stepKeys(): string[] {
    return [...this.#steps.keys()];
  }

  /** One statement for all steps. */
  async write(trx: LedgerTransaction): Promise<void> {
    if (this.#steps.size === 0) return;
    const entries = [...this.#steps];
    const column = (state: FrameState): number[] => entries.map(([, { counts }]) => counts[state] ?? 0);
    const seconds = entries.map(([, entry]) => entry.seconds);
    const arrays = FRAME_STATES.map((state) => sql`${column(state)}::int[]`);
    const sums = FRAME_STATES.map(
      (state) => sql`${sql.ref(state)} = s.${sql.ref(state)} + d.${sql.ref(state)}`,
    );
    await sql`/* prepared */
      UPDATE steps s SET ${sql.join(sums)}, seconds_done = s.seconds_done + d.seconds
      FROM unnest(${entries.map(([key]) => key)}::bigint[], ${seconds}::float8[], ${sql.join(arrays)})
        AS d(step_key, seconds, ${sql.join(FRAME_STATES.map((state) => sql.ref(state)))})
      WHERE s.key = d.step_key`.execute(trx);
  }

  #entry(stepKey: string): { counts: Partial<FrameCounts>; seconds: number } {
    const known = this.#steps.get(stepKey);
    if (known) return known;
    const entry = { counts: {}, seconds: 0 };
    this.#steps.set(stepKey, entry);
    return entry;
  }
}
