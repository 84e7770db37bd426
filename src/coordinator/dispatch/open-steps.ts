import type { StepRequirements } from '../../shared/database/schema.ts';
import type { StepInfo } from '../ledger/step-info.ts';
import { MAX_CHUNK } from '../planning/chunk-size.ts';
import type { Needs, StepView } from '../planning/snapshot.ts';
import type { GlancedStep, OpenStepRow, SpecialFrames } from './read-open-steps.ts';
import { sceneMark } from '../../shared/domain/asset-mark.ts';

/** What a frame takes in a task message, and what a message may take in all (NATS's default limit is 1 MiB). */
const FRAME_BYTES = 48;
const MESSAGE_BYTES = 1_040_000;

/** What a step's tasks are planned by, also when none of its frames is ready. */
export interface StepFacts {
  key: string;
  jobId: string;
  engine: string;
  project: string;
  owner: string;
  priority: number;
  licences: readonly string[];
  secondsPerFrame: number | null;
  jobLimit: number | null;
  preempt: boolean;
  chunk: StepView['chunk'];
  needs: Needs;
}

/** What never changes of a step, as far as planning looks at it. */
interface FixedFacts {
  requires: StepRequirements;
  licences: readonly string[];
  asset: string | null;
  maxFrames: number;
}

/** The facts with what a glance at the ledger is compared with. */
type SeenFacts = StepFacts & { mark: string; ready: number };

interface OpenJob {
  facts: SeenFacts[];
  views: StepView[];
  fixed: ReadonlyMap<string, FixedFacts>;
}

/**
 * The steps of open jobs as the leader last read them. A round of dispatch costs what changed since the last one, not
 * what waits: only jobs of which something was heard are read again.
 */
export class OpenSteps {
  readonly #jobs = new Map<string, OpenJob>();
  readonly #facts = new Map<string, SeenFacts>();
  /** When a job is to be read again because something of it may begin, by the process's clock. */
  readonly #due = new Map<string, number>();
  #views: StepView[] | undefined;

  /** Steps with frames that may be cut now. */
  views(): readonly StepView[] {
    this.#views ??= [...this.#jobs.values()].flatMap((job) => job.views);
    return this.#views;
  }

  facts(stepKey: string): StepFacts | undefined {
    return this.#facts.get(stepKey);
  }

