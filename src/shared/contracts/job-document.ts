import { z } from 'zod';
import { BYTE_SIZE_RULE, parseByteSize } from '../domain/byte-sizes.ts';
import { isVersionRange } from '../domain/engine-versions.ts';
import { ID_PATTERN, ID_RULE } from '../domain/ids.ts';
import { qualityPolicySchema } from './quality.ts';

export const MAX_DOCUMENT_BYTES = 1_000_000;
export const MAX_DOCUMENT_DEPTH = 64;
export const MAX_STEPS = 1_000;
export const DEFAULT_PRIORITY = 50;
export const DEFAULT_PROJECT = 'default';
export const DEFAULT_OWNER = 'anonymous';
export const DEFAULT_MAX_ATTEMPTS = 3;
export const DEFAULT_TARGET_SECONDS = 30;
export const DEFAULT_PATTERN = '{step}_{frame:04}.{ext}';
/** The name of the one step of a job that names its engine at the top. */
export const SINGLE_STEP = 'render';

/** Postgres takes fewer years and time zones than ISO 8601 has. */
function isUsualDate(text: string): boolean {
  const year = new Date(text).getUTCFullYear();
  return year >= 1970 && year <= 9999;
}

export const idSchema = z.string().regex(ID_PATTERN, ID_RULE);
/** A name that people read: any text on one line. */
const nameSchema = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'text without control characters');
const scopeSchema = nameSchema.max(100);

export const sceneSchema = z
  .string()
  .max(1_200)
  .regex(
    /^(asset:[0-9a-f]{64}\/.+|template:[A-Za-z0-9][A-Za-z0-9_-]{0,63}(@[0-9]{1,9})?|root:[A-Za-z0-9][A-Za-z0-9_-]{0,63}\/.+)$/,
    '"asset:<sha256>/<path>", "template:<name>[@version]" or "root:<name>/<path>"',
  );

const outputSchema = z.strictObject({
  format: z.string().min(1).max(16).optional(),
  width: z.int().min(1).max(65_536).optional(),
  height: z.int().min(1).max(65_536).optional(),
  fps: z.number().min(0.01).max(1_000).optional(),
  /** File names at download: `{job} {step} {output} {frame:04} {ext}` and literal text. */
  pattern: z.string().min(1).max(200).optional(),
});

const timeoutsSchema = z.strictObject({
  start: z.number().min(1).max(86_400).optional(),
  silence: z.number().min(1).max(86_400).optional(),
  frame: z.number().min(0.1).max(604_800).optional(),
});

/** What a worker must have to render a step. What is left out does not matter. */
const requiresSchema = z.strictObject({
  /** A range such as `>=4.2 <6` or `5.0.1`; resolved to one version when the job is taken. */
  engineVersion: z
    .string()
    .max(100)
    .refine(isVersionRange, 'a version or range such as ">=4.2", "5.x" or "3.4.1"')
    .optional(),
  /** Cores for each task; `all`: a whole machine. Default: one slot's. */
  cores: z
    .union([z.literal('all'), z.int().min(1).max(4_096)], { error: 'a whole number of cores, or "all"' })
    .optional(),
  /** Memory for each task. */
  memory: z
    .union([z.int().min(1).max(1e15), z.string().refine((text) => parseByteSize(text) !== undefined)], {
      error: BYTE_SIZE_RULE,
    })
    .optional(),
  gpus: z.int().min(0).max(64).optional(),
  /** Words that the worker's operator gave it; it must have them all. */
  tags: z.array(idSchema).max(32).optional(),
  /** Shared storage that it must have mounted; a scene on one asks for it by itself. */
  roots: z.array(idSchema).max(16).optional(),
  /** Only workers of this site. */
  site: idSchema.optional(),
  /** Workers of this site first, others while it is full. */
  preferSite: idSchema.optional(),
});

