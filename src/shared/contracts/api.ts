import { z } from 'zod';
import { MAX_QUERY_LENGTH } from '../domain/job-query/job-query.ts';
import { FRAME_STATES, JOB_STATES } from '../domain/states.ts';
import {
  DEFINITION_STATUS,
  JOB_VERBS,
  controlFiguresSchema,
  heartbeatSchema,
  jobControlSchema,
  jobSummarySchema,
  workerPauseSchema,
} from './messages.ts';
import { idSchema } from './job-document.ts';
import { findingSchema, qualityPolicySchema, VERDICTS } from './quality.ts';

export * from './asset-api.ts';
export * from './preview-api.ts';

/** HTTP bodies. Lists come in pages: `next` is the cursor of the following page, or null. Errors are RFC 9457 documents. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  errors: z.array(z.object({ path: z.string(), value: z.string(), expected: z.string() })).optional(),
});
export type Problem = z.infer<typeof problemSchema>;

/** `GET /api/jobs`: a page may hold fewer jobs than asked for although there is a next one: so many were looked at for it. */
export const jobsPageSchema = z.object({
  jobs: z.array(jobSummarySchema),
  next: z.string().nullable(),
  /** Not all jobs were looked at and sorted: these are the newest so many of those that match. Absent where all were. */
  sortedAmong: z.int().optional(),
});
export type JobsPage = z.infer<typeof jobsPageSchema>;

export const frameSchema = z.object({
  step: z.string(),
  frame: z.int(),
  state: z.enum(FRAME_STATES),
  generation: z.int(),
  /** Failed attempts of this generation, plus one once a result was accepted. */
  attempt: z.int(),
  worker: z.string().nullable(),
  seconds: z.number().nullable(),
  peakMemoryBytes: z.number().nullable(),
  bytes: z.number().nullable(),
  sha256: z.string().nullable(),
  key: z.string().nullable(),
  outputs: z.array(z.object({ name: z.string(), bytes: z.number(), sha256: z.string(), key: z.string() })),
  warnings: z.array(z.string()),
  error: z.string().nullable(),
  /** What its checks say of it; null: nothing was looked at. */
  verdict: z.enum(VERDICTS).nullable(),
  findings: z.array(findingSchema),
  /**
   * What its engine was run by, in the attempt that made it or failed last: `<id>@<version>` of the farm's store, or
   * `<id>@<digest>` of the worker's own definition.
   */
  definition: z.string().nullable(),
});
export type Frame = z.infer<typeof frameSchema>;
export const framesPageSchema = z.object({ frames: z.array(frameSchema), next: z.string().nullable() });
export type FramesPage = z.infer<typeof framesPageSchema>;

/** `GET /api/jobs/:id/results`: files to take home, with links that hold for five minutes. */
export const resultsPageSchema = z.object({
  files: z.array(
    z.object({
      step: z.string(),
      frame: z.int(),
      output: z.string(),
      name: z.string(),
      bytes: z.number(),
      sha256: z.string(),
      url: z.string(),
    }),
  ),
  next: z.string().nullable(),
});
export type ResultsPage = z.infer<typeof resultsPageSchema>;

/** `POST /api/jobs/:id/<verb>`: the fields that the verb takes. Without `by` it is recorded as asked by the page or a program. */
export const controlBodySchema = jobControlSchema
  .omit({ version: true, verb: true })
  .extend({ requestId: idSchema.optional() });
export type ControlBody = z.infer<typeof controlBodySchema>;
export const controlReplySchema = z.object({
  requestId: z.string(),
  ok: z.boolean(),
  message: z.string(),
  /** Nothing has changed: it was only asked what would happen. */
  dryRun: z.boolean().optional(),
  /** False when the job was as wanted already. */
  changed: z.boolean().optional(),
  figures: controlFiguresSchema.optional(),
  /** `resubmit`: the new job. */
  jobId: z.string().optional(),
});
export type ControlReply = z.infer<typeof controlReplySchema>;

