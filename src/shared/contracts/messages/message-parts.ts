import { z } from 'zod';
import { MAX_FRAME_NUMBER } from '../../domain/frame-ranges.ts';

/** What several messages are made of. */
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits');
export const frameNumber = z.int().min(-MAX_FRAME_NUMBER).max(MAX_FRAME_NUMBER);
export const generation = z.int().min(1).max(2_147_483_647);
export const frameRef = z.strictObject({ number: frameNumber, generation });
export type FrameRef = z.infer<typeof frameRef>;
