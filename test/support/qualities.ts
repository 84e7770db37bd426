import { createHash } from 'node:crypto';
import sharp from 'sharp';
import type { FrameRef } from '../../src/shared/contracts/messages.ts';
import type { Finding, FrameQuality } from '../../src/shared/contracts/quality.ts';
import type { HeldTask } from './scripted-worker.ts';

/** What a worker says of a picture of 320 × 180; pictures of one name have the same pixels. */
export function qualityOf(picture: string, findings: Finding[] = []): FrameQuality {
  const order = ['pass', 'unchecked', 'warn', 'fail', 'hold'] as const;
  const worst = findings.reduce((most, { verdict }) => Math.max(most, order.indexOf(verdict)), 0);
  return {
    verdict: order[worst]!,
    findings,
    measures: {
      width: 320,
      height: 180,
      channels: 3,
      depth: 'uint8',
      min: [0, 0, 0],
      max: [255, 255, 255],
      mean: [100, 100, 100],
      notANumber: 0,
      infinite: 0,
      pixels: createHash('sha256').update(picture).digest('hex'),
    },
  };
}

export const finding = (
  verdict: Finding['verdict'],
  message = 'It is blank: all of it is black.',
): Finding => ({
  check: 'blank',
  verdict,
  message,
  value: 0,
  threshold: 0,
});

/** 64 × 36 pixels of one colour, as WebP in base64. */
export async function thumbnailOf(r: number, g: number, b: number): Promise<string> {
  const background = { r, g, b };
  const webp = await sharp({ create: { width: 64, height: 36, channels: 3, background } })
    .webp()
    .toBuffer();
  return webp.toString('base64');
}

/** Renders a task frame by frame as a worker does that looks at what it has made. */
export async function completeLookedAt(
  task: HeldTask,
  look: (frame: FrameRef) => FrameQuality | undefined | Promise<FrameQuality | undefined>,
): Promise<void> {
  await task.started();
  const done = await Promise.all(
    task.task.frames.map(async (frame) => {
      const quality = await look(frame);
      return task.result(frame, quality === undefined ? {} : { quality });
    }),
  );
  await task.say({ type: 'frames', done });
  const listed = done.map(({ quality, ...result }) => {
    if (!quality) return result;
    const { thumbnail, ...rest } = quality;
    return { ...result, quality: thumbnail === undefined ? quality : rest };
  });
  await task.say({ type: 'completed', done: listed, logKey: null });
  task.end();
}
