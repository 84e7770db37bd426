import { z } from 'zod';
import { isFrameSelection } from '../domain/frame-ranges.ts';
import { parseStretches } from '../domain/stretches.ts';
import { ID_PATTERN, ID_RULE } from '../domain/ids.ts';

/** What looks at one file; each is one file of `shared/quality/checks`. */
export const FRAME_CHECKS = [
  'unreadable',
  'size',
  'depth',
  'alpha',
  'blank',
  'not-a-number',
  'fireflies',
  'video-frames',
  'video-rate',
  'video-duration',
  'video-black',
  'video-black-stretch',
  'video-freeze',
  'video-freeze-stretch',
  'audio-silence',
] as const;
/** What looks at a step's frames together. */
export const SEQUENCE_CHECKS = ['duplicate', 'outlier', 'missing'] as const;
export const CHECKS = [...FRAME_CHECKS, ...SEQUENCE_CHECKS] as const;
export type Check = (typeof CHECKS)[number];

/**
 * What becomes of a frame. `pass`; `warn`: delivered, and said; `fail`: rendered again on another worker, then held;
 * `hold`: a person decides; `unchecked`: nobody here can decode it, so nothing is claimed.
 */
export const VERDICTS = ['pass', 'unchecked', 'warn', 'fail', 'hold'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** What a check may lead to; `off`: it is not made. */
export const CHECK_VERDICTS = ['off', 'warn', 'fail', 'hold'] as const;
export type CheckVerdict = (typeof CHECK_VERDICTS)[number];

/** `off`: only files that cannot be read fail, as ever. `warn`: every finding is said, none stops anything. `gate`: verdicts count. */
export const QUALITY_MODES = ['off', 'warn', 'gate'] as const;

const checkPolicy = z.strictObject({
  verdict: z.enum(CHECK_VERDICTS).optional(),
  /** In the check's own unit; `docs/quality.md` has the table. */
  threshold: z.number().min(0).max(1e9).optional(),
});

const intendedSchema = z
  .strictObject({
    frames: z
      .string()
      .min(1)
      .max(10_000)
      .refine(isFrameSelection, 'a frame range such as 1-24,90, of at most 200 pieces')
      .optional(),
    /** Of videos: seconds from the beginning, such as `0-1.5,58-60`. */
    seconds: z
      .string()
      .min(1)
      .max(10_000)
      .refine((text) => parseStretches(text) !== undefined, 'seconds such as 0-1.5,58-60')
      .optional(),
    checks: z.array(z.enum(CHECKS)).min(1).max(CHECKS.length),
  })
  .refine(
    ({ frames, seconds }) => (frames === undefined) !== (seconds === undefined),
    'either frames or seconds',
  );

/** How a job's, template's or step's results are judged. What is left out takes the defaults of `docs/quality.md`. */
export const qualityPolicySchema = z.strictObject({
  mode: z.enum(QUALITY_MODES).optional(),
  /** How often a failed frame is rendered again, on another worker where there is one, before a person is asked. */
  rerenders: z.int().min(0).max(10).optional(),
  checks: z.partialRecord(z.enum(CHECKS), checkPolicy).optional(),
  /** Frames, or seconds of videos, that are black, frozen or sudden on purpose: the named checks say nothing about them. */
  intended: z.array(intendedSchema).max(100).optional(),
});
export type QualityPolicy = z.infer<typeof qualityPolicySchema>;

export const findingSchema = z.strictObject({
  check: z.enum(CHECKS),
  verdict: z.enum(['unchecked', 'warn', 'fail', 'hold']),
  /** One sentence for people, with figures and units. */
  message: z.string().min(1).max(500),
  value: z.number().nullable(),
  threshold: z.number().nullable(),
  /** The output that it is about, where a frame has several. */
  output: z.string().regex(ID_PATTERN, ID_RULE).optional(),
});
export type Finding = z.infer<typeof findingSchema>;

const channelValues = z.array(z.number().nullable()).max(4);

/** What was measured on a decoded picture. Values are of the file's own range: 0–255, 0–65535, or linear light. */
export const measuresSchema = z.strictObject({
  width: z.int().min(1),
  height: z.int().min(1),
  channels: z.int().min(1).max(1_024),
  depth: z.enum(['uint8', 'uint16', 'uint32', 'half', 'float', 'mixed']),
  /** Of the first four channels: R, G, B, A or grey, A. */
  min: channelValues,
  max: channelValues,
  mean: channelValues,
  notANumber: z.int().min(0),
  infinite: z.int().min(0),
  /** SHA-256 of the decoded pixels, hexadecimal: equal for equal pictures whatever the file says beside them. */
  pixels: z.string().regex(/^[0-9a-f]{64}$/),
});
export type Measures = z.infer<typeof measuresSchema>;

/** Side lengths of the small picture by which frames of a sequence are compared. */
export const THUMBNAIL = { width: 64, height: 36 } as const;

/** What a worker says of the main output of a frame it rendered. */
export const frameQualitySchema = z.strictObject({
  verdict: z.enum(VERDICTS),
  findings: z.array(findingSchema).max(32),
  /** Null for what is no picture or cannot be decoded here. */
  measures: measuresSchema.nullable(),
  /** 64 × 36 as WebP in base64. Only in `frames` messages: the full list of `completed` would grow too long. */
  thumbnail: z.base64().max(8_192).optional(),
});
export type FrameQuality = z.infer<typeof frameQualitySchema>;
