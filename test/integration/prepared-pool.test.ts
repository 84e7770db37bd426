import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectLedger, type Ledger } from '../../src/shared/database/connect.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';

let context: TestContext;
let ledger: Ledger;
beforeAll(async () => {
  context = await createTestContext();
  // One connection, so that each statement meets the session that the one before it left.
  ledger = connectLedger(context.databaseUrl, pino({ level: 'silent' }), 1);
});
afterAll(async () => {
  await ledger.destroy();
  await context.dispose();
});

const marked = (ids: string[]) =>
  sql<{ id: string }>`/* prepared */ SELECT id FROM jobs WHERE id = ANY(${ids})`.execute(ledger);
/** With a parameter, as every statement that has a plan to choose. */
const setting = async (name: string): Promise<string | undefined> =>
  (await sql<{ value: string }>`SELECT current_setting(${name}) AS value`.execute(ledger)).rows[0]?.value;

describe('statements that are marked as prepared', () => {
  it('are planned once, without knowing their parameters', async () => {
    for (const ids of [['a'], ['b', 'c'], []]) await marked(ids);
    const { rows } = await sql<{ generic: number; custom: number }>`
      SELECT generic_plans::int AS generic, custom_plans::int AS custom FROM pg_prepared_statements
      WHERE statement LIKE ${'/* prepared */ SELECT id%'}`.execute(ledger);
    expect(rows).toEqual([{ generic: 3, custom: 0 }]);
  });

  it('leave other statements to be planned as usual', async () => {
    await marked(['a']);
    expect(await setting('plan_cache_mode')).toBe('auto');
    expect(await setting('enable_seqscan')).toBe('on');
  });

  it('are so again after a transaction that was rolled back', async () => {
    const undone = ledger.transaction().execute(async (trx) => {
      await sql`/* prepared */ SELECT id FROM jobs WHERE id = ANY(${['a']})`.execute(trx);
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await setting('plan_cache_mode')).toBe('auto');
    await marked(['a']);
    expect(await setting('plan_cache_mode')).toBe('auto');
  });
});
