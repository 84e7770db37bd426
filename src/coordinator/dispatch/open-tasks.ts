import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import type { CutTask } from '../ledger/cut-tasks.ts';
import type { Needs, TaskView } from '../planning/snapshot.ts';
import type { OpenSteps, StepFacts } from './open-steps.ts';

/** After so long a worker that was told to give its rest back, and did not, is told again. */
const TOLD_FOR_MS = 10_000;

/** A task that is queued or running, as the ledger has it. */
export interface OpenTaskRow {
  key: string;
  step_key: string;
  job_id: string;
  engine: string;
  lane: string;
  group_id: string | null;
  slots: number;
  gpus: number;
  reserved_worker: string | null;
  state: 'queued' | 'running';
  worker: string | null;
  attempt: string | null;
  frames: number;
  first: number;
  last: number;
  age_ms: number;
}

/** What became of a task, as a batch of statuses has it. */
export interface TaskTurn {
  key: string;
  state: 'running' | 'ended';
  worker: string;
  attempt: string;
}

/** One open task; a view of it that is always of now. */
export class OpenTask implements TaskView {
  readonly row: OpenTaskRow;
  readonly #facts: (stepKey: string) => StepFacts | undefined;
  readonly #knownSince = performance.now();
  #since: number;
  #index = 0;
  #toldAt = -Infinity;

  constructor(row: OpenTaskRow, facts: (stepKey: string) => StepFacts | undefined) {
    this.row = row;
    this.#facts = facts;
    this.#since = performance.now() - row.age_ms;
  }

