import type { SceneRef } from '../../shared/contracts/messages.ts';
import type { StepSpec } from '../../shared/database/schema.ts';
import type { InputSource, JobDocument, RequiresDocument } from '../../shared/contracts/job-document.ts';
import type { QualityPolicy } from '../../shared/contracts/quality.ts';

/** What a step waits for: another step of the job, or a step (null: all) of another job. */
export type DraftDependency = {
  /** Where it stands in the document. */
  path: string;
  kind: 'all' | 'frame';
  offset: number;
  window: number;
} & ({ step: string } | { job: string; stepOfJob: string | null });

/** A step as the document has it, with what is the same for both forms of a job. */
export interface DraftStep {
  name: string;
  /** Where its fields stand in the document: `steps[2].` or nothing. */
  path: string;
  engine: string;
  scene: string | undefined;
  frames: string | undefined;
  /** Named in `dependsOn` or `inputs`, each once. */
  dependsOn: string[];
  dependencies: DraftDependency[];
  inputs: Record<string, InputSource>;
  requires: RequiresDocument | undefined;
  licences: string[];
  chunk: 'auto' | 'sequential' | number | undefined;
  targetSeconds: number | undefined;
  maxAttempts: number | undefined;
  timeouts: StepSpec['timeouts'] | undefined;
  data: Record<string, unknown> | undefined;
  settings: Record<string, unknown> | undefined;
  output: JobDocument['output'];
  quality: QualityPolicy | undefined;
}

/** What a scene reference and a template's defaults add to a step. */
export interface ResolvedScene {
  /** The template is not known, and so neither are the defaults: what the job leaves out may be right. */
  unknownTemplate?: boolean;
  scene: SceneRef | null;
  /** Engine's slot name → value. */
  data: Record<string, unknown>;
  defaults: {
    frames?: string;
    output?: NonNullable<JobDocument['output']>;
    settings?: Record<string, unknown>;
    quality?: QualityPolicy;
  };
}

/** A step that can be written to the ledger. */
export interface PlannedStep {
  name: string;
  engine: string;
  dependsOn: string[];
  dependencies: DraftDependency[];
  /** Exact; null: no worker offers it now, and the first that does decides. */
  engineVersion: string | null;
  frameTotal: number;
  chunk: 'auto' | 'sequential' | number;
  targetSeconds: number;
  spec: StepSpec;
}

/** A job that has passed every check. */
export interface PlannedJob {
  document: JobDocument;
  documentSha256: string;
  /** Jobs that it waits for as a whole. */
  waitsForJobs: string[];
  /** In an order in which each step comes after what it depends on. */
  steps: (PlannedStep & { position: number })[];
}
