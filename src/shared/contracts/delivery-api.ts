import { z } from 'zod';
import { isFrameSelection } from '../domain/frame-ranges.ts';
import { idSchema } from './job-document.ts';

/** HTTP bodies about taking results away: manifests, targets and deliveries to them. */

/** One accepted file of a job. */
export const resultFileSchema = z.object({
  /** The name that people see: the same in downloads, zips and deliveries. */
  name: z.string(),
  bytes: z.number(),
  sha256: z.string(),
  step: z.string(),
  frame: z.int(),
  output: z.string(),
  worker: z.string().nullable(),
  engine: z.string(),
  engineVersion: z.string().nullable(),
  /** What its engine was run by: `<id>@<version>` of the farm's store, or `<id>@<digest>` of the worker's own definition. */
  definition: z.string().nullable(),
  /** That the frame took to render. */
  seconds: z.number().nullable(),
  /** What the quality gate said of the frame; null: it was not asked. */
  verdict: z.string().nullable(),
});
export type ResultFileEntry = z.infer<typeof resultFileSchema>;

/** `GET /api/jobs/:id/manifest`, and `manifest.json` beside delivered files. Written file by file; `count` and `bytes` come last. */
export const jobManifestSchema = z.object({
  version: z.literal(1),
  job: z.object({
    id: z.string(),
    name: z.string(),
    project: z.string(),
    labels: z.record(z.string(), z.string()),
    state: z.string(),
  }),
  /** When it was begun to be written. */
  at: z.string(),
  files: z.array(resultFileSchema),
  count: z.int(),
  bytes: z.number(),
});
export type JobManifest = z.infer<typeof jobManifestSchema>;

/** `GET /api/jobs/:id/results/check`: whether the storage has what the ledger says, of one page of frames. */
export const storedCheckSchema = z.object({
  /** Files that were looked at. */
  files: z.int(),
  /** Those that are gone, or of another size. */
  wrong: z.array(
    z.object({
      name: z.string(),
      step: z.string(),
      frame: z.int(),
      output: z.string(),
      bytes: z.number(),
      /** Null: there is no object. */
      storedBytes: z.number().nullable(),
    }),
  ),
  next: z.string().nullable(),
});
export type StoredCheck = z.infer<typeof storedCheckSchema>;

const bucketSchema = z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of a bucket');

/** A place in a bucket: parts with `/` between them, none of them empty, `.` or `..`. */
export const prefixSchema = z
  .string()
  .max(512)
  .refine(
    (text) =>
      text === '' ||
      (text.isWellFormed() &&
        !/[\u0000-\u001f\u007f]/.test(text) &&
        text.split('/').every((part) => part !== '' && part !== '.' && part !== '..')),
    'parts with "/" between them, none of them empty, "." or ".."',
  );

/** `PUT /api/targets/:name`: a place outside of the farm, and the key that opens it. The secret is never given out again. */
export const targetBodySchema = z.strictObject({
  endpoint: z.url({
    protocol: /^https?$/,
    error: 'an http(s) URL such as https://s3.eu-central-1.amazonaws.com',
  }),
  region: z.string().min(1).max(64).default('us-east-1'),
  bucket: bucketSchema,
  /** Nothing is written outside of it. */
  prefix: prefixSchema.default(''),
  accessKeyId: z.string().min(1).max(200),
  secretAccessKey: z.string().min(1).max(500),
  /** Also an endpoint in a private network or on this machine, and http. */
  allowPrivate: z.boolean().default(false),
  by: z.string().min(1).max(100).optional(),
});
export type TargetBody = z.infer<typeof targetBodySchema>;

export const targetSchema = targetBodySchema
  .omit({ secretAccessKey: true, by: true })
  .extend({ name: z.string(), createdBy: z.string(), createdAt: z.string() });
export type Target = z.infer<typeof targetSchema>;
/** `GET /api/targets` */
export const targetsSchema = z.object({ targets: z.array(targetSchema) });

/** `POST /api/jobs/:id/deliveries` */
export const deliveryBodySchema = z.strictObject({
  /** `s3://bucket/prefix`; a target of the farm has to lead there. */
  to: z.string().min(1).max(700),
  /** Where several targets lead there: which. */
  target: idSchema.optional(),
  endpoint: z.string().min(1).max(500).optional(),
  step: idSchema.optional(),
  output: idSchema.optional(),
  frames: z
    .string()
    .min(1)
    .max(10_000)
    .refine(isFrameSelection, 'a frame range such as 1-100, 1-100x2 or 7,12-14, of at most 200 pieces')
    .optional(),
  /** Names the files, instead of what the job says. */
  pattern: z.string().min(1).max(200).optional(),
  by: z.string().min(1).max(100).optional(),
  /** Say what it would copy, and copy nothing. */
  dryRun: z.boolean().optional(),
});
export type DeliveryBody = z.infer<typeof deliveryBodySchema>;

export const DELIVERY_STATES = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

export const deliverySchema = z.object({
  /** Null for one that was only asked about. */
  id: z.string().nullable(),
  job: z.string(),
  target: z.string(),
  /** `s3://bucket/prefix` */
  to: z.string(),
  state: z.enum(DELIVERY_STATES),
  files: z.object({
    total: z.int(),
    /** At their place, with the right size and checksum. */
    done: z.int(),
    /** Of these: they were there already. */
    kept: z.int(),
    failed: z.int(),
  }),
  bytes: z.object({ total: z.number(), done: z.number() }),
  /** Why it stands still, waits or failed. */
  error: z.string().nullable(),
  /** The first files that could not be copied. */
  failures: z.array(z.object({ name: z.string(), message: z.string() })),
  createdBy: z.string(),
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
});
export type Delivery = z.infer<typeof deliverySchema>;
/** `GET /api/jobs/:id/deliveries`: newest first. */
export const deliveriesSchema = z.object({ deliveries: z.array(deliverySchema) });
