import { z } from 'zod';
import { workerSchema } from './api.ts';
import { idSchema } from './job-document.ts';
import { rootBodyPrefixes } from './storage-roots.ts';
import { definitionText, LIMIT_KINDS, whyReplySchema, workerOrdersSchema } from './messages.ts';

/** HTTP bodies of what wranglers see and set. */

/** What can be asked of a worker: `POST /api/workers/:id/<verb>`. */
export const WORKER_VERBS = ['pause', 'resume', 'drain', 'give-back', 'timetable'] as const;
export type WorkerVerb = (typeof WORKER_VERBS)[number];

const asked = {
  /** Asked twice, it is done once. */
  requestId: idSchema.optional(),
  by: z.string().min(1).max(100).optional(),
  /** Say what it would do, and do nothing. */
  dryRun: z.boolean().optional(),
};

export const workerVerbBodySchema = z.strictObject({
  ...asked,
  /** `pause`, `give-back`: for those who wonder. */
  reason: z.string().min(1).max(500).optional(),
  /** `timetable`: the new one; null: as the worker's own settings say. */
  timetable: z.string().min(1).max(200).nullable().optional(),
});
export type WorkerVerbBody = z.infer<typeof workerVerbBodySchema>;

/** `POST /api/workers/control`: one verb for several workers. */
export const workersControlBodySchema = workerVerbBodySchema.extend({
  verb: z.enum(WORKER_VERBS),
  ids: z.array(idSchema).min(1).max(10_000),
});

/** `PUT /api/limits/:kind/:name`. */
export const limitBodySchema = z.strictObject({ ...asked, running: z.int().min(0).max(1_000_000) });
/** `PUT /api/shares/:kind/:name`. */
export const shareBodySchema = z.strictObject({ ...asked, weight: z.number().min(0.01).max(1_000) });
/** `PUT /api/guarantees/:project/:pool`. */
export const guaranteeBodySchema = z.strictObject({ ...asked, slots: z.int().min(1).max(1_000_000) });
/** `PUT /api/engine-versions/:engine`. */
export const engineVersionBodySchema = z.strictObject({ ...asked, range: z.string().min(1).max(100) });
/** `PUT /api/engines/:id`: a definition in YAML, whose `id` is the same. */
export const engineBodySchema = z.strictObject({ ...asked, text: definitionText });
/** `PUT /api/roots/:name`. */
export const rootBodySchema = z.strictObject({ ...asked, ...rootBodyPrefixes });
/** `DELETE /api/roots/:name`; `force`: although jobs need it. */
export const removeRootBodySchema = z.strictObject({ ...asked, force: z.boolean().optional() });
/** Every `DELETE` of these. */
export const removeBodySchema = z.strictObject(asked);

export const manageAnswerSchema = z.object({
  requestId: z.string(),
  ok: z.boolean(),
  message: z.string(),
  /** Nothing has changed: it was only asked what would happen. */
  dryRun: z.boolean().optional(),
});
export type ManageAnswer = z.infer<typeof manageAnswerSchema>;

/** `GET /api/workers/:id`: the worker, and what the farm has told it. */
export const workerDetailsSchema = workerSchema.extend({ orders: workerOrdersSchema });
export type WorkerDetails = z.infer<typeof workerDetailsSchema>;

/** `GET /api/workers/:id/events`: who did what with it, newest first. */
export const workerEventsSchema = z.object({
  events: z.array(z.object({ verb: z.string(), actor: z.string(), message: z.string(), at: z.string() })),
  next: z.string().nullable(),
});
export type WorkerEvents = z.infer<typeof workerEventsSchema>;

const limitSchema = z.object({
  kind: z.enum(LIMIT_KINDS),
  name: z.string(),
  /** Frames that may run at once. */
  running: z.int(),
  /** Tasks that count against it now. */
  inUse: z.int(),
  /** Less for a while: there was no licence left. */
  lowered: z.object({ to: z.int(), until: z.string() }).nullable(),
});
export type Limit = z.infer<typeof limitSchema>;
export const limitsSchema = z.object({ limits: z.array(limitSchema) });

const shareSchema = z.object({ kind: z.enum(['project', 'owner']), name: z.string(), weight: z.number() });
export type Share = z.infer<typeof shareSchema>;
export const sharesSchema = z.object({ shares: z.array(shareSchema) });

const guaranteeSchema = z.object({ project: z.string(), pool: z.string(), slots: z.int() });
export type Guarantee = z.infer<typeof guaranteeSchema>;
export const guaranteesSchema = z.object({ guarantees: z.array(guaranteeSchema) });

const engineVersionSchema = z.object({
  engine: z.string(),
  /** null: of the whole farm. */
  project: z.string().nullable(),
  range: z.string(),
});
export type EngineVersion = z.infer<typeof engineVersionSchema>;
export const engineVersionsSchema = z.object({ engineVersions: z.array(engineVersionSchema) });

/** `GET /api/jobs/:id/why`: what keeps its frames from running. */
export const whySchema = whyReplySchema.options[0];
export type Why = z.infer<typeof whySchema>;