  /** Jobs of which the ledger has something else than is known here. */
  missed(glanced: readonly GlancedStep[]): Set<string> {
    const unseen = new Map(this.#facts);
    const missed = new Set<string>();
    for (const { key, job_id, ready, mark } of glanced) {
      const facts = unseen.get(key);
      unseen.delete(key);
      if (facts?.ready !== ready || facts.mark !== mark) missed.add(job_id);
    }
    for (const { jobId } of unseen.values()) missed.add(jobId);
    return missed;
  }

  /** Jobs of which something may begin now that could not before. */
  takeDue(nowMs: number): string[] {
    const due = [...this.#due].filter(([, at]) => at <= nowMs).map(([jobId]) => jobId);
    for (const jobId of due) this.#due.delete(jobId);
    return due;
  }

  /** Keys of steps whose unchanging parts are not known yet. */
  unknown(rows: readonly OpenStepRow[]): string[] {
    return rows.filter((row) => !this.#jobs.get(row.job_id)?.fixed.has(row.key)).map((row) => row.key);
  }

  /** Replaces what is known of these jobs. Those without a row have nothing open. */
  replace(
    jobIds: readonly string[],
    rows: readonly OpenStepRow[],
    infos: ReadonlyMap<string, StepInfo>,
    nowMs: number,
  ): void {
    const byJob = new Map<string, OpenStepRow[]>();
    for (const row of rows) {
      const known = byJob.get(row.job_id);
      if (known) known.push(row);
      else byJob.set(row.job_id, [row]);
    }
    for (const jobId of jobIds) this.#replaceJob(jobId, byJob.get(jobId) ?? [], infos, nowMs);
    this.#views = undefined;
  }

  /** Frames were cut: what is left, without asking the ledger. */
  taken(cut: {
    stepKey: string;
    variantMemoryBytes: number | null;
    avoid?: string;
    frames: number;
    engineVersion: string;
  }): void {
    const facts = this.#facts.get(cut.stepKey);
    const job = facts && this.#jobs.get(facts.jobId);
    if (!job) return;
    facts.ready -= cut.frames;
    job.views = job.views.flatMap((view) => {
      if (view.key !== cut.stepKey) return [view];
      const same = view.variantMemoryBytes === cut.variantMemoryBytes && view.needs.avoid === cut.avoid;
      const frames = same ? cut.frames : 0;
      if (frames >= view.ready) return [];
      const needs = { ...view.needs, engineVersion: cut.engineVersion };
      return [
        { ...view, needs, ready: view.ready - frames, previewReady: Math.max(0, view.previewReady - frames) },
      ];
    });
    this.#views = undefined;
  }

  clear(): void {
    this.#jobs.clear();
    this.#facts.clear();
    this.#due.clear();
    this.#views = undefined;
  }

  #replaceJob(
    jobId: string,
    rows: readonly OpenStepRow[],
    infos: ReadonlyMap<string, StepInfo>,
    nowMs: number,
  ): void {
    const before = this.#jobs.get(jobId);
    for (const facts of before?.facts ?? []) this.#facts.delete(facts.key);
    this.#due.delete(jobId);
    if (rows.length === 0) {
      this.#jobs.delete(jobId);
      return;
    }
    const job: OpenJob = { facts: [], views: [], fixed: new Map() };
    const fixed = new Map<string, FixedFacts>();
    for (const row of rows) {
      const info = infos.get(row.key);
      const parts = before?.fixed.get(row.key) ?? (info && fixedFacts(info));
      if (!parts) continue;
      fixed.set(row.key, parts);
      const facts = factsOf(row, parts);
      job.facts.push(facts);
      this.#facts.set(row.key, facts);
      if (row.open && row.due_ms === null) job.views.push(...viewsOf(row, facts, parts));
      if (row.open) this.#noteDue(row, nowMs);
    }
    this.#jobs.set(jobId, { ...job, fixed });
  }

  #noteDue(row: OpenStepRow, nowMs: number): void {
    const waits = [row.due_ms, ...(row.special ?? []).map((pile) => pile.due_ms)].filter((ms) => ms !== null);
    if (waits.length === 0) return;
    const at = nowMs + Math.min(...waits) + 1;
    this.#due.set(row.job_id, Math.min(at, this.#due.get(row.job_id) ?? Infinity));
  }
}

function fixedFacts({ spec, messageBytes }: StepInfo): FixedFacts {
  const fitting = Math.floor((MESSAGE_BYTES - messageBytes) / FRAME_BYTES);
  return {
    requires: spec.requires,
    licences: spec.licences,
    asset: spec.scene ? sceneMark(spec.scene) : null,
    maxFrames: Math.max(1, Math.min(MAX_CHUNK, fitting)),
  };
}

const factsOf = (row: OpenStepRow, fixed: FixedFacts): SeenFacts => ({
  mark: row.mark,
  ready: row.ready,
  key: row.key,
  jobId: row.job_id,
  engine: row.engine,
  project: row.project,
  owner: row.owner,
  priority: row.priority,
  licences: fixed.licences,
  secondsPerFrame: row.done > 0 ? row.seconds_done / row.done : null,
  jobLimit: row.limit_running,
  preempt: row.preempt,
  chunk: row.chunk === 'auto' || row.chunk === 'sequential' ? row.chunk : Number(row.chunk),
  needs: needsOf(row, fixed.requires),
});

const needsOf = (row: OpenStepRow, requires: StepRequirements): Needs => ({
  engine: row.engine,
  engineVersion: row.engine_version,
  versionRange: requires.engineVersion,
  cores: requires.cores,
  memoryBytes: requires.memoryBytes,
  gpus: requires.gpus,
  tags: requires.tags,
  site: requires.site,
  preferSite: requires.preferSite,
  roots: requires.roots ?? [],
});

/** A step as planning sees it: once, and once more for each demand for memory beyond its own and each worker to avoid. */
function viewsOf(row: OpenStepRow, facts: StepFacts, fixed: FixedFacts): StepView[] {
  const piles = row.special ?? [];
  const isCommon = (pile: SpecialFrames): boolean => pile.memory_bytes === null && pile.avoid_worker === null;
  const apart = piles.filter((pile) => !isCommon(pile));
  const waiting = piles.find(isCommon)?.later ?? 0;
  const common = row.ready - waiting - apart.reduce((sum, pile) => sum + pile.frames, 0);
  return [
    ...(common > 0 ? [viewOf(row, facts, fixed, COMMON, common)] : []),
    ...apart
      .filter((pile) => pile.frames > pile.later)
      .map((pile) => viewOf(row, facts, fixed, pile, pile.frames - pile.later)),
  ];
}

/** Frames that are for every worker. */
const COMMON = { memory_bytes: null, avoid_worker: null };

function viewOf(
  row: OpenStepRow,
  facts: StepFacts,
  { asset, maxFrames, licences }: FixedFacts,
  { memory_bytes: memoryBytes, avoid_worker: avoid }: Pick<SpecialFrames, 'memory_bytes' | 'avoid_worker'>,
  ready: number,
): StepView {
  const bigger = memoryBytes === null ? facts.needs : { ...facts.needs, memoryBytes };
  const needs = avoid === null ? bigger : { ...bigger, avoid };
  return {
    key: row.key,
    jobId: row.job_id,
    name: row.name,
    project: row.project,
    owner: row.owner,
    priority: row.priority,
    submittedAtMs: row.submitted_at.getTime(),
    position: row.position,
    ready,
    previewReady: needs === facts.needs ? Math.min(ready, row.preview_ready) : 0,
    secondsPerFrame: facts.secondsPerFrame,
    targetSeconds: row.target_seconds,
    chunk: facts.chunk,
    maxFrames,
    needs,
    variantMemoryBytes: memoryBytes,
    asset,
    licences,
    jobLimit: facts.jobLimit,
    preempt: facts.preempt,
  };
}