export const MAX_CONTROLLED_JOBS = 1_000;
/** `POST /api/jobs/control`: one verb for several jobs, named by `ids` or found by `filter`. */
export const controlManyBodySchema = controlBodySchema.extend({
  verb: z.enum(JOB_VERBS),
  ids: z.array(idSchema).min(1).max(MAX_CONTROLLED_JOBS).optional(),
  filter: z
    .strictObject({
      state: z.array(z.enum(JOB_STATES)).min(1).optional(),
      owner: z.string().min(1).max(100).optional(),
      project: z.string().min(1).max(100).optional(),
      /** Looked for in id, name, owner and project. */
      q: z.string().min(1).max(200).optional(),
      endedBefore: z.iso.datetime({ offset: true }).optional(),
      /** Jobs in the bin instead of the others. */
      bin: z.boolean().optional(),
      /** As in the page's field: `state:failed owner:ana frames>100`. */
      query: z.string().min(1).max(MAX_QUERY_LENGTH).optional(),
    })
    .optional(),
});
export type ControlManyBody = z.infer<typeof controlManyBodySchema>;
export const controlManyReplySchema = controlReplySchema.omit({ jobId: true, changed: true }).extend({
  /** What came of it for each job. */
  jobs: z.array(
    z.object({
      id: z.string(),
      ok: z.boolean(),
      /** False when the request is stored and its outcome was not told in time. */
      told: z.boolean(),
      changed: z.boolean(),
      message: z.string(),
      jobId: z.string().optional(),
    }),
  ),
});
export type ControlManyReply = z.infer<typeof controlManyReplySchema>;

/** `GET /api/jobs/:id/notes`: what people wrote about it, newest first. */
export const notesSchema = z.object({
  notes: z.array(z.object({ author: z.string(), text: z.string(), at: z.string() })),
  next: z.string().nullable(),
});
export type Notes = z.infer<typeof notesSchema>;

export const workerSchema = z.object({
  id: z.string(),
  pid: z.int(),
  host: z.string(),
  lanes: z.array(z.string()),
  state: z.enum(['idle', 'busy', 'paused', 'draining', 'stopping', 'lost', 'offline']),
  /** Why it takes no tasks although it is there. */
  pause: workerPauseSchema.nullable(),
  slots: z.int(),
  cores: z.int(),
  platform: z.string(),
  gpus: heartbeatSchema.shape.gpus.unwrap(),
  /** When it may work, by its own clock, where the farm has said so. */
  timetable: z.string().nullable(),
  /** Where it stands, and words that its operator gave it: jobs can ask for them. */
  site: z.string().nullable(),
  tags: z.array(z.string()),
  /** Shared storage that it has mounted. */
  roots: z.array(z.string()),
  engines: z.array(z.object({ id: z.string(), version: z.string(), features: z.array(z.string()) })),
  rendering: heartbeatSchema.shape.attempts,
  load: z.number(),
  memoryBytes: z.number(),
  freeMemoryBytes: z.number(),
  /** What its copies of scenes take on its disk. */
  cacheBytes: z.number(),
  /** Since its process began: tasks that found their scene loaded in a session, and those that had to load it. */
  sessions: z.object({ warm: z.int(), cold: z.int() }),
  problems: z.array(z.string()),
  seenAt: z.string(),
});
export type Worker = z.infer<typeof workerSchema>;
export const workersSchema = z.object({ workers: z.array(workerSchema) });

/** `GET /api/engines`: what the workers that are here can render with. */
export const enginesSchema = z.object({
  engines: z.array(
    z.object({
      id: z.string(),
      label: z.string(),
      versions: z.array(z.object({ version: z.string(), workers: z.int() })),
      workers: z.int(),
      slots: z.int(),
      /** Whether it was run here, only its recorded logs were understood, or it is known from documentation alone. */
      status: z.enum(DEFINITION_STATUS).nullable(),
      licence: z.string().nullable(),
      /** `<id>@<version>` of the farm's store, `<id>@<digest>` of the installation's own; null: only workers know it. */
      definition: z.string().nullable(),
      /** Who gave it to the farm; null: it comes with the installation. */
      given: z.object({ by: z.string(), at: z.string() }).nullable(),
    }),
  ),
  /** Files of a coordinator's folder of definitions that cannot be used; what was there before stays. */
  problems: z.array(z.object({ file: z.string(), message: z.string() })),
});
export type Engines = z.infer<typeof enginesSchema>;

/** `GET /api/engines/:id`: what a job can say to an engine, as forms need it. */
export const engineFormSchema = z.object({
  id: z.string(),
  label: z.string(),
  status: z.enum(DEFINITION_STATUS),
  scene: z.string(),
  /** The first is taken where a job asks for none. */
  formats: z.array(z.string()),
  /** JSON Schema 2020-12 of `settings`. */
  settings: z.record(z.string(), z.json()),
  /** JSON Schema of `data`; null: whatever the scene takes. */
  data: z.record(z.string(), z.json()).nullable(),
});
export type EngineForm = z.infer<typeof engineFormSchema>;

