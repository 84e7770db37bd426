import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { FarmError, describeValue, messageOf } from '../domain/errors.ts';
import { idSchema } from '../contracts/job-document.ts';
import { QUALITY_MODES } from '../contracts/quality.ts';
import { ROOT_OVERRIDES_RULE, parseRootOverrides } from '../domain/root-paths.ts';
import { TIMETABLE_RULE, parseTimetable } from '../domain/timetable.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const natsVariables = {
  NATS_URL: z
    .string()
    .regex(/^(nats|tls|wss?):\/\/\S+$/, 'a URL such as nats://127.0.0.1:4222')
    .default('nats://127.0.0.1:4222'),
  NATS_USER: z.string().min(1),
  NATS_PASSWORD: z.string().min(1),
};

const databaseVariables = {
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\/\S+$/, 'a URL such as postgres://user:password@host:5432/farmhand'),
};

const s3Variables = {
  S3_ENDPOINT: z.url({ protocol: /^https?$/, error: 'an http(s) URL' }),
  S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'a bucket name')
    .default('farmhand'),
  AWS_REGION: z.string().min(1).default('us-east-1'),
  AWS_ACCESS_KEY_ID: z.string().min(1),
  AWS_SECRET_ACCESS_KEY: z.string().min(1),
};

const loggingVariables = {
  FARMHAND_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
};

const PORT_RULE = 'a port from 0 to 65535';
const port = z.coerce
  .number({ error: PORT_RULE })
  .int({ error: PORT_RULE })
  .min(0, { error: PORT_RULE })
  .max(65_535, { error: PORT_RULE });

/** Where a process answers `/livez`, `/readyz` and `/metrics`, which ask for no token. */
const healthVariables = {
  FARMHAND_HEALTH_HOST: z.string().min(1).default('127.0.0.1'),
  /** 0 takes a free one. */
  FARMHAND_HEALTH_PORT: port.default(0),
};

export const coordinatorEnvironment = z.object({
  ...natsVariables,
  ...databaseVariables,
  ...s3Variables,
  ...loggingVariables,
  ...healthVariables,
  /** Copies of each stream; 3 in a NATS cluster. */
  FARMHAND_STREAM_REPLICAS: z.coerce.number().int().min(1).max(5).default(1),
  /** A folder of engines' definitions, which are put into the farm's store. */
  FARMHAND_ENGINES_DIR: z.string().min(1).optional(),
  /** How results are judged where neither step, job nor template says. */
  FARMHAND_QUALITY: z.enum(QUALITY_MODES).default('gate'),
});

export const gatewayEnvironment = z.object({
  ...natsVariables,
  ...databaseVariables,
  ...s3Variables,
  ...loggingVariables,
  ...healthVariables,
  FARMHAND_GATEWAY_HOST: z.string().min(1).default('127.0.0.1'),
  FARMHAND_GATEWAY_PORT: port.default(7780),
  /** The farm's token, asked of every request; the file has mode 0600. */
  FARMHAND_TOKEN_FILE: z.string().min(1),
  /** S3 as browsers and command lines reach it, when that differs from S3_ENDPOINT. */
  FARMHAND_S3_PUBLIC_ENDPOINT: z.url().optional(),
  /** Further host names under which the page may be asked for, comma-separated. */
  FARMHAND_ALLOWED_HOSTS: z.string().default(''),
  FARMHAND_UI_DIR: z.string().optional(),
  /** Addresses, ranges and host names that are not public and to which webhooks may go nevertheless, comma-separated. */
  FARMHAND_WEBHOOK_ALLOW: z.string().max(10_000).default(''),
});

const rootOverrides = z
  .string()
  .default('')
  .transform((text, context) => {
    const places = parseRootOverrides(text);
    if (places !== undefined) return places;
    context.addIssue({ code: 'custom', message: ROOT_OVERRIDES_RULE });
    return z.NEVER;
  });

