import { z } from 'zod';
import { idSchema } from '../job-document.ts';
import { sha256 } from './message-parts.ts';

/** How much of an engine's definition was seen to work. */
export const DEFINITION_STATUS = ['run-here', 'recorded', 'from-documentation'] as const;

/** Of a definition's text, in characters. */
export const MAX_DEFINITION_LENGTH = 250_000;
export const definitionText = z.string().min(1).max(MAX_DEFINITION_LENGTH);

const place = {
  version: z.literal(1),
  id: idSchema,
  /** Counts up with each definition of this id that the farm was given. */
  definition: z.int().min(1),
};

/**
 * Body of `engines.<id>`: what the farm's store now says of an engine's definition. The stream keeps the last one of each
 * engine; a removal stays there, so that those who were away hear of it.
 */
export const engineNoticeSchema = z.discriminatedUnion('type', [
  /** `text` is the definition in YAML, `digest` its SHA-256. */
  z.strictObject({ type: z.literal('put'), ...place, digest: sha256, text: definitionText }),
  z.strictObject({ type: z.literal('removed'), ...place }),
]);
export type EngineNotice = z.infer<typeof engineNoticeSchema>;
