import { z } from 'zod';
import { DEFINITION_STATUS, FAILURE_CLASSES } from '../contracts/messages.ts';
import { ID_PATTERN } from '../domain/ids.ts';

/**
 * An engine's definition file, `engine.yaml`: what the farm must know to check a job, and how a worker runs the program.
 * The fields are explained in docs/engines.md. What a schema cannot say (patterns, placeholders, which fields go together)
 * is checked by check-definition.ts.
 */

/** What a line that the program prints can mean. */
export const EVENT_TYPES = [
  'frame', // group 1: the frame that is being rendered
  'fraction', // group 1: how much is done, as a share of `of` (1)
  'ratio', // groups 1 and 2: so many of so many
  'saved', // group 1: the file that was written
  'end', // the program says that it came to the end; where a definition has such events, one must come
  'warn', // shown on the frame; group 1 or the line
  'error', // the reason, if the frame fails; group 1 or the line
  'fatal', // the frame cannot be right, whatever the exit code says; group 1 or the line
  'licence', // fatal: there was no licence
  'memory', // fatal: memory ran out
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** Streams of the program; `replies` is its file descriptor 3. */
export const STREAMS = ['stdout', 'stderr', 'replies'] as const;
export type StreamName = (typeof STREAMS)[number];

/** In the syntax of RE2; compiled by patterns.ts. */
const pattern = z.string().min(1).max(1_000);
const template = z.string().max(2_000);
const jsonSchema = z.record(z.string(), z.json());
const seconds = z.number().min(0).max(10_000_000);

const argument = z.union([
  template,
  z.strictObject({
    /** `width`, `!settings.cyclic`, `settings.mode == fast`: the arguments are left out unless it holds. */
    when: z.string().min(1).max(200).optional(),
    /** A list (`{item}`) or map (`{key}`, `{value}`) of settings or data: the arguments once for each. */
    each: z.string().min(1).max(200).optional(),
    args: z.array(template).min(1).max(50),
  }),
]);
export type ArgumentTemplate = z.infer<typeof argument>;

const probeArgs = z.array(z.string().max(4_000)).max(20);

const event = z.strictObject({
  type: z.enum(EVENT_TYPES),
  regex: pattern,
  /** A line that matches this too is none of these. */
  unless: pattern.optional(),
  /** Only lines of this stream. */
  stream: z.enum(STREAMS).optional(),
  /** Of `fraction`: what all of it is, such as 100 for percent. */
  of: z.number().positive().optional(),
  /** Of `error` and `fatal`: what kind of failure it is; `scene` unless said. */
  class: z.enum(FAILURE_CLASSES).optional(),
});
export type EventPattern = z.infer<typeof event>;

const output = z.strictObject({
  /** `main`, or what the frame's further output is called. */
  name: z.string().regex(ID_PATTERN, 'letters, digits, - and _').default('main'),
  /** Name of the file in the output folder, such as `f_{frame:08}.{format}`; `*` stands for any characters. */
  file: template.min(1),
  optional: z.boolean().default(false),
});
export type OutputTemplate = z.infer<typeof output>;

/** How a worker runs it; also what a variant may say differently. */
const runFields = {
  /** Arguments of the program that renders one frame: one list item is one argument, never a shell's text. */
  args: z.array(argument).max(200).optional(),
  /** Instead of `args`: a program that keeps the scene loaded and speaks the session protocol. */
  session: z
    .strictObject({
      args: z.array(argument).max(200),
      /** The line that it prints on stdout after all lines of a frame; `{id}` is the request's. */
      endMarker: z.string().max(200).optional(),
    })
    .optional(),
  /** Variables that the program gets besides PATH, HOME, TMPDIR and LANG. */
  env: z.record(z.string().regex(/^[A-Za-z_]\w{0,99}$/, 'a variable’s name'), template).default({}),
  /** Where it runs: an empty scratch folder, or the scene's folder, in which nothing can be written. */
  cwd: z.enum(['scratch', 'scene']).default('scratch'),
  streams: z
    .strictObject({
      /** Removed from each line before it is understood, wherever they match. */
      strip: z.array(pattern).max(20).default([]),
      /** A line that matches goes on with the message of the line before it. */
      continues: pattern.optional(),
    })
    .default({ strip: [] }),
  /** The first that matches says what a line means; a line that none matches means nothing. */
  events: z.array(event).max(200).default([]),
  exit: z
    .strictObject({
      ok: z.array(z.int().min(0).max(255)).min(1).max(50).default([0]),
      /** What other exit codes mean. */
      classes: z.record(z.string().regex(/^\d{1,3}$/, 'an exit code'), z.enum(FAILURE_CLASSES)).default({}),
    })
    .default({ ok: [0], classes: {} }),
  /** The files of a frame. The first is the main one. */
  outputs: z.array(output).max(64).optional(),
  /** How long it gets to end by itself (SIGINT, then SIGTERM) when a frame is not wanted any more, before it is killed. */
  cancel: z.strictObject({ graceSeconds: z.number().min(0).max(60) }).default({ graceSeconds: 1 }),
  timeouts: z
    .strictObject({
      start: seconds.default(60),
      /** Without a line, 0: it prints nothing, so silence means nothing. */
      silence: seconds.default(0),
      frame: seconds.default(86_400),
    })
    .default({ start: 60, silence: 0, frame: 86_400 }),
};

const versionSchema = z.union([
  z.strictObject({
    args: probeArgs,
    /** Group 1 is the version. Held against what the program prints on both streams. */
    regex: pattern,
    /** Versions outside of it count as not there. */
    range: z.string().max(100).optional(),
    /** Programs that end with another code than 0 when they are asked. */
    anyExit: z.boolean().default(false),
  }),
  z.strictObject({ fixed: z.string().min(1).max(64) }),
]);

const feature = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'small letters, digits and -'),
  args: probeArgs,
  regex: pattern,
  /** Without it the program counts as not there. */
  required: z.boolean().default(false),
});

