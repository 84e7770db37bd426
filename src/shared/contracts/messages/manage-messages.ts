import { z } from 'zod';
import { idSchema } from '../job-document.ts';
import { rootPrefixesSchema } from '../storage-roots.ts';
import { RETENTION_SUBJECTS, retentionDaysSchema } from '../retention.ts';
import { definitionText } from './engine-messages.ts';

const name = z.string().min(1).max(100);

/** What running frames are counted by: `licence` is a pool that steps name, the others are what a job or step has. */
export const LIMIT_KINDS = ['project', 'owner', 'engine', 'licence'] as const;
export type LimitKind = (typeof LIMIT_KINDS)[number];

const workers = { workers: z.array(idSchema).min(1).max(10_000) };

/** Body of a request on `manage`: what wranglers set for workers and for the whole farm. Answered after the commit. */
export const manageRequestSchema = z.intersection(
  z.object({
    version: z.literal(1).optional(),
    /** Asked twice, it is done once. */
    requestId: idSchema,
    by: z.string().min(1).max(100).optional(),
    dryRun: z.boolean().optional(),
  }),
  z.discriminatedUnion('verb', [
    /** Takes no further tasks, finishes those in hand. */
    z.object({ verb: z.literal('worker-pause'), ...workers, reason: z.string().max(500).optional() }),
    /** Ends a pause, a give-back, or a quarantine. */
    z.object({ verb: z.literal('worker-resume'), ...workers }),
    /** Finishes what it has and ends its process. */
    z.object({ verb: z.literal('worker-drain'), ...workers }),
    /** Its owner has it back within 10 s; it stays away until resumed, or until its timetable begins next. */
    z.object({ verb: z.literal('worker-give-back'), ...workers, reason: z.string().max(500).optional() }),
    /** null: as the worker's own settings say. */
    z.object({ verb: z.literal('worker-timetable'), ...workers, timetable: z.string().max(200).nullable() }),
    /** Frames that may run at once; null takes the limit away. */
    z.object({
      verb: z.literal('limit'),
      kind: z.enum(LIMIT_KINDS),
      name,
      running: z.int().min(0).max(1_000_000).nullable(),
    }),
    /** Share within a priority level, against others of the same kind; 1 without one. */
    z.object({
      verb: z.literal('share'),
      kind: z.enum(['project', 'owner']),
      name,
      weight: z.number().min(0.01).max(1_000),
    }),
    /** Slots that a project gets first, of workers with a tag (`*`: of all); others borrow them while it has nothing to do. */
    z.object({
      verb: z.literal('guarantee'),
      project: name,
      pool: z.union([z.literal('*'), idSchema]),
      slots: z.int().min(0).max(1_000_000),
    }),
    /** Version range of an engine for jobs that do not say; of a project, or of the farm. */
    z.object({
      verb: z.literal('engine-version'),
      engine: idSchema,
      project: name.nullable(),
      range: z.string().max(100).nullable(),
    }),
    /** For how long something is kept; null: as if nobody had said. Of a project, or of the farm. */
    z.object({
      verb: z.literal('retention'),
      what: z.enum(RETENTION_SUBJECTS),
      project: name.nullable(),
      days: retentionDaysSchema.nullable(),
    }),
    /** A definition of an engine, in YAML: the next version of the engine that its `id` names. */
    z.object({ verb: z.literal('put-engine'), engine: idSchema, text: definitionText }),
    /** Storage that workers mount: a new root, or other prefixes of one that is there. At least one prefix. */
    z.object({ verb: z.literal('put-root'), root: idSchema, ...rootPrefixesSchema.shape }),
    /** `force`: although jobs need it, which then wait for ever. */
    z.object({ verb: z.literal('remove-root'), root: idSchema, force: z.boolean().optional() }),
    /** No worker renders with it any more; one of the same id that workers came with is there again. */
    z.object({ verb: z.literal('remove-engine'), engine: idSchema }),
  ]),
);
export type ManageRequest = z.infer<typeof manageRequestSchema>;

export const manageReplySchema = z.strictObject({
  ok: z.boolean(),
  message: z.string(),
  /** It was a question: nothing has changed. */
  dryRun: z.boolean().optional(),
  /** Of a refusal: what kind of one, and what is wrong with the request. */
  code: z.enum(['invalid', 'not-found', 'conflict', 'unavailable']).optional(),
  errors: z.array(z.strictObject({ path: z.string(), value: z.string(), expected: z.string() })).optional(),
});
export type ManageReply = z.infer<typeof manageReplySchema>;
