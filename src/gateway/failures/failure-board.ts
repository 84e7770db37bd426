import type { FailureDetails, FailureGroup, Failures } from '../../shared/contracts/failure-api.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { adviceFor } from '../../shared/domain/failure-advice.ts';
import { formatFrames } from '../../shared/domain/frame-ranges.ts';
import type { FailedAttempts, FailureFilter, FailureQueries } from '../ledger/failure-queries.ts';
import type { LogReader } from '../storage/log-reader.ts';
import { groupFailures, type CountedGroup } from './group-failures.ts';
import { matchingLine, type LogExcerpt } from './matching-line.ts';

const TOP = 3;
const MOST_ROWS = 30;
const MOST_PLACES = 50;
const LONGEST_MESSAGE = 2_000;

/** Failures as people look at them: by reason, with whose fault it seems, and what helps. */
export class FailureBoard {
  readonly #queries: FailureQueries;
  readonly #logs: LogReader;

  constructor(queries: FailureQueries, logs: LogReader) {
    this.#queries = queries;
    this.#logs = logs;
  }

  async list(filter: FailureFilter, limit: number): Promise<Failures> {
    const found = await this.#queries.attempts(filter);
    const groups = groupFailures(found.attempts);
    return {
      ...spanOf(found),
      groups: await this.#told(groups.slice(0, limit)),
      hiddenGroups: Math.max(0, groups.length - limit),
    };
  }

  /** @throws FarmError `not-found` where nothing failed for this reason within the time. */
  async details(id: string, filter: FailureFilter): Promise<FailureDetails> {
    const found = await this.#queries.attempts({ ...filter, fingerprint: id });
    const [counted] = groupFailures(found.attempts);
    const [group] = counted === undefined ? [] : await this.#told([counted]);
    if (counted === undefined || group === undefined)
      throw new FarmError(
        'not-found',
        `Nothing failed for the reason ${id} in this time. Ask for a longer time.`,
      );
    const jobs = counted.jobs.slice(0, MOST_ROWS);
    const [names, log] = await Promise.all([
      this.#queries.jobNames(jobs.map((job) => job.id)),
      this.#excerpt(group),
    ]);
    return {
      ...spanOf(found),
      group,
      byWorker: counted.workers.slice(0, MOST_ROWS),
      byJob: jobs.map((job) => ({ ...job, name: names.get(job.id) ?? job.id })),
      places: await this.#places(counted),
      log,
    };
  }

  async #told(groups: readonly CountedGroup[]): Promise<FailureGroup[]> {
    const samples = await this.#queries.samples(groups.map(({ newest }) => newest.id));
    const tops = groups.flatMap(({ jobs }) => jobs.slice(0, TOP).map(({ id }) => id));
    const names = await this.#queries.jobNames([...new Set(tops)]);
    return groups.flatMap((group) => {
      const sample = samples.get(group.newest.id);
      if (!sample) return []; // its job was erased meanwhile
      const { kind, message, step } = sample;
      const counts = { attempts: group.attempts, jobs: group.jobs.length, workers: group.workers.length };
      const { id: attempt, job, worker, frame } = group.newest;
      return {
        id: group.fingerprint,
        kind,
        ...adviceFor({ kind, message, ...counts, worker: group.workers[0]?.id ?? worker }),
        message: message.slice(0, LONGEST_MESSAGE),
        ...counts,
        frames: group.frames,
        firstAt: group.firstAt.toISOString(),
        lastAt: group.lastAt.toISOString(),
        times: group.times,
        topJobs: group.jobs.slice(0, TOP).map(({ id }) => ({ id, name: names.get(id) ?? id })),
        topWorkers: group.workers.slice(0, TOP).map(({ id }) => id),
        sample: { attempt, job, step, frame, worker },
      };
    });
  }

  /** Frames count where the attempt that they failed in is one of the group's. */
  async #places({ steps, ids }: CountedGroup): Promise<FailureDetails['places']> {
    const places = await this.#queries.places(steps.slice(0, MOST_PLACES).map(({ id }) => id));
    return places.map(({ frames, ...place }) => {
      const failed = frames.filter(({ attempt }) => attempt !== null && ids.has(attempt));
      return { ...place, frames: formatFrames(failed.map(({ number }) => number)), failed: failed.length };
    });
  }

  async #excerpt({ sample, message }: FailureGroup): Promise<LogExcerpt | null> {
    try {
      const { text } = await this.#logs.tail(sample.attempt);
      return matchingLine(text, message);
    } catch {
      return null; // the storage is away, or the log is gone: the message itself says enough
    }
  }
}

function spanOf({ now, from, considered, truncated }: FailedAttempts) {
  return { now: now.toISOString(), from: from.toISOString(), considered, truncated };
}
