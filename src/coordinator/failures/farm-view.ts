import { memoryClass } from '../../shared/domain/worker-groups.ts';
import { abilityOf } from '../dispatch/worker-facts.ts';
import type { WorkerRegistry } from '../dispatch/worker-registry.ts';
import type { BatchFarm } from '../ledger/plan-batch.ts';
import type { StepInfo } from '../ledger/step-info.ts';
import { fits } from '../planning/fitting.ts';

/** What deciding on failures needs to know of workers. */
export class FarmView implements BatchFarm {
  readonly #registry: WorkerRegistry;
  /** Workers of which failures are remembered in the ledger, as far as is known here. */
  #troubled = new Set<string>();

  constructor(registry: WorkerRegistry) {
    this.#registry = registry;
  }

  isHeld(worker: string, attempt: string): boolean {
    return this.#registry.heldAttempt(worker, attempt) !== undefined;
  }

  memoryOf(worker: string, slots: number): number | null {
    const heartbeat = this.#registry.get(worker)?.heartbeat;
    return heartbeat === undefined ? null : memoryClass(heartbeat) * slots;
  }

  largestMemory(engine: string): number | null {
    const sizes = this.#registry
      .all()
      .filter(({ heartbeat }) => heartbeat.engines.some(({ id }) => id === engine))
      .map(({ heartbeat }) => memoryClass(heartbeat) * heartbeat.slots);
    return sizes.length === 0 ? null : Math.max(...sizes);
  }

  /**
   * Workers that take work now and could be given tasks of the step: by what planning goes by.
   * @param engineVersion with which the step is rendered; null: none was taken yet.
   */
  able(
    { engine, spec: { requires } }: Pick<StepInfo, 'engine' | 'spec'>,
    engineVersion: string | null,
  ): string[] {
    const { engineVersion: versionRange, ...others } = requires;
    const needs = { engine, engineVersion, versionRange, ...others, roots: requires.roots ?? [] };
    return this.#registry
      .takingWork()
      .filter(({ heartbeat }) => fits(needs, abilityOf(heartbeat)))
      .map(({ heartbeat }) => heartbeat.workerId);
  }

  /** Workers of which failures are remembered: those that rendered something since are cleared of them. */
  setTroubled(workers: Iterable<string>): void {
    this.#troubled = new Set(workers);
  }

  addTroubled(workers: Iterable<string>): void {
    for (const worker of workers) this.#troubled.add(worker);
  }

  /** @returns those of these workers of which failures are remembered: they have rendered a frame now. */
  troubledAmong(workers: readonly string[]): string[] {
    if (this.#troubled.size === 0) return [];
    return [...new Set(workers)].filter((worker) => this.#troubled.has(worker));
  }

  /** Whether others take work of an engine that this worker has, too. */
  isReplaceable(worker: string): boolean {
    const engines = this.#registry.get(worker)?.heartbeat.engines.map(({ id }) => id) ?? [];
    return engines.every((engine) =>
      this.#registry
        .takingWork()
        .some(
          ({ heartbeat }) =>
            heartbeat.workerId !== worker && heartbeat.engines.some(({ id }) => id === engine),
        ),
    );
  }
}
