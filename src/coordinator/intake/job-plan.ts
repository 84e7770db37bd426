import type { SceneRef } from '../../shared/contracts/messages.ts';
import type { StepSpec } from '../../shared/database/schema.ts';
import type { JobDocument } from '../../shared/contracts/job-document.ts';

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
  inputs: Record<string, { step: string }>;
  chunk: 'auto' | 'sequential' | number | undefined;
  targetSeconds: number | undefined;
  maxAttempts: number | undefined;
  timeouts: StepSpec['timeouts'] | undefined;
  data: Record<string, unknown> | undefined;
  settings: Record<string, unknown> | undefined;
  output: JobDocument['output'];
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
  };
}

/** A step that can be written to the ledger. */
export interface PlannedStep {
  name: string;
  engine: string;
  dependsOn: string[];
  frameTotal: number;
  chunk: 'auto' | 'sequential' | number;
  targetSeconds: number;
  spec: StepSpec;
}

/** A job that has passed every check. */
export interface PlannedJob {
  document: JobDocument;
  documentSha256: string;
  /** In an order in which each step comes after what it depends on. */
  steps: (PlannedStep & { position: number })[];
}
