import { describeEngine, engineIds } from '../../shared/engines/engine-catalogue.ts';
import { SINGLE_STEP, type JobDocument, type OutputSettings } from '../../shared/contracts/job-document.ts';
import { newId } from '../../shared/domain/new-id.ts';
import { parseFrameRange } from '../../shared/domain/frame-ranges.ts';
import { encodeStep } from '../support/encode-step.ts';
import { UsageError } from '../support/exit-codes.ts';
import type { JsonObject } from './params.ts';

/** The flags of `submit` that shape the job. */
export interface SubmitFlags {
  engine?: string;
  frames?: string;
  name?: string;
  project?: string;
  priority?: number;
  param?: readonly string[];
  data?: string;
  chunk?: 'auto' | 'sequential' | number;
  /** A preset's name. */
  encode?: string;
  key?: string;
  upload?: boolean;
  scene?: string;
}

/** What was found out about the work, from the scene or template and the flags. */
export interface Work {
  /** Used when no `--name` was given. */
  name: string;
  engine: string;
  /** As the job document names it. */
  scene: string;
  frames: string;
  fps?: number;
  data?: JsonObject;
  settings?: JsonObject;
  output?: OutputSettings;
  /** Shared storage that its workers must have, beside that of the scene. */
  roots?: readonly string[];
}

const ENCODE_STEP = 'encode';

/**
 * The job document of one scene or template. Without `--key` it gets an id of its own, so that sending it again after a
 * lost answer does not make a second job.
 */
export function buildDocument(work: Work, flags: SubmitFlags): JobDocument {
  const step = {
    engine: work.engine,
    scene: work.scene,
    frames: work.frames,
    ...(work.roots === undefined || work.roots.length === 0 ? {} : { requires: { roots: [...work.roots] } }),
    ...(flags.chunk === undefined ? {} : { chunk: flags.chunk }),
    ...(isEmpty(work.data) ? {} : { data: work.data as NonNullable<JobDocument['data']> }),
    ...(isEmpty(work.settings) ? {} : { settings: work.settings as NonNullable<JobDocument['settings']> }),
    ...(work.output === undefined ? {} : { output: work.output }),
  };
  const head = {
    version: 1 as const,
    ...(flags.key === undefined ? { id: newId('j') } : { idempotencyKey: flags.key }),
    name: flags.name ?? work.name,
    ...(flags.project === undefined ? {} : { project: flags.project }),
    ...(flags.priority === undefined ? {} : { priority: flags.priority }),
  };
  if (flags.encode === undefined) return { ...head, ...step };
  const encode = encodeStep(ENCODE_STEP, flags.encode, { step: SINGLE_STEP }, { fps: work.fps });
  return { ...head, steps: [{ name: SINGLE_STEP, ...step }, encode] };
}

/** Checks the engine's name, and that it renders scenes. @throws UsageError */
export function assertSceneEngine(engine: string): void {
  const description = describeEngine(engine);
  if (description === undefined)
    throw new UsageError(
      `There is no engine ${JSON.stringify(engine)}; expected one of: ${engineIds().join(', ')}.`,
      {
        issues: [{ path: 'engine', value: JSON.stringify(engine), expected: engineIds().join(', ') }],
      },
    );
  if (description.scene === 'none')
    throw new UsageError(
      `The engine ${engine} renders no scene file. Describe its step in a job document (docs/protocols.md).`,
    );
}

/**
 * Checks a `--frames` and says how it was understood.
 * @throws FarmError `invalid` with the part that is wrong.
 */
export function understoodFrames(frames: string): { text: string; count: number } {
  const { text, count } = parseFrameRange(frames);
  return { text, count };
}

function isEmpty(value: JsonObject | undefined): boolean {
  return value === undefined || Object.keys(value).length === 0;
}