export const definitionSchema = z.strictObject({
  id: z.string().regex(ID_PATTERN, 'letters, digits, - and _, beginning with a letter or digit, at most 64'),
  /** Takes every field that is not said here from another definition. */
  extends: z.string().optional(),
  label: z.string().min(1).max(100),
  status: z.enum(DEFINITION_STATUS),
  /** Operating systems that the program exists for; all when left out. */
  platforms: z
    .array(z.enum(['linux', 'darwin', 'win32']))
    .min(1)
    .optional(),
  /** What licence the program asks for, in words; left out: none. */
  licence: z.string().min(1).max(300).optional(),
  /** Variables of the worker that say where licences come from: the program gets them as they are, and no others. */
  licenceEnv: z
    .array(
      z
        .string()
        .regex(
          /^(?!FARMHAND_)(?=.*(?:licen[cs]e|lmhost))[a-z_]\w{0,99}$/i,
          'a variable with LICENSE or LMHOST in its name',
        ),
    )
    .max(20)
    .default([]),

  // What the farm must know to check a job.
  scene: z.enum(['required', 'optional', 'none']),
  /** `range`: numbered frames. `unit`: one piece of work a step, stored as frame 0. */
  work: z.enum(['range', 'unit']),
  inputs: z.enum(['required', 'optional', 'none']).default('none'),
  formats: z
    .array(z.string().regex(/^[a-z0-9]{1,16}$/, 'a file’s ending, such as png'))
    .min(1)
    .max(50),
  /** A setting that each of these formats comes from: what it says goes where a job asks for no format. */
  formatOf: z
    .strictObject({
      setting: z.string().min(1).max(64),
      formats: z.record(z.string(), z.string().max(16)),
    })
    .optional(),
  /** JSON Schema 2020-12 of an object; unknown settings are refused unless it says otherwise. */
  settings: jsonSchema.default({}),
  /** JSON Schema of the job's data, where the engine cannot take any. */
  data: jsonSchema.optional(),

  // How a worker finds and runs it.
  /** Code of this repository that runs it, a folder of src/worker/engines; which of the fields below it uses is its matter. */
  adapter: z.string().regex(ID_PATTERN).optional(),
  /** So many frames in a row may be rendered by one run of the program, where the adapter can. */
  framesAProcess: z.int().min(1).max(100).default(1),
  find: z
    .strictObject({
      /** Names on PATH. */
      names: z
        .array(z.string().regex(/^[^/\\]+$/, 'a name, no path'))
        .max(20)
        .default([]),
      /** A variable that holds the program's path: it goes first. */
      env: z.string().max(100).optional(),
      /** Absolute paths with `*`; of several the last in the order of their numbers. */
      globs: z.array(z.string().max(500)).max(50).default([]),
    })
    .optional(),
  version: versionSchema.optional(),
  features: z.array(feature).max(20).default([]),
  ...runFields,
  /** What is different in some versions. The first whose range the version is in counts; each field replaces the whole one. */
  variants: z
    .array(z.looseObject({ range: z.string().min(1).max(100) }))
    .max(50)
    .default([]),
});

export type EngineDefinition = z.infer<typeof definitionSchema>;

/** What a variant may replace. */
export const VARIANT_FIELDS: readonly string[] = Object.keys(runFields);