/** `GET /api/farm` */
export const farmSchema = z.object({
  name: z.string(),
  version: z.string(),
  /** The page's address, as the one who asks reached it. */
  dashboard: z.string(),
});
export type Farm = z.infer<typeof farmSchema>;

/** `POST /api/session`: turns the farm's token into the page's cookie. */
export const sessionRequestSchema = z.strictObject({ token: z.string().min(1).max(1_024) });

export const templateRequestSchema = z.strictObject({
  name: idSchema,
  label: z.string().min(1).max(200),
  engine: idSchema,
  asset: z.string().regex(/^[0-9a-f]{64}$/),
  scenePath: z.string().min(1).max(1_024),
  /** A picture among its files: PNG, JPEG or WebP. */
  preview: z
    .string()
    .max(1_024)
    .regex(/\.(png|jpe?g|webp)$/i, 'a picture: .png, .jpg or .webp')
    .optional(),
  /** Must be the next one. The same content under the newest number is what is there already. */
  version: z.int().min(1).max(999_999_999).optional(),
  schema: z.record(z.string(), z.json()),
  slots: z.record(
    z.string().min(1).max(64),
    z.strictObject({ kind: z.enum(['text', 'colour', 'number']), slot: z.string().min(1).max(200) }),
  ),
  defaults: z.strictObject({
    frames: z.string().optional(),
    output: z
      .strictObject({
        format: z.string().optional(),
        width: z.int().optional(),
        height: z.int().optional(),
        fps: z.number().optional(),
      })
      .optional(),
    settings: z.record(z.string(), z.json()).optional(),
    /** How results are judged where a job does not say. */
    quality: qualityPolicySchema.optional(),
  }),
});
export type TemplateRequest = z.infer<typeof templateRequestSchema>;
export const templateSchema = templateRequestSchema.extend({ version: z.int(), createdAt: z.string() });
export type Template = z.infer<typeof templateSchema>;
/** `GET /api/templates/:name/versions`: newest first. */
export const templateVersionsSchema = z.object({
  name: z.string(),
  versions: z.array(
    templateSchema.pick({ version: true, label: true, engine: true, asset: true, createdAt: true }),
  ),
  /** The version below which the next page begins; null: this was the last. */
  next: z.int().nullable(),
});
export type TemplateVersions = z.infer<typeof templateVersionsSchema>;
/** `GET /api/templates`: the newest version of each. */
export const templatesSchema = z.object({ templates: z.array(templateSchema) });

/** `GET /api/jobs/:id/logs?attempt=&offset=`: one attempt's log, a piece at a time. Without `attempt`, the attempts, newest first. */
export const attemptSchema = z.object({
  id: z.string(),
  taskId: z.string(),
  step: z.string(),
  frames: z.string(),
  worker: z.string(),
  outcome: z.string().nullable(),
  class: z.string().nullable(),
  error: z.string().nullable(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
});
export type Attempt = z.infer<typeof attemptSchema>;
export const attemptsSchema = z.object({ attempts: z.array(attemptSchema), next: z.string().nullable() });
export type Attempts = z.infer<typeof attemptsSchema>;
export const logReplySchema = z.object({
  attempt: z.string(),
  /** Where `text` begins: the offset asked for, or later where earlier bytes are no longer kept. Bytes of UTF-8. */
  offset: z.int(),
  text: z.string(),
  nextOffset: z.int(),
  /** Lines that end before `text`; null while that is not known: the attempt runs. */
  line: z.int().nullable(),
  ended: z.boolean(),
});
export type LogReply = z.infer<typeof logReplySchema>;

/** `GET /api/jobs/:id/history`: who did what, newest first. */
export const historySchema = z.object({
  events: z.array(
    z.object({
      kind: z.string(),
      actor: z.string(),
      message: z.string(),
      /** False when it was refused. */
      ok: z.boolean(),
      at: z.string(),
    }),
  ),
  next: z.string().nullable(),
});
export type History = z.infer<typeof historySchema>;

export const healthSchema = z.object({ ok: z.boolean(), checks: z.record(z.string(), z.string()) });
