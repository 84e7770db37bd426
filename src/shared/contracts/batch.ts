import { z } from 'zod';
import { JOB_STATES } from '../domain/states.ts';
import { NAME_PATTERN_RULE, isNamePattern } from '../domain/row-name.ts';
import { chunkSchema, idSchema, jobDocumentSchema } from './job-document.ts';

/** One row of a batch, as a line of JSON. */
export const MAX_ROW_BYTES = 262_144;
/** Refused rows that are kept with their errors; more are only counted. */
export const MAX_KEPT_REFUSALS = 1_000;
/** Jobs are called `<batch>-<row>`, and that is an id, too. */
const MAX_BATCH_ID = 48;

const fields = jobDocumentSchema.shape;

/** `template:<name>[@version]`, or without the first word. */
const templateSchema = z
  .string()
  .regex(/^(template:)?[A-Za-z0-9][A-Za-z0-9_-]{0,63}(@[0-9]{1,9})?$/, '"<name>" or "<name>@<version>"');

const namePatternSchema = z.string().min(1).max(200).refine(isNamePattern, NAME_PATTERN_RULE);

const rowsSchema = z
  .string()
  .max(1_200)
  .regex(/^asset:[0-9a-f]{64}\/.+$/, '"asset:<sha256>/<path>" of a file of JSON lines');

/**
 * Many rows of data for one template, as somebody asks for them: each good row becomes a job. `rows` is a file of JSON
 * lines: an object a line, whose keys are the template's parameters or stand in `namePattern`. A key `$line` says where the
 * row stood in the file that it was made from, `$problem` why it cannot be used.
 */
export const batchDocumentSchema = z.strictObject({
  version: z.literal(1),
  id: idSchema.max(MAX_BATCH_ID).optional(),
  name: fields.name,
  template: templateSchema,
  rows: rowsSchema,
  /** What each job is called: `{column}`, `{row}` and literal text. Default: the batch's name and the row. */
  namePattern: namePatternSchema.optional(),
  /** Any bad row refuses the whole batch, before anything is rendered. */
  strict: z.boolean().optional(),
  owner: fields.owner,
  project: fields.project,
  labels: fields.labels,
  priority: fields.priority,
  idempotencyKey: fields.idempotencyKey,
  notBefore: fields.notBefore,
  /** Default: the template's. */
  frames: fields.frames,
  output: fields.output,
  chunk: chunkSchema.optional(),
  requires: fields.requires,
  /** Also make a video of each row's frames: a preset of the encoder, such as `h264`, or a format. */
  encode: z.string().min(1).max(16).optional(),
});
export type BatchDocument = z.infer<typeof batchDocumentSchema>;

/** `checking`: a strict batch before its first job. `expanding`: rows become jobs. `expanded`: all have. */
export const BATCH_STATES = [
  'checking',
  'expanding',
  'expanded',
  'refused',
  'cancelling',
  'cancelled',
] as const;
export type BatchState = (typeof BATCH_STATES)[number];

export const batchSummarySchema = z.object({
  id: idSchema,
  name: z.string(),
  owner: z.string(),
  project: z.string(),
  /** `<name>@<version>`: one version for all rows. */
  template: z.string(),
  /** The format of the video that is made of each row's frames; null: none. */
  encode: z.string().nullable(),
  state: z.enum(BATCH_STATES),
  /** Why it was refused, or what keeps it from going on. */
  error: z.string().nullable(),
  rows: z.object({
    /** Null until the file has been read to its end. */
    total: z.int().nullable(),
    accepted: z.int(),
    refused: z.int(),
  }),
  /** Its jobs by state. */
  jobs: z.partialRecord(z.enum(JOB_STATES), z.int()),
  /** All rows are taken and all jobs have ended. */
  ended: z.boolean(),
  createdAt: z.string(),
});
export type BatchSummary = z.infer<typeof batchSummarySchema>;

const issueSchema = z.object({
  /** JSON pointer into the row: `/title`; empty for the whole. */
  path: z.string(),
  value: z.string(),
  expected: z.string(),
});

export const refusedRowSchema = z.object({
  row: z.int(),
  /** Where it stood in the file that the rows were made from. */
  line: z.int(),
  errors: z.array(issueSchema),
});
export type RefusedRow = z.infer<typeof refusedRowSchema>;

/** `GET /api/batches/:id`: with the first rows that were refused, by row. */
export const batchSchema = batchSummarySchema.extend({ refused: z.array(refusedRowSchema) });
export type Batch = z.infer<typeof batchSchema>;
/** `GET /api/batches`: newest first. */
export const batchesPageSchema = z.object({
  batches: z.array(batchSummarySchema),
  next: z.string().nullable(),
});
export type BatchesPage = z.infer<typeof batchesPageSchema>;
/** What came of a row. */
export const rowResultSchema = z.object({
  row: z.int(),
  /** Its job's name; empty for a refused row. */
  name: z.string(),
  state: z.enum([...JOB_STATES, 'refused']),
  /** Null for a refused row. */
  jobId: z.string().nullable(),
  /** Frames, pictures and videos that are done. */
  files: z.int(),
  error: z.string().nullable(),
});
export type RowResult = z.infer<typeof rowResultSchema>;
/** `GET /api/batches/:id/results`: by row; of refused rows those that were kept. */
export const rowResultsPageSchema = z.object({
  rows: z.array(rowResultSchema),
  next: z.string().nullable(),
});
export type RowResultsPage = z.infer<typeof rowResultsPageSchema>;
export const batchSubmissionSchema = z.object({ batch: batchSummarySchema, existing: z.boolean() });
export type BatchSubmission = z.infer<typeof batchSubmissionSchema>;

/** A request on `jobs.batch`. */
export const batchRequestSchema = z.discriminatedUnion('verb', [
  z.strictObject({ verb: z.literal('submit'), document: batchDocumentSchema }),
  z.strictObject({ verb: z.literal('cancel'), id: idSchema, by: z.string().min(1).max(100).optional() }),
]);
export type BatchRequest = z.infer<typeof batchRequestSchema>;

/** Reply to a request on `jobs.batch`, once the ledger has what was asked for. */
export const batchReplySchema = z.union([
  batchSubmissionSchema,
  z.strictObject({
    code: z.enum(['invalid', 'conflict', 'not-found', 'too-large', 'unavailable']),
    message: z.string(),
    errors: z.array(z.strictObject({ path: z.string(), value: z.string(), expected: z.string() })),
  }),
]);
export type BatchReply = z.infer<typeof batchReplySchema>;
