import { sql, type RawBuilder } from 'kysely';

/**
 * A frame by its whole key, as a subquery to join laterally: `(tid, step_key, number, generation, state, task_key,
 * failures, losses, memory_bytes)`.
 * `OFFSET 0` keeps the planner from taking the key apart: without statistics of a fresh step it would read the whole step
 * for each frame. The frame is then changed by its row id (`ctid`), which holds because its job's row is locked.
 */
export function frameByKey(stepKey: RawBuilder<unknown>, number: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(SELECT ctid AS tid, step_key, number, generation, state, task_key, failures, losses, memory_bytes
    FROM frames WHERE step_key = ${stepKey} AND number = ${number} OFFSET 0)`;
}