export const workerEnvironment = z.object({
  ...natsVariables,
  ...s3Variables,
  ...loggingVariables,
  ...healthVariables,
  /** Stays the same over restarts; default: the host's name and a number from the state folder. */
  FARMHAND_WORKER_ID: idSchema.optional(),
  FARMHAND_WORKER_SLOTS: z.coerce.number().int().min(1).max(4_096).optional(),
  /** Scratch, asset cache, results that wait for S3. */
  FARMHAND_WORKER_DIR: z.string().min(1),
  /** Where `engines install` puts programs; searched after PATH. */
  FARMHAND_CACHE: z.string().min(1).optional(),
  FARMHAND_ASSET_CACHE_BYTES: z.coerce.number().int().min(1_000_000).default(20_000_000_000),
  /** Bytes a second that all downloads of scenes and frames together may take; default: what the line gives. */
  FARMHAND_DOWNLOAD_LIMIT: z.coerce.number().int().min(100_000).optional(),
  /** Limit of one slot's engine; default: the machine's memory divided by its slots. */
  FARMHAND_SLOT_MEMORY_BYTES: z.coerce.number().int().min(64_000_000).optional(),
  /** Only these engines, comma-separated; default: all that are found. */
  FARMHAND_ENGINES: z.string().optional(),
  /** Whether it takes definitions of engines that the farm was given. */
  FARMHAND_PUSHED_ENGINES: z.enum(['on', 'off']).default('on'),
  /** Where the machine stands; jobs can ask for a site. */
  FARMHAND_WORKER_SITE: idSchema.optional(),
  /** Words that jobs can ask for, comma-separated. */
  FARMHAND_WORKER_TAGS: z
    .string()
    .default('')
    .transform((text) => [...new Set(text.split(',').map((tag) => tag.trim()))].filter((tag) => tag !== ''))
    .pipe(z.array(idSchema).max(32)),
  /** Where shared storage lies on this machine, other than the farm says. */
  FARMHAND_ROOTS: rootOverrides,
  /** When the worker may work, by this machine's clock. */
  FARMHAND_WORKER_TIMETABLE: z
    .string()
    .max(200)
    .refine((text) => parseTimetable(text) !== undefined, TIMETABLE_RULE)
    .optional(),
  /** Seconds that the frames under way are given when the worker is asked to end. */
  FARMHAND_DRAIN_SECONDS: z.coerce.number().min(0).max(86_400).default(30),
  /** With less free disk than this a worker takes no further task. */
  FARMHAND_MIN_FREE_DISK_BYTES: z.coerce.number().int().min(0).default(500_000_000),
});

export type CoordinatorEnvironment = z.infer<typeof coordinatorEnvironment>;
export type GatewayEnvironment = z.infer<typeof gatewayEnvironment>;
export type WorkerEnvironment = z.infer<typeof workerEnvironment>;

const SECRET = /PASSWORD|SECRET|TOKEN$|DATABASE_URL/;

/**
 * Validates a process's environment once. `NAME_FILE` is read where `NAME` is not set, for credentials in files.
 * @throws FarmError `invalid` that names each variable, what it holds (never a secret's value) and what is expected.
 */
export function readEnvironment<S extends z.ZodObject>(schema: S, environment: Environment): z.infer<S> {
  const values: Record<string, string | undefined> = {};
  for (const name of Object.keys(schema.shape)) values[name] = valueOf(name, environment);
  const result = schema.safeParse(values);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => {
    const name = String(issue.path[0]);
    const value =
      values[name] === undefined ? 'nothing' : SECRET.test(name) ? '(secret)' : describeValue(values[name]);
    return { path: name, value, expected: issue.message };
  });
  const lines = issues.map((issue) => `${issue.path} is ${issue.value}; expected ${issue.expected}`);
  throw new FarmError('invalid', `The environment is not usable. ${lines.join('. ')}.`, { issues });
}

function valueOf(name: string, environment: Environment): string | undefined {
  const direct = environment[name];
  if (direct !== undefined && direct !== '') return direct;
  const file = environment[`${name}_FILE`];
  if (file === undefined || name.endsWith('_FILE')) return undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new FarmError('invalid', `${name}_FILE names a file that cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