const frameOffset = z.int().min(-1_000_000).max(1_000_000);
/** `all`: everything of it must be done. `frame`: frame n waits for frames n+offset−window … n+offset+window. */
const dependencyKind = {
  kind: z.enum(['all', 'frame']).optional(),
  offset: frameOffset.optional(),
  window: z.int().min(0).max(10_000).optional(),
};
const jobDependencySchema = z.strictObject({ job: idSchema, step: idSchema.optional(), ...dependencyKind });
const dependencySchema = z.union(
  [idSchema, z.strictObject({ step: idSchema, ...dependencyKind }), jobDependencySchema],
  { error: 'a step\'s name, {"step": …} or {"job": …}' },
);

export const chunkSchema = z.union([z.literal('auto'), z.literal('sequential'), z.int().min(1).max(10_000)], {
  error: '"auto", "sequential" or a whole number of frames',
});
export const targetSecondsSchema = z.number().min(0.1).max(86_400);

const work = {
  requires: requiresSchema.optional(),
  /** Licence pools from which each task takes one. */
  licences: z.array(idSchema).max(16).optional(),
  chunk: chunkSchema.optional(),
  targetSeconds: targetSecondsSchema.optional(),
  maxAttempts: z.int().min(1).max(100).optional(),
  /** Seconds. */
  timeouts: timeoutsSchema.optional(),
  /** Values for a template's parameters; checked against its JSON Schema. */
  data: z.record(z.string(), z.json()).optional(),
  /** The engine's own settings; checked against the engine's schema. */
  settings: z.record(z.string(), z.json()).optional(),
  output: outputSchema.optional(),
  /** How results are judged before they are delivered. */
  quality: qualityPolicySchema.optional(),
};

/** Whose frames an input is: a step of this job, or of another one. */
export const inputSchema = z.strictObject({ job: idSchema.optional(), step: idSchema });
export type InputSource = z.infer<typeof inputSchema>;

const stepSchema = z.strictObject({
  name: idSchema,
  engine: z.string().min(1).max(64),
  scene: sceneSchema.optional(),
  frames: z.string().min(1).max(10_000).optional(),
  /** What must be done first: steps of this job, or other jobs. */
  dependsOn: z.array(dependencySchema).max(MAX_STEPS).optional(),
  /** Frames of another step, of this job or of another one, as an input of this step; implies the dependency. */
  inputs: z.record(idSchema, inputSchema).optional(),
  ...work,
});

/** A job as somebody asks for it. Strict: an unknown field is an error. What the words mean: docs/protocols.md. */
export const jobDocumentSchema = z.strictObject({
  version: z.literal(1),
  id: idSchema.optional(),
  name: nameSchema,
  owner: scopeSchema.optional(),
  project: scopeSchema.optional(),
  labels: z.record(z.string().min(1).max(64), z.string().max(200)).optional(),
  note: z.string().max(10_000).optional(),
  priority: z.int().min(0).max(100).optional(),
  idempotencyKey: z.string().min(1).max(200).optional(),
  /** ISO 8601 with a time zone; nothing of the job starts earlier. */
  notBefore: z.iso.datetime({ offset: true }).refine(isUsualDate, 'a time between 1970 and 9999').optional(),
  /** First, middle and last frame of each step before all others of the same priority. */
  preview: z.literal('first-middle-last').optional(),
  /** Work of lower priority makes room at its next frame. */
  preempt: z.boolean().optional(),
  limits: z.strictObject({ running: z.int().min(1).max(1_000_000).optional() }).optional(),
  /** Other jobs that must be done first. */
  dependsOn: z.array(jobDependencySchema).max(100).optional(),
  /** Webhooks that hear of this job, beside those of its project and of the farm. They are there already. */
  webhooks: z.array(idSchema).max(16).optional(),
  engine: z.string().min(1).max(64).optional(),
  scene: sceneSchema.optional(),
  frames: z.string().min(1).max(10_000).optional(),
  steps: z.array(stepSchema).min(1).max(MAX_STEPS).optional(),
  ...work,
});

export type JobDocument = z.infer<typeof jobDocumentSchema>;
export type StepDocument = z.infer<typeof stepSchema>;
export type OutputSettings = z.infer<typeof outputSchema>;
export type Timeouts = z.infer<typeof timeoutsSchema>;
export type RequiresDocument = z.infer<typeof requiresSchema>;
