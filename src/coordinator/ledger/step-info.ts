import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import type { StepSpec } from '../../shared/database/schema.ts';

/** What never changes of a step. */
export interface StepInfo {
  key: string;
  jobId: string;
  name: string;
  engine: string;
  spec: StepSpec;
  /** Frames of other steps of the job wait for its frames one by one. */
  hasFrameDependents: boolean;
  /** Size of the parts of the spec that every task message carries. */
  messageBytes: number;
}

const KEPT_STEPS = 2_000;
const KEPT_BYTES = 64_000_000;

/** Steps' unchanging parts, read once; the most recently used stay. */
export class StepInfos {
  readonly #ledger: Ledger;
  readonly #known = new Map<string, StepInfo>();
  #bytes = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** One query for those that are not known. Keys of steps that do not exist are left out. */
  async load(keys: readonly string[]): Promise<Map<string, StepInfo>> {
    const found = new Map<string, StepInfo>();
    const missing = new Set<string>();
    for (const key of keys) {
      const info = this.#known.get(key);
      if (!info) missing.add(key);
      else {
        found.set(key, info);
        this.#known.delete(key);
        this.#known.set(key, info);
      }
    }
    if (missing.size === 0) return found;
    const rows = await this.#ledger
      .selectFrom('steps')
      .select(['key', 'job_id', 'name', 'engine', 'spec'])
      .select(
        sql<boolean>`EXISTS (SELECT 1 FROM step_dependencies d WHERE d.depends_on = steps.key AND d.kind = 'frame')`.as(
          'waited_for',
        ),
      )
      .where('key', 'in', [...missing])
      .execute();
    for (const { key, job_id: jobId, name, engine, spec, waited_for: hasFrameDependents } of rows) {
      const info = { key, jobId, name, engine, spec, hasFrameDependents, messageBytes: messageBytes(spec) };
      found.set(key, info);
      this.#keep(info);
    }
    return found;
  }

  /** Keeps the steps of a job that was just written, so that they need not be read to dispatch them. */
  remember(jobId: string, steps: readonly Omit<StepInfo, 'jobId' | 'messageBytes'>[]): void {
    for (const { key, name, engine, spec, hasFrameDependents } of steps)
      this.#keep({ key, jobId, name, engine, spec, hasFrameDependents, messageBytes: messageBytes(spec) });
  }

  #keep(info: StepInfo): void {
    this.#known.set(info.key, info);
    this.#bytes += info.messageBytes;
    for (const [key, oldest] of this.#known) {
      if (this.#known.size <= KEPT_STEPS && this.#bytes <= KEPT_BYTES) break;
      this.#known.delete(key);
      this.#bytes -= oldest.messageBytes;
    }
  }
}

function messageBytes(spec: StepSpec): number {
  return Buffer.byteLength(
    JSON.stringify([spec.scene, spec.inputs, spec.data, spec.settings, spec.output, spec.quality]),
  );
}
