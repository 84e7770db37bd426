import { z } from 'zod';
import { idSchema } from './job-document.ts';

/**
 * What is kept for a time: jobs by how they ended, the bin, results of attempts that no frame points to, assets that nothing
 * points to, and templates' old versions.
 */
export const RETENTION_SUBJECTS = [
  'completed',
  'failed',
  'cancelled',
  'bin',
  'attempts',
  'assets',
  'templates',
] as const;
export type RetentionSubject = (typeof RETENTION_SUBJECTS)[number];

/** These can be set for a project; the others are the whole farm's. */
export const OF_PROJECTS: readonly RetentionSubject[] = ['completed', 'failed', 'cancelled', 'bin'];

/** Days where nothing was set; null: for ever. */
export const DEFAULT_DAYS: Readonly<Record<RetentionSubject, number | null>> = {
  completed: null,
  failed: null,
  cancelled: null,
  bin: 14,
  attempts: 1,
  assets: 30,
  templates: null,
};

export const retentionDaysSchema = z.union([z.literal('forever'), z.int().min(1).max(36_500)]);

/** `PUT /api/retention/:what`. */
export const retentionBodySchema = z.strictObject({
  requestId: idSchema.optional(),
  by: z.string().min(1).max(100).optional(),
  dryRun: z.boolean().optional(),
  days: retentionDaysSchema,
});

const retentionRuleSchema = z.object({
  what: z.enum(RETENTION_SUBJECTS),
  /** null: of the whole farm. */
  project: z.string().nullable(),
  days: retentionDaysSchema,
  /** False: nobody has set it, it is so from the beginning. */
  set: z.boolean(),
});
export type RetentionRule = z.infer<typeof retentionRuleSchema>;
export const retentionSchema = z.object({ rules: z.array(retentionRuleSchema) });

/** What the storage used can be grouped by. */
export const STORAGE_GROUPS = ['project', 'owner', 'job', 'template'] as const;
export type StorageGroup = (typeof STORAGE_GROUPS)[number];

const walkSchema = z.object({
  objects: z.int(),
  bytes: z.number(),
  /** What nobody can reach. */
  unreferenced: z.object({ objects: z.int(), bytes: z.number() }),
  removed: z.object({ objects: z.int(), bytes: z.number() }),
  /** Objects that are not the farm's, or that the ledger knows nothing of: they are left alone. */
  unknown: z.object({ objects: z.int(), bytes: z.number() }),
  errors: z.int(),
  /** The newest error, in words. */
  error: z.string().nullable(),
  /** When it was walked to its end. */
  at: z.string().nullable(),
});
export type StorageWalk = z.infer<typeof walkSchema>;

/** `GET /api/storage`: what ended jobs' results take, the most first, and what the bucket held when it was walked last. */
export const storageSchema = z.object({
  by: z.enum(STORAGE_GROUPS),
  groups: z.array(
    z.object({
      name: z.string(),
      jobs: z.int(),
      files: z.int(),
      bytes: z.number(),
      /** Of these, in the bin. */
      binBytes: z.number(),
    }),
  ),
  /** Of all groups, also of those that are not listed. */
  total: z.object({ jobs: z.int(), files: z.int(), bytes: z.number(), binBytes: z.number() }),
  /** `results`, `previews`, `assets`: whole walks of the bucket. */
  areas: z.record(z.string(), walkSchema),
});
export type Storage = z.infer<typeof storageSchema>;
