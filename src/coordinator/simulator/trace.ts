import { z } from 'zod';
import { LIMIT_KINDS } from '../../shared/contracts/messages.ts';
import { decodeJson, parseWith } from '../../shared/contracts/decode.ts';
import { BYTE_SIZE_RULE, parseByteSize } from '../../shared/domain/byte-sizes.ts';
import { isVersionRange } from '../../shared/domain/engine-versions.ts';
import { InvalidInputError, type InputIssue } from '../../shared/domain/errors.ts';
import { ID_RULE, isId } from '../../shared/domain/ids.ts';

const MAX_TRACE_BYTES = 64 * 1_048_576;

const id = z.string().refine(isId, ID_RULE);
const seconds = z.number().min(0).max(1e8);
const slots = z.int().min(0).max(1_000_000);
const chance = z.number().min(0).max(0.9);
const bytes = z
  .union([z.string(), z.number()])
  .transform((size) => parseByteSize(String(size)))
  .refine((size) => size !== undefined, BYTE_SIZE_RULE)
  .transform((size) => size);

const groupSchema = z.strictObject({
  name: id,
  /** Of all workers: so many parts. */
  share: z.number().positive().max(1_000).default(1),
  slots: z.int().min(1).max(1_024),
  coresPerSlot: z.number().positive().max(1_024).default(1),
  memoryPerSlot: bytes.default(4 * 2 ** 30),
  gpus: z.int().min(0).max(64).default(0),
  site: id.nullable().default(null),
  tags: z.array(id).max(64).default([]),
  engines: z.record(id, z.string()).refine((all) => Object.keys(all).length > 0, 'at least one engine'),
  /** Scenes that a worker keeps loaded, and those whose files it keeps. */
  warmScenes: z.int().min(0).max(1_000).default(3),
  cachedScenes: z.int().min(0).max(10_000).default(50),
});

const distributionSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('fixed'), seconds: seconds.positive() }),
  z.strictObject({ kind: z.literal('uniform'), from: seconds, to: seconds.positive() }),
  z.strictObject({ kind: z.literal('exponential'), mean: seconds.positive() }),
  /** `sigma` is that of the logarithm: 0.5 is a usual spread of frames, 1 a wild one. */
  z.strictObject({
    kind: z.literal('lognormal'),
    median: seconds.positive(),
    sigma: z.number().min(0).max(3),
  }),
]);

const requiresSchema = z
  .strictObject({
    engineVersion: z.string().refine(isVersionRange, 'a range of versions, such as ">=4.2 <5"').nullable(),
    cores: z.union([z.literal('all'), z.int().min(1)]).nullable(),
    memory: bytes.nullable(),
    gpus: z.int().min(0),
    tags: z.array(id),
    site: id.nullable(),
    preferSite: id.nullable(),
  })
  .partial();

const jobsSchema = z.strictObject({
  name: id,
  /** So many equal jobs. */
  count: z.int().min(1).max(100_000).default(1),
  project: id.default('default'),
  owner: id.default('anybody'),
  priority: z.int().min(0).max(100).default(50),
  firstAt: seconds.default(0),
  /** Seconds from one to the next: exactly, or on average with `random`. */
  every: seconds.default(0),
  random: z.boolean().default(false),
  frames: z.int().min(1).max(10_000_000),
  frameSeconds: distributionSchema,
  engine: id,
  requires: requiresSchema.default({}),
  /** Seconds until a worker has its files, and until the scene is loaded there; null: no scene. */
  scene: z
    .strictObject({ fetchSeconds: seconds.default(0), loadSeconds: seconds.default(0) })
    .nullable()
    .default(null),
  chunk: z.union([z.enum(['auto', 'sequential']), z.int().min(1).max(10_000)]).default('auto'),
  targetSeconds: seconds.positive().default(30),
  /** First frames that go before all others of the level. */
  previewFrames: z.int().min(0).max(100).default(0),
  preempt: z.boolean().default(false),
  limit: z.int().min(1).nullable().default(null),
  licences: z.array(id).max(16).default([]),
  /** Chance that an attempt at a frame fails, half way; a frame has three. */
  failureRate: chance.default(0),
});

const changeSchema = z.strictObject({ at: seconds, group: id, workers: z.int().min(1).max(100_000) });

const traceSchema = z.strictObject({
  version: z.literal(1),
  name: z.string().max(200).default(''),
  /** Workers at the start, unless the command says otherwise. */
  workers: z.int().min(1).max(100_000).default(10),
  seed: z.int().min(0).max(0xffff_ffff).default(1),
  groups: z.array(groupSchema).min(1).max(1_000),
  jobs: z.array(jobsSchema).min(1).max(100_000),
  joins: z.array(changeSchema).max(10_000).default([]),
  leaves: z.array(changeSchema).max(10_000).default([]),
  rules: z
    .strictObject({
      limits: z.array(z.strictObject({ kind: z.enum(LIMIT_KINDS), name: id, running: slots })).default([]),
      shares: z
        .array(
          z.strictObject({
            kind: z.enum(['project', 'owner']),
            name: id,
            weight: z.number().positive().max(1e6),
          }),
        )
        .default([]),
      guarantees: z
        .array(z.strictObject({ project: id, pool: z.union([z.literal('*'), id]), slots: slots.positive() }))
        .default([]),
    })
    .default({ limits: [], shares: [], guarantees: [] }),
});

export type Trace = z.infer<typeof traceSchema>;
export type TraceGroup = Trace['groups'][number];
export type TraceJobs = Trace['jobs'][number];
export type Distribution = z.infer<typeof distributionSchema>;

/**
 * Reads a trace: a farm and what is asked of it over time.
 * @throws FarmError `invalid` with each mistake, `too-large`
 */
export function readTrace(json: Uint8Array): Trace {
  const what = 'The trace';
  return checkedTrace(parseWith(traceSchema, decodeJson(json, { what, maxBytes: MAX_TRACE_BYTES }), what));
}

/** A trace from its plain form, as {@link readTrace} reads it. */
export function parseTrace(value: unknown): Trace {
  return checkedTrace(parseWith(traceSchema, value, 'The trace'));
}

function checkedTrace(trace: Trace): Trace {
  const names = trace.groups.map((group) => group.name);
  const issues: InputIssue[] = [];
  names.forEach((name, index) => {
    if (names.indexOf(name) < index)
      issues.push({ path: `groups[${index}].name`, value: name, expected: 'a name that no other group has' });
  });
  for (const field of ['joins', 'leaves'] as const)
    trace[field].forEach(({ group }, index) => {
      if (!names.includes(group))
        issues.push({
          path: `${field}[${index}].group`,
          value: group,
          expected: `one of ${names.join(', ')}`,
        });
    });
  const jobNames = trace.jobs.map((jobs) => jobs.name);
  const seen = new Set<string>();
  jobNames.forEach((name, index) => {
    if (seen.has(name))
      issues.push({ path: `jobs[${index}].name`, value: name, expected: 'a name of its own' });
    seen.add(name);
  });
  if (issues.length > 0) throw new InvalidInputError('The trace', issues);
  return trace;
}
