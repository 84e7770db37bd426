import { z } from 'zod';
import { assetManifestSchema } from './manifest.ts';

/** Files of this size and more are uploaded in parts, so that an upload that was cut off goes on where it stopped. */
export const PARTS_FROM_BYTES = 64_000_000;
/** What S3 takes as one object. */
export const MAX_OBJECT_BYTES = 5_497_558_138_880;
const LEAST_PART_BYTES = 16_777_216;
/** S3 takes 10,000. */
const MOST_PARTS = 9_000;
const MEBIBYTE = 1_048_576;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits');
const objectSchema = z.strictObject({ sha256, size: z.int().min(0).max(MAX_OBJECT_BYTES) });
const largeObjectSchema = z.strictObject({
  sha256,
  size: z.int().min(PARTS_FROM_BYTES).max(MAX_OBJECT_BYTES),
});

/** `POST /api/assets/plan`: which of these objects (files and packs) must still be uploaded, and where to. */
export const assetPlanRequestSchema = z.strictObject({
  files: z.array(objectSchema).min(1).max(100_000),
});
export type AssetPlanRequest = z.infer<typeof assetPlanRequestSchema>;
export const assetPlanSchema = z.object({
  /** PUT the bytes there with exactly these headers, within 15 minutes. At most 1,000. */
  uploads: z.array(
    z.object({ sha256: z.string(), url: z.string(), headers: z.record(z.string(), z.string()) }),
  ),
  /** Those that are missing, or not yet verified, and go in parts: `POST /api/assets/parts`. */
  parts: z.array(z.string()),
  /** Missing, too, or not looked at yet: to be asked for once the others are uploaded. */
  more: z.array(z.string()),
});
export type AssetPlan = z.infer<typeof assetPlanSchema>;

/** `POST /api/assets`: registers a manifest whose files are all there; the answer names the asset. */
export const assetRequestSchema = assetManifestSchema;
export const assetReplySchema = z.object({ sha256: z.string(), files: z.int(), bytes: z.number() });
export type AssetReply = z.infer<typeof assetReplySchema>;

/** `POST /api/assets/parts`: begins an upload in parts, or goes on with one. */
export const partsRequestSchema = largeObjectSchema;
export const partsReplySchema = z.object({
  /** Null when all bytes are there and only `verify` is left. */
  uploadId: z.string().nullable(),
  /** Every part has this size, but the last one. */
  partBytes: z.int(),
  /** Numbers, from 1, of the parts that are there. */
  stored: z.array(z.int()),
});
export type PartsReply = z.infer<typeof partsReplySchema>;

const uploadId = z.string().min(1).max(1_024);

/** `POST /api/assets/parts/link`: a link that takes exactly one part's bytes. */
export const partLinkRequestSchema = z.strictObject({
  sha256,
  uploadId,
  part: z.int().min(1).max(10_000),
  partSha256: sha256,
});
export type PartLinkRequest = z.infer<typeof partLinkRequestSchema>;
export const partLinkSchema = z.object({ url: z.string(), headers: z.record(z.string(), z.string()) });
export type PartLink = z.infer<typeof partLinkSchema>;

/** `POST /api/assets/parts/complete`: makes the parts one object; `verify` follows. */
export const partsCompleteRequestSchema = largeObjectSchema.extend({
  uploadId,
  /** SHA-256 of every part, in order. */
  parts: z.array(sha256).min(1).max(10_000),
});
export type PartsCompleteRequest = z.infer<typeof partsCompleteRequestSchema>;

/** `POST /api/assets/parts/verify`: the farm reads and hashes what was uploaded in parts; asked again until it is done. */
export const partsVerifyReplySchema = z.object({ state: z.enum(['verifying', 'verified']) });
export type PartsVerifyReply = z.infer<typeof partsVerifyReplySchema>;

/** Equal for every upload of a file of this size, so that any client can go on with it. */
export function partBytesOf(size: number): number {
  return Math.max(LEAST_PART_BYTES, Math.ceil(size / MOST_PARTS / MEBIBYTE) * MEBIBYTE);
}