  get key(): string {
    return this.row.key;
  }
  get stepKey(): string {
    return this.row.step_key;
  }
  get jobId(): string {
    return this.row.job_id;
  }
  get engine(): string {
    return this.row.engine;
  }
  get slots(): number {
    return this.row.slots;
  }
  get state(): 'queued' | 'running' {
    return this.row.state;
  }
  get group(): string {
    return this.row.group_id ?? '';
  }
  get worker(): string | null {
    return this.row.state === 'running' ? this.row.worker : this.row.reserved_worker;
  }
  get project(): string {
    return this.#facts(this.row.step_key)?.project ?? '';
  }
  get owner(): string {
    return this.#facts(this.row.step_key)?.owner ?? '';
  }
  get priority(): number {
    return this.#facts(this.row.step_key)?.priority ?? 0;
  }
  get licences(): readonly string[] {
    return this.#facts(this.row.step_key)?.licences ?? [];
  }
  /** Its own pace as soon as it has one: a slow worker is not measured by the fast ones. */
  get secondsPerFrame(): number | null {
    if (this.row.state === 'running' && this.#index > 0) return this.ageMs / 1_000 / this.#index;
    return this.#facts(this.row.step_key)?.secondsPerFrame ?? null;
  }
  get needs(): Needs | null {
    return this.#facts(this.row.step_key)?.needs ?? null;
  }
  get jobLimit(): number | null {
    return this.#facts(this.row.step_key)?.jobLimit ?? null;
  }
  get preempt(): boolean {
    return this.#facts(this.row.step_key)?.preempt ?? false;
  }
  get adaptive(): boolean {
    return this.#facts(this.row.step_key)?.chunk === 'auto';
  }
  get framesLeft(): number {
    return Math.max(1, this.row.frames - this.#index);
  }
  get ageMs(): number {
    return performance.now() - this.#since;
  }
  /** Since this process knows of it. */
  get knownForMs(): number {
    return performance.now() - this.#knownSince;
  }
  get releasing(): boolean {
    return performance.now() - this.#toldAt < TOLD_FOR_MS;
  }

  turn(worker: string, attempt: string): void {
    if (this.row.attempt === attempt) return;
    Object.assign(this.row, { state: 'running', worker, attempt });
    this.#since = performance.now();
    this.#index = 0;
  }

  /** Its worker says which frame it has come to. Frames are taken to be evenly spaced, which most are. */
  comeTo(frame: number): void {
    const { first, last, frames } = this.row;
    if (frames < 2 || first === last) return;
    const index = Math.round(((frame - first) / (last - first)) * (frames - 1));
    this.#index = Math.min(frames - 1, Math.max(this.#index, index));
  }

  told(): void {
    this.#toldAt = performance.now();
  }
}

/**
 * Tasks that are queued or running, kept by what the leader cuts and hears. Reading those of a job again replaces what is
 * known of it, except what was heard while the ledger was being asked: that is newer.
 */
export class OpenTasks {
  readonly #tasks = new Map<string, OpenTask>();
  readonly #byJob = new Map<string, Set<OpenTask>>();
  readonly #byAttempt = new Map<string, OpenTask>();
  readonly #steps: OpenSteps;
  #heard: Map<string, TaskTurn> | undefined;

  constructor(steps: OpenSteps) {
    this.#steps = steps;
  }

  get(key: string): OpenTask | undefined {
    return this.#tasks.get(key);
  }

  all(): OpenTask[] {
    return [...this.#tasks.values()];
  }

  countOf(jobId: string): number {
    return this.#byJob.get(jobId)?.size ?? 0;
  }

  /** Jobs that have another number of open tasks in the ledger than are known here. */
  missed(counts: ReadonlyMap<string, number>): Set<string> {
    const jobs = new Set([...counts.keys(), ...this.#byJob.keys()]);
    return new Set([...jobs].filter((jobId) => this.countOf(jobId) !== (counts.get(jobId) ?? 0)));
  }

  cut(task: CutTask, group: string): void {
    const { frames } = task;
    this.#add({
      key: task.key,
      step_key: task.step_key,
      job_id: task.job_id,
      engine: task.engine,
      lane: task.lane,
      group_id: group,
      slots: task.slots,
      gpus: task.gpus,
      reserved_worker: task.reserved_worker,
      state: 'queued',
      worker: null,
      attempt: null,
      frames: frames.length,
      first: frames[0] ?? 0,
      last: frames.at(-1) ?? 0,
      age_ms: 0,
    });
  }

  /**
   * A task was started or has ended.
   * @returns the task, unless it is not known.
   */
  turn(turn: TaskTurn): OpenTask | undefined {
    this.#heard?.set(turn.key, turn);
    const task = this.#tasks.get(turn.key);
    if (!task) return undefined;
    if (turn.state === 'ended') this.#remove(task);
    else {
      if (task.row.attempt !== null) this.#byAttempt.delete(task.row.attempt);
      task.turn(turn.worker, turn.attempt);
      this.#byAttempt.set(turn.attempt, task);
    }
    return task;
  }

  ended(keys: readonly string[]): void {
    for (const key of keys) this.turn({ key, state: 'ended', worker: '', attempt: '' });
  }

  /** A worker says which frames it has come to. */
  heard(attempts: readonly { attempt: string; frame: number | null }[]): void {
    for (const { attempt, frame } of attempts)
      if (frame !== null) this.#byAttempt.get(attempt)?.comeTo(frame);
  }

  /** Reads the open tasks of jobs anew. Not while another reading is under way. */
  async read(ledger: Ledger, jobIds: readonly string[]): Promise<void> {
    const heard = new Map<string, TaskTurn>();
    this.#heard = heard;
    try {
      const rows = await readOpenTasks(ledger, jobIds);
      const found = new Set(rows.map((row) => row.key));
      for (const jobId of jobIds)
        for (const task of this.#byJob.get(jobId) ?? []) if (!found.has(task.key)) this.#remove(task);
      for (const row of rows) this.#merge(row);
    } finally {
      this.#heard = undefined;
    }
    for (const turn of heard.values()) this.turn(turn);
  }

  clear(): void {
    this.#tasks.clear();
    this.#byJob.clear();
    this.#byAttempt.clear();
  }

  #merge(row: OpenTaskRow): void {
    const known = this.#tasks.get(row.key);
    if (known?.row.state === row.state && known.row.attempt === row.attempt) return;
    if (known) this.#remove(known);
    this.#add(row);
  }

  #add(row: OpenTaskRow): void {
    const task = new OpenTask(row, (stepKey) => this.#steps.facts(stepKey));
    this.#tasks.set(row.key, task);
    const ofJob = this.#byJob.get(row.job_id);
    if (ofJob) ofJob.add(task);
    else this.#byJob.set(row.job_id, new Set([task]));
    if (row.attempt !== null) this.#byAttempt.set(row.attempt, task);
  }

  #remove(task: OpenTask): void {
    this.#tasks.delete(task.key);
    if (task.row.attempt !== null) this.#byAttempt.delete(task.row.attempt);
    const ofJob = this.#byJob.get(task.jobId);
    ofJob?.delete(task);
    if (ofJob?.size === 0) this.#byJob.delete(task.jobId);
  }
}

async function readOpenTasks(ledger: Ledger, jobIds: readonly string[]): Promise<OpenTaskRow[]> {
  const { rows } = await sql<OpenTaskRow>`/* prepared */
    SELECT t.key, t.step_key, t.job_id, t.engine, t.lane, l.group_id, t.slots, t.gpus, t.reserved_worker, t.state, t.worker,
      t.attempt, cardinality(t.frames) AS frames, t.frames[1] AS first, t.frames[cardinality(t.frames)] AS last,
      (EXTRACT(epoch FROM now() - COALESCE(t.started_at, t.published_at)) * 1000)::float8 AS age_ms
    FROM tasks t LEFT JOIN lanes l ON l.id = t.lane
    WHERE t.job_id = ANY(${[...jobIds]}) AND t.state IN ('queued', 'running')`.execute(ledger);
  return rows;
}
