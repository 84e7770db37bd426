import sharp, { type Metadata, type OutputInfo, type Sharp, type SharpOptions } from 'sharp';
import { messageOf } from '../../domain/errors.ts';
import type { IntegerSink, Integers, PictureShape } from '../measure/picture-sink.ts';
import { Unreadable } from './not-decodable.ts';
import { assertPixels } from './pixel-limit.ts';

// libvips remembers what it decoded by file name, and a frame that is rendered again has the same one. One thread a
// picture: as many pictures as there are slots are decoded at once anyway.
sharp.cache(false);
sharp.concurrency(1);

/** Larger pictures are decoded in strips, which takes longer and less memory. */
const STRIP_PIXELS = 64_000_000;
/** As the header claims; the limit is held before anything else is read. */
const READ: SharpOptions = { failOn: 'warning', limitInputPixels: false, sequentialRead: true };
const NAMES: Readonly<Record<string, string>> = { jpg: 'jpeg', tif: 'tiff' };
const WHITE = { uint8: 255, uint16: 65_535, float: null } as const;

/**
 * Decodes a PNG, JPEG, WebP or TIFF whole.
 * @param input the file's bytes, or its path where it is too large to be in memory
 * @param format what the file claims to be by its name's ending
 * @throws Unreadable
 */
export async function decodeWithSharp(
  input: Buffer | string,
  format: string,
  sink: IntegerSink,
): Promise<void> {
  try {
    const metadata = await sharp(input, READ).metadata();
    const named = NAMES[format] ?? format;
    if (metadata.format !== named) throw new Unreadable(`is a ${metadata.format} file, not a ${named} file`);
    assertPixels(metadata.width, metadata.height);
    sink.size?.(metadata.width, metadata.height);
    // Neither can be decoded in strips: all of it would be in memory at once.
    if (metadata.isProgressive && metadata.width * metadata.height > STRIP_PIXELS)
      throw new Unreadable(
        `is interlaced or progressive, with more than the ${STRIP_PIXELS / 1e6} million pixels that are decoded so`,
      );
    const depth = depthOf(metadata);
    const lines = Math.max(1, Math.min(metadata.height, Math.floor(STRIP_PIXELS / metadata.width)));
    let begun = false;
    for (let top = 0; top < metadata.height; top += lines) {
      const height = Math.min(lines, metadata.height - top);
      const whole = sharp(input, READ);
      const piece =
        height === metadata.height ? whole : whole.extract({ left: 0, top, width: metadata.width, height });
      const { data, info } = await toPixels(piece, metadata, depth);
      if (!begun) sink.begin(shapeOf(metadata, info.channels, depth));
      begun = true;
      sink.bytes(data);
      giveLines(data, { top, width: metadata.width, height, channels: info.channels }, depth, sink);
    }
  } catch (error) {
    if (error instanceof Unreadable) throw error;
    throw new Unreadable(`does not decode (${messageOf(error)})`, { cause: error });
  }
}

type Depth = keyof typeof WHITE;

function depthOf({ depth }: Metadata): Depth {
  if (depth === 'uchar' || depth === 'char') return 'uint8';
  return depth === 'ushort' || depth === 'short' ? 'uint16' : 'float';
}

/** Left alone, sharp would make everything eight bits. */
function toPixels(picture: Sharp, { channels }: Metadata, depth: Depth): ReturnType<typeof withInfo> {
  if (depth === 'uint8') return withInfo(picture.raw());
  if (depth === 'uint16')
    return withInfo(picture.toColourspace(channels < 3 ? 'grey16' : 'rgb16').raw({ depth: 'ushort' }));
  return withInfo(picture.toColourspace('scrgb').raw({ depth: 'float' }));
}

const withInfo = (picture: Sharp): Promise<{ data: Buffer; info: OutputInfo }> =>
  picture.toBuffer({ resolveWithObject: true });

function shapeOf({ width, height }: Metadata, channels: number, depth: Depth): PictureShape {
  const alpha = channels === 2 || channels === 4;
  const white = WHITE[depth];
  return { width, height, channels, alpha, depth, allChannels: channels, white, premultiplied: false };
}

interface Strip {
  top: number;
  width: number;
  height: number;
  channels: number;
}

function giveLines(data: Buffer, strip: Strip, depth: Depth, sink: IntegerSink): void {
  if (depth === 'float') {
    giveLight(data, strip, sink);
    return;
  }
  const samples: Integers =
    depth === 'uint8' ? data : new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  const length = strip.width * strip.channels;
  for (let y = 0; y < strip.height; y++)
    sink.integerLine(strip.top + y, samples.subarray(y * length, (y + 1) * length));
}

function giveLight(data: Buffer, { top, width, height, channels }: Strip, sink: IntegerSink): void {
  const samples = new Float32Array(data.buffer, data.byteOffset, data.length / 4);
  const lines = Array.from({ length: channels }, () => new Float32Array(width));
  let [notANumber, infinite] = [0, 0];
  for (let y = 0; y < height; y++) {
    for (const [channel, line] of lines.entries()) {
      let at = y * width * channels + channel;
      for (let x = 0; x < width; x++, at += channels) line[x] = samples[at] ?? 0;
      for (const value of line) {
        if (Number.isNaN(value)) notANumber++;
        else if (!Number.isFinite(value)) infinite++;
      }
    }
    sink.line(0, top + y, lines, width);
  }
  if (notANumber + infinite > 0) sink.notFinite(notANumber, infinite);
}
